package media

import (
	"errors"
	"fmt"
	"time"

	astiav "github.com/asticode/go-astiav"
)

const (
	// failuresAllowed is how many packets NVDEC may fail at after a keyframe before the
	// track goes on in software: what it does not understand in a damaged bitstream,
	// FFmpeg may.
	failuresAllowed = 8
	// passedOver bounds the packets that are left out while a decoder that took over
	// in the middle waits for a keyframe.
	passedOver = 600
)

// hardwareSaid is what the driver said in one call of the decoder.
type hardwareSaid struct {
	refused   bool // the decoder goes on in software, if it can
	begun     bool // NVDEC had decoded before
	failed    bool // calls of the driver failed
	undecoded bool // one of them was the decoding of a picture
	ours      bool // one of them for a reason that cannot lie in the bitstream
	reason    string
}

// trouble is what a decoder remembers of its GPU's failures.
type trouble struct {
	failures int    // packets that gave no picture since NVDEC failed at one, since a keyframe
	reason   string // why pictures come from software now
	wait     int    // packets that may be left out before a keyframe
	forgive  bool   // what is missing before the next picture is not the source's fault
}

// passesOver tells whether a packet is of no use to a decoder that just took over.
func (t *trouble) passesOver(p packet) bool {
	if p.key {
		t.wait = 0
	}
	t.wait = max(0, t.wait-1)
	return t.wait > 0
}

// openHardware opens a decoder on the GPU; the error says why that does not take
// the track.
func (d *decoder) openHardware(spec codecSpec, at CUDA) error {
	hw, err := newHardware(at)
	if err != nil {
		return err
	}
	if why := hw.refusal(spec.par); why != "" {
		hw.free()
		return errors.New(why)
	}
	// The demuxer may change its own copy before another decoder is opened.
	own := astiav.AllocCodecParameters()
	if err := spec.par.Copy(own); err != nil {
		own.Free()
		hw.free()
		return fmt.Errorf("copy the parameters of the track: %w", err)
	}
	if d.codec, err = openCodec(spec, hw); err != nil {
		own.Free()
		return err
	}
	d.spare = spec
	d.spare.par = own
	d.replay = newReplay(d.packets)
	return nil
}

// close frees the decoder; nobody may be in next.
func (d *decoder) close() {
	d.codec.free()
	d.replay.clear()
	if d.spare.par != nil {
		d.spare.par.Free()
	}
}

// troubled looks at what the driver said in the send or receive that gave rc. It is
// true where the outcome of that call does not count: the decoder was exchanged for
// one in software, the track ended, or the picture is blank.
func (d *decoder) troubled(rc int, received bool) bool {
	if d.codec.hw == nil {
		return false
	}
	said := d.codec.hw.take(d.codec.cc)
	blank := received && rc >= 0 && d.info.c.on_device != 0 && d.info.c.data[0] == nil
	if !said.refused && !said.failed && !blank && rc != rcExternal {
		return d.inVain(rc)
	}
	if err := d.codec.hw.lost(); err != nil {
		d.ended = fmt.Errorf("decode on NVDEC (%s): %w", said.reason, err)
		return true
	}
	if d.trouble.reason = said.reason; said.reason == "" {
		d.trouble.reason = "NVDEC gave no picture"
	}
	if said.refused && said.begun && d.spare.par.CodecID() != astiav.CodecIDAv1 {
		return false // the decoder goes on in software by itself, and may come back
	}
	d.trouble.failures++
	if said.refused || said.ours || d.trouble.failures >= failuresAllowed {
		d.exchange()
		return true
	}
	// The bitstream may be the reason.
	if said.undecoded {
		d.replay.fail(d.sent - 1)
	}
	if rc >= 0 || rc == rcAgain {
		d.refuse()
	}
	return blank
}

// inVain tells whether the decoder was exchanged, since it refused too much after
// NVDEC had failed, or that was near the end.
func (d *decoder) inVain(rc int) bool {
	if d.trouble.failures == 0 || rc >= 0 || rc == rcAgain {
		return false
	}
	if d.trouble.failures++; rc != rcEOF && d.trouble.failures < failuresAllowed {
		return false
	}
	d.exchange()
	return true
}

// exchange goes on in software, from the keyframe on that the next picture goes
// back to, or, if that is not there any more, from the next one on.
func (d *decoder) exchange() {
	k, err := openCodec(d.spare, nil)
	if err != nil {
		d.ended = fmt.Errorf("NVDEC gave up (%s), and software cannot go on: %w", d.trouble.reason, err)
		return
	}
	d.codec.free()
	d.codec = k
	d.refused = 0 // software has its own say on them
	d.undrained = d.draining
	d.trouble = trouble{reason: d.trouble.reason}
	if !d.replay.rewind() {
		d.trouble.wait, d.trouble.forgive = passedOver, true
	}
}

// feedAgain sends one of the packets that NVDEC had had; false after the last.
func (d *decoder) feedAgain() bool {
	if d.codec.hw != nil {
		return false
	}
	p, ok := d.replay.again()
	if !ok {
		return false
	}
	d.marks[uint64(p.number)%marksKept] = p.mark
	if rc := d.codec.send(p.av, p.number); rc < 0 && p.number > d.replay.told {
		d.refuse()
	}
	return true
}

// useless tells whether a picture is to be thrown away: NVDEC failed at it, or it
// came out before the decoder was exchanged.
func (d *decoder) useless() bool {
	c := &d.info.c
	number, at := int64(c.opaque), instant{d.marks[uint64(c.opaque)%marksKept].epoch, time.Duration(c.pts)}
	if d.codec.hw != nil {
		if !d.replay.give(number, at) {
			return true
		}
		if c.key != 0 {
			d.trouble.failures = 0
		}
		return false
	}
	if !d.replay.repeated(number, at) {
		return false
	}
	d.codec.takeDamage() // told already
	return true
}
