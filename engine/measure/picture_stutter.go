package measure

import (
	"math/bits"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// stutter: motion hitches, because pictures are repeated or missing. Reading:
// milliseconds of hitch within the last second. 0.5 at `hitch_ms`; single
// repeats are not seen. A steady cadence is how film and low rates are carried
// and is not a defect: every second picture, 2:3 pulldown and the like at any
// time, and whatever else the track has always done.
type stutter struct {
	hitch    float64 // milliseconds
	motion   float64 // change of a picture, levels a sample, that counts as motion
	life     float64
	freezeAt float64 // seconds from which a stretch of repeats is a freeze instead

	history uint64 // bit 0 is the latest picture: 1 where it was a repeat
	seen    int    // pictures in history
	habit   float64
	run     time.Duration // of repeats up to now
	usual   time.Duration // picture duration that the track keeps
	steady  int           // pictures that kept it
	events  [16]hitch     // ring
	count   int
}

type hitch struct{ at, length time.Duration }

func newStutter() pictureForm {
	return &stutter{hitch: 100, motion: 0.6, life: 0.12, freezeAt: 0.5}
}

func (d *stutter) knobs() []knob {
	return []knob{
		{"hitch_ms", &d.hitch, 10, 1000},
		{"motion", &d.motion, 0.05, 20},
		{"life", &d.life, 0, 1},
		{"freeze_s", &d.freezeAt, 0.05, 3600},
	}
}

func (d *stutter) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	repeat := p.still.quiet && (p.still.exact || p.change < 0.1*p.usual)
	d.history = d.history << 1
	d.seen = min(d.seen+1, 64)
	moving := p.usual >= d.motion && p.still.life >= d.life
	if repeat {
		d.history |= 1
		d.run += p.Duration
	} else {
		resumed := !p.cut && p.change >= 0.5*p.usual
		if d.run > 0 && moving && resumed && d.run.Seconds() < d.freezeAt && !d.cadence() {
			d.note(p.PTS, d.run)
		}
		d.run = 0
	}
	if lost := d.missing(p); lost > 0 && moving && !p.cut {
		d.note(p.PTS, lost)
	}
	d.learn(repeat, moving)
	ms := float64(d.within(p.PTS, time.Second).Milliseconds())
	return append(dst, p.score(o, ramp(ms, 0.4*d.hitch, d.hitch, 4*d.hitch), ms))
}

// learn keeps the share of repeats that the track has always had.
func (d *stutter) learn(repeat, moving bool) {
	if !moving {
		return
	}
	r := 0.0
	if repeat {
		r = 1
	}
	d.habit += (r - d.habit) / float64(min(d.seen, 64)+1)
}

// cadence tells whether the latest repeats keep a steady rhythm that is known,
// or that the track has always had.
func (d *stutter) cadence() bool {
	const window = 24
	for period := 2; period <= 12; period++ {
		n := min(window, d.seen-period)
		if n < period {
			return false
		}
		mask := uint64(1)<<n - 1
		ones := bits.OnesCount64(d.history & mask)
		if ones == 0 || bits.OnesCount64((d.history^d.history>>period)&mask)*4 > ones {
			continue
		}
		perPeriod := bits.OnesCount64(d.history & (1<<period - 1))
		known := period == 2 || period == 5 && (perPeriod == 1 || perPeriod == 3) ||
			perPeriod == period-1 && period <= 4
		share := float64(perPeriod) / float64(period)
		return known || d.habit > 0.6*share
	}
	return false
}

// missing is how much longer than usual the picture before was shown, where the
// track otherwise keeps one duration.
func (d *stutter) missing(p *picture) time.Duration {
	defer func() {
		if near(p.Duration, d.usual) {
			d.steady = min(d.steady+1, 1000)
			return
		}
		if d.steady -= 8; d.steady <= 0 {
			d.usual, d.steady = p.Duration, 0
		}
	}()
	if d.steady < 24 {
		return 0
	}
	lost := p.Evidence.Gap
	if p.Duration > d.usual*9/5 {
		lost = max(lost, p.Duration-d.usual)
	}
	if lost < d.usual/2 || lost.Seconds() > d.freezeAt {
		return 0
	}
	return lost
}

func near(a, b time.Duration) bool {
	return a-b < b/8+time.Millisecond && b-a < b/8+time.Millisecond
}

func (d *stutter) note(at, length time.Duration) {
	d.events[d.count%len(d.events)] = hitch{at, length}
	d.count++
}

// within adds up the hitches of the last stretch of time.
func (d *stutter) within(now, length time.Duration) time.Duration {
	var sum time.Duration
	for i := range min(d.count, len(d.events)) {
		if e := d.events[i]; now-e.at < length {
			sum += e.length
		}
	}
	return sum
}
