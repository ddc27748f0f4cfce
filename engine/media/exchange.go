package media

import (
	"errors"
	"fmt"

	astiav "github.com/asticode/go-astiav"
)

const (
	// failuresInARow is how many calls NVDEC may fail in, with no picture in between,
	// before the track goes on in software: what it does not understand in a damaged
	// bitstream, FFmpeg may.
	failuresInARow = 16
	// passedOver bounds the packets that are left out while a new decoder waits for a
	// keyframe.
	passedOver = 600
)

// hardwareSaid is what the driver said in one call of the decoder.
type hardwareSaid struct {
	refused bool // the decoder goes on in software, if it can
	begun   bool // NVDEC had decoded before
	failed  bool // calls of the driver failed
	memory  bool // for want of memory
	spoiled bool // the next picture has no content
	reason  string
}

// trouble is what a decoder remembers of its GPU's failures.
type trouble struct {
	inARow    int
	reason    string // why pictures come from software now
	exchanged bool   // the decoder in software took over
	wait      int    // packets that may be left out before a keyframe
	forgive   bool   // what is missing before the next picture is not the source's fault
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
	d.codec, err = openCodec(spec, hw)
	if err != nil {
		return err
	}
	// The demuxer may change its own copy while the decoder is exchanged.
	d.spare = spec
	d.spare.par = astiav.AllocCodecParameters()
	return spec.par.Copy(d.spare.par)
}

func (d *decoder) close() {
	d.codec.free()
	if d.spare.par != nil {
		d.spare.par.Free()
	}
}

// troubled looks at what the driver said in the send (of p) or the receive that
// gave rc. It is true where the outcome of that call does not count: the decoder
// was exchanged for one in software, the track ended, or the picture is blank.
func (d *decoder) troubled(rc int, p *packet) bool {
	if d.codec.hw == nil {
		return false
	}
	said := d.codec.hw.take(d.codec.cc)
	blank := p == nil && rc >= 0 && d.info.c.on_device != 0 && d.info.c.data[0] == nil
	if !said.refused && !said.failed && !blank && rc != rcExternal {
		if p == nil && rc >= 0 {
			d.trouble.inARow = 0
		}
		return false
	}
	if err := d.codec.hw.lost(); err != nil {
		d.ended = fmt.Errorf("decode on NVDEC (%s): %w", said.reason, err)
		return true
	}
	d.trouble.reason = said.reason
	switch {
	case said.refused && said.begun && d.spare.par.CodecID() != astiav.CodecIDAv1:
		return false // the decoder goes on in software by itself, and may come back
	case said.refused:
		d.exchange(p, false)
		return true
	}
	// The bitstream may be the reason, unless memory or a copy is.
	d.trouble.inARow++
	if said.memory || said.spoiled || d.trouble.inARow >= failuresInARow {
		d.exchange(p, true)
		return true
	}
	if rc >= 0 || rc == rcAgain {
		d.refuse()
	}
	return blank
}

// exchange goes on in software: with p, or where NVDEC has had that already, with
// the next keyframe.
func (d *decoder) exchange(p *packet, had bool) {
	k, err := openCodec(d.spare, nil)
	if err != nil {
		d.ended = fmt.Errorf("NVDEC gave up (%s), and software cannot go on: %w", d.trouble.reason, err)
		return
	}
	d.codec.free()
	d.codec = k
	d.trouble = trouble{reason: d.trouble.reason, exchanged: d.decoded, forgive: d.decoded}
	d.refused = 0
	d.key = p != nil && p.key
	switch {
	case p != nil && (p.key || !had):
		rc := d.codec.send(p.av, d.sent)
		d.sent++
		if rc < 0 {
			d.refuse()
		}
	case d.draining:
		d.codec.send(nil, 0)
	default:
		d.trouble.wait = passedOver
	}
}
