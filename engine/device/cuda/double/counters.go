package double

import (
	"fmt"
	"strings"
)

// Traffic is what was copied one way. Big are the copies of 4096 bytes and more,
// which may be pictures.
type Traffic struct{ Calls, Bytes, Big uint64 }

// Count is what the driver saw since the last Reset.
type Count struct {
	ToDevice, ToHost, OnDevice Traffic
	Launches                   uint64
	Waits                      uint64 // of the host: synchronisations, and copies that imply one
	Errors                     uint64 // calls that failed
	Missing                    uint64 // calls of what the double has not

	// Live are levels, Peak the highest since the last Reset.
	Live, Peak Levels

	// By entry of the PTX: how often it was launched, and the instructions that it
	// ran, counted for every thread.
	LaunchesOf, InstructionsOf map[string]uint64

	Decoder Decoder
}

// Levels are what exists at a time.
type Levels struct{ Allocations, Bytes, Pinned, Decoders, Surfaces uint64 }

// Decoder is what the decoders did. Taped are the pictures that came from a tape,
// Exhausted the maps that found no free surface.
type Decoder struct{ Made, Refused, Pictures, Bytes, Maps, Taped, Exhausted uint64 }

// Counters reads all counters at one moment.
func Counters() Count {
	c := Count{LaunchesOf: map[string]uint64{}, InstructionsOf: map[string]uint64{}}
	fields := c.fields()
	for line := range strings.Lines(counters()) {
		var name string
		var n uint64
		if _, err := fmt.Sscan(line, &name, &n); err != nil {
			continue
		}
		if f, ok := fields[name]; ok {
			*f = n
		} else if entry, ok := strings.CutPrefix(name, "launches."); ok {
			c.LaunchesOf[entry] = n
		} else if entry, ok := strings.CutPrefix(name, "instructions."); ok {
			c.InstructionsOf[entry] = n
		}
	}
	return c
}

func (c *Count) fields() map[string]*uint64 {
	f := map[string]*uint64{
		"launches": &c.Launches, "waits": &c.Waits, "errors": &c.Errors, "missing": &c.Missing,
		"decoder.made": &c.Decoder.Made, "decoder.refused": &c.Decoder.Refused, "decoder.pictures": &c.Decoder.Pictures,
		"decoder.bytes": &c.Decoder.Bytes, "decoder.maps": &c.Decoder.Maps, "decoder.taped": &c.Decoder.Taped,
		"decoder.exhausted": &c.Decoder.Exhausted,
	}
	for way, t := range map[string]*Traffic{"to_device": &c.ToDevice, "to_host": &c.ToHost, "on_device": &c.OnDevice} {
		f[way+".calls"], f[way+".bytes"], f[way+".big"] = &t.Calls, &t.Bytes, &t.Big
	}
	for when, l := range map[string]*Levels{"live": &c.Live, "peak": &c.Peak} {
		f[when+".allocations"], f[when+".bytes"], f[when+".pinned"] = &l.Allocations, &l.Bytes, &l.Pinned
		f[when+".decoders"], f[when+".surfaces"] = &l.Decoders, &l.Surfaces
	}
	return f
}
