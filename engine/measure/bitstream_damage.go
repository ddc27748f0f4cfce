package measure

import (
	"math"

	"github.com/streamvet/streamvet/engine/verdict"
)

// noEnd is for forms that have nothing to add when the source has ended.
type noEnd struct{}

func (noEnd) end(dst []verdict.Score, _ output, _ *Bitstream, _ *track) []verdict.Score { return dst }

// score is the score of one unit.
func (u *Unit) score(o output, value, reading float64) verdict.Score {
	return stretch(o, u.PTS, u.Duration, value, reading)
}

// decodeError: the bitstream is damaged. Reading: damaged packets and flagged
// frames before or in this one. 1 where the decoder refused packets or flagged a
// frame, 0.8 where the demuxer flagged packets. The flag marks where the damage
// hit, not the pictures it spreads to, so the score stays at 0.4 until the next
// keyframe: that holds a verdict, but begins none.
type decodeError struct{ noEnd }

const (
	refusedScore = 1.0
	corruptScore = 0.8
	taintedScore = 0.4
)

func newDecodeError() bitstreamForm { return &decodeError{} }

func (d *decodeError) knobs() []knob { return nil }

func (d *decodeError) observe(dst []verdict.Score, o output, t *track, u *Unit) []verdict.Score {
	e := u.Evidence
	if u.Keyframe {
		t.tainted = false
	}
	value, reading := 0.0, float64(e.CorruptPackets+e.RefusedPackets)
	if e.DecodeErrors != 0 {
		reading++
	}
	switch {
	case e.RefusedPackets > 0 || e.DecodeErrors != 0:
		value = refusedScore
	case e.CorruptPackets > 0:
		value = corruptScore
	case t.tainted:
		value = taintedScore
	}
	if e.Damaged() && t.Kind == VideoTrack {
		t.tainted = true
	}
	return append(dst, u.score(o, value, reading))
}

// timestampJump: timestamps step, or time is missing. Reading: the step or the
// missing time before this frame, milliseconds. 0.5 at `jump_ms` for a step, and
// at `gap_ms` for missing time, which a low or varying rate has in small amounts.
type timestampJump struct {
	noEnd
	jump, gap float64 // milliseconds
}

func newTimestampJump() bitstreamForm { return &timestampJump{jump: 100, gap: 250} }

func (d *timestampJump) knobs() []knob {
	return []knob{
		{"jump_ms", &d.jump, 1, 1e6},
		{"gap_ms", &d.gap, 1, 1e6},
	}
}

func (d *timestampJump) observe(dst []verdict.Score, o output, _ *track, u *Unit) []verdict.Score {
	jump, gap := milliseconds(u.Evidence.Jump), milliseconds(u.Evidence.Gap)
	value, reading := ramp(math.Abs(jump), d.jump/2, d.jump, 20*d.jump), jump
	if v := ramp(gap, d.gap/2, d.gap, 20*d.gap); v > value {
		value, reading = v, gap
	}
	return append(dst, u.score(o, value, reading))
}

// formatChange: size, pixel format, sample rate or channels change in the
// middle. Reading: 1 where they do.
type formatChange struct{ noEnd }

func newFormatChange() bitstreamForm { return &formatChange{} }

func (d *formatChange) knobs() []knob { return nil }

func (d *formatChange) observe(dst []verdict.Score, o output, _ *track, u *Unit) []verdict.Score {
	value := 0.0
	if u.Evidence.FormatChanged {
		value = 1
	}
	return append(dst, u.score(o, value, value))
}
