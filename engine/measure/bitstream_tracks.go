package measure

import (
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// missingTrack: a declared track brings nothing, or ends before the others.
// Reading: seconds that are missing. 0.5 at `lag_s`; containers commonly end
// their tracks some tenths of a second apart. It is scored from where the track
// ended, once the source has.
type missingTrack struct{ lag float64 } // seconds

func newMissingTrack() bitstreamForm { return &missingTrack{lag: 2} }

func (d *missingTrack) knobs() []knob { return []knob{{"lag_s", &d.lag, 0.1, 3600}} }

func (d *missingTrack) observe(dst []verdict.Score, o output, _ *track, u *Unit) []verdict.Score {
	return append(dst, u.score(o, 0, 0))
}

func (d *missingTrack) end(dst []verdict.Score, o output, b *Bitstream, t *track) []verdict.Score {
	lag := b.end() - t.end
	if lag <= 0 {
		return dst
	}
	return append(dst, stretch(o, t.end, lag, ramp(lag.Seconds(), d.lag/2, d.lag, 10*d.lag), lag.Seconds()))
}

// desync: sound drifts away from the picture, as far as timestamps can tell: the
// timestamps of the sound move away from the number of its samples. A player
// that plays every sample then shows the picture too late or too early. Reading:
// milliseconds by which the sound comes early (positive) or late (negative).
// 0.5 at +45 and -125 ms, where ITU-R BT.1359-1 has its threshold of
// detectability; 1 at +90 and -185 ms, its threshold of acceptability.
//
// Not scored, as players honour them: tracks that start apart, jumps that hit
// all tracks, holes of which the timestamps tell. What was shifted before it was
// muxed is unknown here.
type desync struct {
	noEnd
	early, late float64 // milliseconds
}

func newDesync() bitstreamForm { return &desync{early: 45, late: 125} }

func (d *desync) knobs() []knob {
	return []knob{
		{"early_ms", &d.early, 1, 10000},
		{"late_ms", &d.late, 1, 10000},
	}
}

func (d *desync) observe(dst []verdict.Score, o output, t *track, u *Unit) []verdict.Score {
	if t.Kind != AudioTrack || u.SampleRate <= 0 {
		return dst
	}
	e := u.Evidence
	if e.Gap != 0 || e.Jump != 0 || e.FormatChanged || e.Damaged() {
		// Sound is known to be missing here: count anew, and keep the drift so far.
		t.anchor, t.samples = u.PTS-t.drift(t.end), 0
	}
	ms := milliseconds(t.drift(u.PTS))
	t.samples += time.Duration(float64(u.Samples) / float64(u.SampleRate) * float64(time.Second))
	value := ramp(ms, d.early/2, d.early, 2*d.early)
	if ms < 0 {
		value = ramp(-ms, d.late/2, d.late, d.late*185/125)
	}
	return append(dst, u.score(o, value, ms))
}

// drift is how far the timestamps of a sound track have run ahead of its samples
// at a time up to which all samples have been counted.
func (t *track) drift(now time.Duration) time.Duration { return now - t.anchor - t.samples }

func milliseconds(t time.Duration) float64 { return float64(t) / float64(time.Millisecond) }
