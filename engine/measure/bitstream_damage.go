package measure

import (
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// pending is what has been found since the last score.
type pending struct{ value, reading float64 }

func (n *pending) tell(dst []verdict.Score, o output, _ *Bitstream, from, to time.Duration) []verdict.Score {
	dst = append(dst, stretch(o, from, to-from, n.value, n.reading))
	*n = pending{}
	return dst
}

func (n *pending) end(dst []verdict.Score, _ output, _ *Bitstream) []verdict.Score { return dst }

// decodeError: the bitstream is damaged. Reading: damaged packets and flagged
// frames since the last score. 1 where the decoder refused packets or flagged a
// frame, 0.8 where the demuxer flagged packets. Damage spreads until the next
// keyframe (notes of FFmpeg: the flag marks where the error hit, not where it
// went), so the score stays at 0.4 until then: it holds a verdict, but begins none.
type decodeError struct{ pending }

const (
	refusedScore = 1.0
	corruptScore = 0.8
	taintedScore = 0.4
)

func newDecodeError() bitstreamForm { return &decodeError{} }

func (d *decodeError) knobs() []knob { return nil }

func (d *decodeError) take(_ *Bitstream, t *track, u *Unit) {
	e := u.Evidence
	if t.Kind == VideoTrack && u.Keyframe {
		t.tainted = false
	}
	if !e.Damaged() {
		return
	}
	if t.Kind == VideoTrack {
		t.tainted = true
	}
	d.reading += float64(e.CorruptPackets + e.RefusedPackets)
	d.value = max(d.value, corruptScore)
	if e.RefusedPackets > 0 || e.DecodeErrors != 0 {
		d.value = refusedScore
	}
	if e.DecodeErrors != 0 {
		d.reading++
	}
}

func (d *decodeError) tell(dst []verdict.Score, o output, b *Bitstream, from, to time.Duration) []verdict.Score {
	for i := range b.tracks {
		if b.tracks[i].tainted {
			d.value = max(d.value, taintedScore)
		}
	}
	return d.pending.tell(dst, o, b, from, to)
}

// timestampJump: timestamps step, or time is missing. Reading: the largest step
// since the last score, milliseconds, signed. 0.5 at `jump_ms` for a step and at
// `gap_ms` for time that is missing (a low or variable rate has small gaps).
type timestampJump struct {
	pending
	jump, gap float64 // milliseconds
}

func newTimestampJump() bitstreamForm { return &timestampJump{jump: 100, gap: 500} }

func (d *timestampJump) knobs() []knob {
	return []knob{
		{"jump_ms", &d.jump, 1, 1e6},
		{"gap_ms", &d.gap, 1, 1e6},
	}
}

func (d *timestampJump) take(_ *Bitstream, _ *track, u *Unit) {
	d.note(milliseconds(u.Evidence.Jump), d.jump)
	d.note(milliseconds(u.Evidence.Gap), d.gap)
}

func (d *timestampJump) note(ms, half float64) {
	if v := ramp(mod(ms), half/2, half, 20*half); v > d.value {
		d.value, d.reading = v, ms
	}
}

// formatChange: size, pixel format, sample rate or channels change in the
// middle. Reading: tracks that changed since the last score. 1 where one did.
type formatChange struct{ pending }

func newFormatChange() bitstreamForm { return &formatChange{} }

func (d *formatChange) knobs() []knob { return nil }

func (d *formatChange) take(_ *Bitstream, _ *track, u *Unit) {
	if u.Evidence.FormatChanged {
		d.value = 1
		d.reading++
	}
}
