package gpucheck

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// crossing is what the step bus finds: what went over the bus in a stretch in which
// nothing began and nothing ended.
type crossing struct {
	Sources  int
	Seconds  float64
	Pictures int64
	ToDevice map[string]device.Traffic // by purpose
	ToHost   map[string]device.Traffic
	PCIe     *pcieReading `json:",omitempty"` // as the driver measures it
}

// bus lets sources run for a while and counts what crosses the bus.
func (c *check) bus(ctx context.Context) (err error) {
	clip, err := c.loadClip("h264")
	if err != nil {
		return err
	}
	e, err := c.openEngine(onGPU)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	n, stretch := 8, 8*time.Second
	if c.Options.Quick {
		n, stretch = 2, 800*time.Millisecond
	}
	crowd := sources(ctx, e, engine.SourceConfig{URL: clip, Paced: true})
	defer func() { err = errors.Join(err, crowd.end()) }()
	if err := crowd.grow(ctx, n); err != nil {
		return err
	}
	if err := pause(ctx, stretch/4); err != nil {
		return err
	}
	before, saw := e.Copies(), c.seen()
	r := crossing{Sources: n, Pictures: -crowd.frames()}
	began := time.Now()
	pcie := startPCIe(ctx, c.Options.Ordinal)
	if err := pause(ctx, stretch); err != nil {
		return err
	}
	for r.Pictures+crowd.frames() == 0 { // on a machine that is busy with other things
		if err := pause(ctx, stretch); err != nil {
			return err
		}
	}
	r.PCIe, err = pcie.stop()
	if err != nil {
		c.note("%v", err)
	}
	r.Seconds = time.Since(began).Seconds()
	after, seen := e.Copies(), c.seen()
	r.Pictures += crowd.frames()
	r.ToDevice, r.ToHost = r.differences(before.ToDevice[:], after.ToDevice[:]), r.differences(before.ToHost[:], after.ToHost[:])
	c.table(r)
	c.judgeBus(&r)
	if c.driver != nil {
		c.agreeWithDriver(&r, saw, seen)
	}
	return nil
}

func (r *crossing) differences(before, after []device.Traffic) map[string]device.Traffic {
	m := map[string]device.Traffic{}
	for _, p := range device.Purposes() {
		m[p.String()] = device.Traffic{Calls: after[p].Calls - before[p].Calls, Bytes: after[p].Bytes - before[p].Bytes}
	}
	return m
}

func sum(m map[string]device.Traffic) (all device.Traffic) {
	for _, t := range m {
		all.Calls, all.Bytes = all.Calls+t.Calls, all.Bytes+t.Bytes
	}
	return all
}

func (c *check) judgeBus(r *crossing) {
	if r.Pictures <= 0 {
		c.fail("no picture came in %.1f s", r.Seconds)
		return
	}
	c.note("%d sources, %d pictures in %.1f s", r.Sources, r.Pictures, r.Seconds)
	for _, way := range []struct {
		name string
		of   map[string]device.Traffic
	}{{"to the GPU", r.ToDevice}, {"to the host", r.ToHost}} {
		for _, p := range device.Purposes() {
			if t := way.of[p.String()]; t.Calls > 0 {
				c.note("%s, %v: %d copies, %.1f bytes a picture", way.name, p, t.Calls, float64(t.Bytes)/float64(r.Pictures))
			}
		}
	}
	pictures := r.ToDevice[device.ForPictures.String()]
	c.must(pictures.Bytes == 0 && r.ToHost[device.ForPictures.String()].Bytes == 0, "no picture crosses the bus (%d did)", pictures.Calls)
	c.must(sum(r.ToDevice).Bytes == 0, "but for the bitstream, nothing goes to the GPU (%d bytes did)", sum(r.ToDevice).Bytes)
	measures := r.ToHost[device.ForMeasures.String()]
	size := uint64(unsafe.Sizeof(frame.Measures{}))
	c.must(measures.Bytes == measures.Calls*size, "of a picture its measures come back, %d bytes", size)
	picture := float64(1920 * 1080 * 3 / 2)
	if !c.Options.Quick {
		each := float64(sum(r.ToHost).Bytes) / float64(r.Pictures)
		c.target("comes back of a picture in all", each, "bytes", each < picture/100, fmt.Sprintf("below a hundredth of the %.0f of the picture", picture))
	}
	if p := r.PCIe; p != nil {
		// All pictures over the bus would be so much; the counters of the driver are coarse.
		whole := float64(r.Pictures) / r.Seconds * picture / 1e6
		c.target("the driver sees go to the GPU, all in all", p.ToDevice, "MB/s", p.ToDevice < whole/4, fmt.Sprintf("pictures alone would be %.0f", whole))
		c.target("the driver sees come to the host, all in all", p.ToHost, "MB/s", p.ToHost < whole/4, fmt.Sprintf("pictures alone would be %.0f", whole))
	}
}

// saw is what the driver has seen so far.
type saw struct{ toDevice, toHost, bitstream uint64 }

func (c *check) seen() (s saw) {
	if c.driver != nil {
		s.toDevice, s.toHost, s.bitstream = c.driver()
	}
	return s
}

// agreeWithDriver holds our counters to the driver's, which nothing escapes. The two
// were read one after the other while sources ran, hence the slack.
func (c *check) agreeWithDriver(r *crossing, before, after saw) {
	slack := 0.05
	close := func(ours, its uint64) bool {
		a, b := float64(ours), float64(its)
		return a-b <= slack*b+65536 && b-a <= slack*b+65536
	}
	toDevice, toHost := after.toDevice-before.toDevice, after.toHost-before.toHost
	c.must(close(sum(r.ToDevice).Bytes, toDevice), "the driver saw %d bytes go to the GPU, we count %d", toDevice, sum(r.ToDevice).Bytes)
	c.must(close(sum(r.ToHost).Bytes, toHost), "the driver saw %d bytes come to the host, we count %d", toHost, sum(r.ToHost).Bytes)
	c.note("the decoders were given %d bytes of bitstream", after.bitstream-before.bitstream)
}
