package media

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	astiav "github.com/asticode/go-astiav"

	"github.com/streamvet/streamvet/engine/frame"
)

// mark is what the reader knows of a packet and the frame out of it must know.
// The counters run over the whole track, so that packets without a frame of
// their own are not forgotten.
type mark struct {
	epoch   int // of the timeline
	corrupt int // packets flagged so far
	holes   int // steps of the timestamps beyond the declared durations so far
}

// marksKept is more than any decoder holds back (frame threads, reordering).
const marksKept = 256

// fruitless is how many calls in a row a decoder may answer with an error, though
// it was fed nothing in between, before it is taken for finished.
const fruitless = 1024

// decoder turns the packets of one track into frames. It belongs to whoever
// holds mu: the caller of Next, later Close.
type decoder struct {
	mu      sync.Mutex
	queue   *queue
	packets *packetPool
	clock   *timeline
	index   int // in the timeline
	codec   codec
	spare   codecSpec // of the decoder in software that follows NVDEC where that gives up
	damage  bool      // log lines tell of damage in the picture (see damage_lines)

	info      frameInfo
	marks     [marksKept]mark
	sent      int64
	key       bool // a packet that a decoder can begin with was sent
	decoded   bool // a frame came out
	draining  bool
	undrained bool  // the decoder was not told yet
	ended     error // what Next gives from now on
	early     int   // packets refused before key: a broadcast joined in its middle
	refused   int   // since the last frame
	last      mark  // that was told with a frame
	suspicion int   // frames until damage that was seen is forgotten

	trouble trouble // with the GPU
	replay  replay
}

// next gives the next frame of the decoder in f, with its mark.
func (d *decoder) next(ctx context.Context, f *astiav.Frame) (mark, error) {
	for failures := 0; d.ended == nil; {
		rc := d.codec.receive(f, &d.info)
		if d.troubled(rc, true) || rc >= 0 && d.useless() {
			f.Unref()
			continue
		}
		switch {
		case rc >= 0:
			d.decoded = true
			return d.marks[uint64(d.info.c.opaque)%marksKept], nil
		case rc == rcEOF:
			d.end()
			continue
		case rc != rcAgain:
			d.refuse()
			if failures++; failures >= fruitless {
				d.end()
			}
			continue
		}
		if err := d.feed(ctx); err != nil {
			return mark{}, err
		}
		failures = 0
	}
	return mark{}, d.ended
}

// feed sends one packet, or the end of them.
func (d *decoder) feed(ctx context.Context) error {
	if d.feedAgain() {
		return nil
	}
	if d.draining { // a decoder that asks for more after the end has nothing left
		d.drain()
		return nil
	}
	p, err := d.queue.pop(ctx)
	if err != nil {
		if err != io.EOF && d.queue.failure() == nil {
			return err // canceled or closed: nothing ended yet
		}
		d.draining, d.undrained = true, true
		d.drain()
		return nil
	}
	if d.trouble.passesOver(p) {
		d.packets.put(p.av)
		return nil
	}
	d.send(p)
	return nil
}

// drain tells the decoder that nothing more comes, once.
func (d *decoder) drain() {
	if !d.undrained {
		d.end()
		return
	}
	d.undrained = false
	d.codec.send(nil, 0)
}

func (d *decoder) send(p packet) {
	number := d.sent
	d.sent++
	d.key = d.key || p.key
	d.marks[number%marksKept] = p.mark
	kept := d.codec.hw != nil && d.replay.keep(p, number)
	rc := d.codec.send(p.av, number)
	if !kept {
		d.packets.put(p.av)
	}
	if !d.troubled(rc, false) && rc < 0 {
		d.refuse()
	}
}

// end is what Next gives after the last frame.
func (d *decoder) end() {
	d.ended = io.EOF
	if err := d.queue.failure(); err != nil {
		d.ended = err
	}
}

func (d *decoder) refuse() {
	if d.key || d.decoded {
		d.refused++
	} else {
		d.early++
	}
}

// evidence collects what was said since the frame before.
func (d *decoder) evidence(m mark) frame.Evidence {
	var e frame.Evidence
	e.CorruptPackets = max(0, m.corrupt-d.last.corrupt)
	e.RefusedPackets = d.refused
	e.DecodeErrors = decodeErrors(int(d.info.c.decode_error_flags), d.info.c.corrupt != 0)
	invalid, missing := d.codec.takeDamage()
	if invalid > 0 && d.damage {
		e.DecodeErrors |= frame.InvalidBitstream
	}
	if missing > 0 && d.damage {
		e.DecodeErrors |= frame.MissingReference
	}
	if e.Damaged() || m.holes > d.last.holes {
		d.suspicion = marksKept / 8
	} else if d.suspicion > 0 {
		d.suspicion--
	}
	d.refused = 0
	d.last.corrupt = max(d.last.corrupt, m.corrupt)
	d.last.holes = max(d.last.holes, m.holes)
	return e
}

// tail is the evidence that no frame could carry; lastEnd is where the last frame
// ended on the timeline.
func (d *decoder) tail(lastEnd time.Duration) frame.Evidence {
	e := frame.Evidence{RefusedPackets: d.refused}
	if !d.decoded {
		e.RefusedPackets += d.early
	}
	e.CorruptPackets = max(0, d.clock.corrupt(d.index)-d.last.corrupt)
	if !errors.Is(d.ended, ErrDeviceLost) { // the source goes on, unseen
		e.Gap = d.clock.missing(d.index, lastEnd)
	}
	return e
}

// decodeErrors translates AVFrame.decode_error_flags and AV_FRAME_FLAG_CORRUPT.
func decodeErrors(flags int, corrupt bool) frame.DecodeError {
	var e frame.DecodeError
	for i, d := range [...]frame.DecodeError{frame.InvalidBitstream, frame.MissingReference, frame.ConcealmentActive, frame.DecodeSlices} {
		if flags&(1<<i) != 0 {
			e |= d
		}
	}
	if corrupt {
		e |= frame.FrameCorrupt
	}
	return e
}
