package measure

import (
	"math/bits"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// stutter: motion hitches, because pictures are repeated or missing. Reading:
// milliseconds of hitch within the last second. 0.5 at `hitch_ms`; single
// repeats are not seen. Film and low rates are carried with repeats in a steady
// cadence (2:3 pulldown, every picture twice); that is how a scene begins, and no
// defect. So repeats count where the scene has moved smoothly before; else only
// if they are several in a row and keep no cadence.
type stutter struct {
	hitch    float64 // milliseconds
	motion   float64 // change of a picture, levels a sample, that counts as motion
	life     float64
	freezeAt float64 // seconds from which a stretch of repeats is a freeze instead

	history  uint64 // bit 0 is the latest picture: 1 where it was a repeat
	seen     int    // pictures in history
	run      hitch  // repeats up to now
	smooth   int    // pictures that moved without a repeat, up to the last repeat or now
	smoothAt time.Duration
	isSmooth bool // the scene has moved smoothly, latest at smoothAt
	pace     pace
	events   [16]hitch // ring
	count    int
}

// hitch is a stretch of repeated or missing pictures.
type hitch struct {
	at, length time.Duration
	pictures   int
}

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
	repeat := p.still.quiet && p.m.HasPrevious != 0 && p.change < 0.1*p.usual
	moves := !p.still.pop && p.change >= 0.5*max(p.usual, d.motion)
	lively := p.usual >= d.motion && p.still.life >= d.life
	lost := d.pace.missing(p)
	d.history <<= 1
	d.seen = min(d.seen+1, 64)
	if p.cut {
		d.begin()
	}
	switch {
	case repeat:
		d.history |= 1
		d.repeated(p)
	case d.run.pictures > 0:
		if moves && lively && !p.cut && d.counts(p.PTS) {
			d.note(hitch{at: p.PTS, length: d.run.length})
		}
		if d.run.length.Seconds() >= d.freezeAt {
			d.begin()
		}
		d.run = hitch{}
		d.smooth = 0
	}
	switch {
	case moves:
		d.smooth++
	case !repeat:
		d.smooth = 0 // a lull: what comes may begin with repeats
	}
	if lost > 0 && moves && lively && !p.cut && lost.Seconds() < d.freezeAt {
		d.note(hitch{at: p.PTS, length: lost})
	}
	ms := milliseconds(d.within(p.PTS, time.Second))
	return append(dst, p.score(o, ramp(ms, 0.4*d.hitch, d.hitch, 4*d.hitch), ms))
}

// begin forgets how the scene before has moved.
func (d *stutter) begin() { d.smooth, d.isSmooth, d.seen = 0, false, 0 }

func (d *stutter) repeated(p *picture) {
	const enough = 24 // pictures without a repeat
	if d.smooth >= enough {
		d.isSmooth, d.smoothAt = true, p.PTS
	}
	d.smooth = 0
	d.run.length += p.Duration
	d.run.pictures++
}

// counts tells whether the run of repeats that has just ended is a hitch.
func (d *stutter) counts(now time.Duration) bool {
	const memory = 10 * time.Second // after which repeats are what the scene is like
	if d.run.length.Seconds() >= d.freezeAt {
		return false
	}
	if d.isSmooth && now-d.smoothAt < memory {
		return true
	}
	return d.run.pictures >= 3 && milliseconds(d.run.length) >= 0.9*d.hitch && !d.cadence()
}

// cadence tells whether the latest repeats keep a steady rhythm.
func (d *stutter) cadence() bool {
	const window = 24
	for period := 2; period <= 12; period++ {
		n := min(window, d.seen-period)
		if n < period {
			return false
		}
		mask := uint64(1)<<n - 1
		repeats := bits.OnesCount64(d.history & mask)
		breaks := bits.OnesCount64((d.history ^ d.history>>period) & mask)
		if repeats > 0 && 4*breaks <= repeats {
			return true
		}
	}
	return false
}

func (d *stutter) note(h hitch) {
	d.events[d.count%len(d.events)] = h
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

// pace knows at what distance the pictures of a track come, if at a steady one.
type pace struct {
	last   time.Duration // PTS
	usual  time.Duration // distance
	steady int           // confidence
	begun  bool
}

// missing is how much later than usual p came, in a track that otherwise keeps
// its pace: pictures are missing before it.
func (c *pace) missing(p *picture) time.Duration {
	const trusted, most = 24, 200
	step := p.PTS - c.last
	c.last = p.PTS
	if !c.begun {
		c.begun = true
		return 0
	}
	late := step - c.usual
	if late < c.usual/4+time.Millisecond && -late < c.usual/4+time.Millisecond {
		c.steady = min(c.steady+1, most)
		return 0
	}
	known := c.steady >= trusted
	if c.steady -= 3; c.steady < 0 {
		c.usual, c.steady = step, 0
	}
	if known && 2*late >= c.usual {
		return late
	}
	return 0
}
