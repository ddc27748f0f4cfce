package measure

import (
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// stutter: motion hitches, because pictures are repeated or missing. Reading:
// milliseconds of hitch within the last second. 0.5 at `hitch_ms`; single
// repeats are not seen. Film and low rates are carried with repeats in a steady
// cadence (2:3 pulldown, every picture twice), which is no defect. What gives a
// fault away is that motion jumps after the repeat, because the repeat stood
// where another picture should have been; or else, that the scene has moved for
// a second without repeats. While pictures repeat nothing is told; then the score
// speaks for the stretch from the first repeat, or from where a picture is missing.
type stutter struct {
	hitch    float64 // milliseconds
	motion   float64 // change of a picture, levels a sample, that counts as motion
	life     float64
	freezeAt float64 // seconds from which a stretch of repeats is a freeze instead

	run       hitch         // repeats up to now
	most      float64       // usual BlockDiffMax of pictures that move
	lull      int           // pictures that neither moved nor were repeats, since the last that moved
	moved     float64       // change of the last picture that moved
	jump      float64       // change of a jump after repeats, if the last picture was one
	jumped    time.Duration // the length of those repeats
	smooth    int           // pictures that moved without a repeat, up to the last repeat or now
	smoothFor time.Duration // how long they were shown
	smoothAt  time.Duration
	isSmooth  bool // the scene has moved smoothly, latest at smoothAt
	pace      pace
	events    [16]hitch // ring
	count     int
	told      time.Duration // while it waits, scores speak for the time up to here
	waits     bool          // for what the repeats will turn out to be
}

// hitch is a stretch of repeated or missing pictures.
type hitch struct {
	at, length time.Duration
	pictures   int
}

func newStutter() pictureForm {
	return &stutter{hitch: 90, motion: 0.6, life: 0.08, freezeAt: 0.5}
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
	most := float64(p.m.BlockDiffMax)
	repeat := p.m.HasPrevious != 0 && p.change < 0.3*p.usual && most < 0.1*d.most
	moves := !p.still.pop && p.change >= 0.5*max(p.usual, d.motion)
	lively := p.usual >= d.motion && p.still.life >= d.life
	lost := d.pace.missing(p)
	ran := d.smooth > 0 // the picture before moved, too
	if p.cut {
		d.begin()
	}
	d.confirm(p, moves && !repeat)
	switch {
	case moves && !repeat:
		if d.run.pictures > 0 && lively && !p.cut {
			d.resumed(p)
		}
		d.smooth++
		d.smoothFor += p.Duration
		d.lull = 0
		d.most += (most - d.most) / 8
		d.moved = p.change
	case repeat:
		d.repeated(p)
	default:
		d.smooth, d.smoothFor = 0, 0 // a lull: what comes may begin with repeats
		d.lull++
		if d.run.pictures > 0 {
			d.run.length += p.Duration
		}
	}
	start := p.PTS
	if lost > 0 && ran && moves && lively && !p.cut {
		d.note(hitch{at: p.PTS, length: lost})
		start -= lost
	}
	return d.tell(dst, o, p, start)
}

// tell scores the time from start on, or from where scores have waited, to the end
// of p; or waits.
func (d *stutter) tell(dst []verdict.Score, o output, p *picture, start time.Duration) []verdict.Score {
	repeats := d.run.pictures > 0 && d.run.length.Seconds() < d.freezeAt
	if (repeats || d.jump > 0) && !d.waits {
		d.waits, d.told = true, start
	}
	if repeats || d.jump > 0 {
		return dst
	}
	if d.waits {
		start = d.told
	}
	d.waits = false
	ms := milliseconds(d.within(p.PTS, time.Second))
	return append(dst, stretch(o, start, p.PTS+p.Duration-start, ramp(ms, 0.4*d.hitch, d.hitch, 4*d.hitch), ms))
}

// begin forgets how the scene before has moved.
func (d *stutter) begin() {
	d.smooth, d.smoothFor, d.isSmooth, d.run, d.jump = 0, 0, false, hitch{}, 0
}

func (d *stutter) repeated(p *picture) {
	if d.smooth >= 10 && d.smoothFor >= time.Second {
		d.isSmooth, d.smoothAt = true, p.PTS
	}
	d.smooth, d.smoothFor = 0, 0
	d.run.length += p.Duration
	d.run.pictures++
}

// resumed ends the run of repeats: p moves again.
func (d *stutter) resumed(p *picture) {
	const memory = 10 * time.Second // after which repeats are what the scene is like
	switch {
	case d.run.length.Seconds() >= d.freezeAt:
		d.begin() // a freeze or a pause
	case d.lull > 2: // motion had died down before
	case d.isSmooth && p.PTS-d.smoothAt < memory:
		d.note(hitch{at: p.PTS, length: d.run.length})
	case p.change >= 1.22*max(p.usual, d.moved):
		d.jump, d.jumped = p.change, d.run.length // the next picture tells
	}
	d.run, d.smooth, d.smoothFor = hitch{}, 0, 0
}

// confirm counts a run of repeats after which motion jumped, if it was a jump and
// not just faster motion, nor one new picture between repeats.
func (d *stutter) confirm(p *picture, moves bool) {
	if d.jump > 0 && moves && p.change < 0.85*d.jump && !p.cut {
		d.note(hitch{at: p.PTS, length: d.jumped})
	}
	d.jump = 0
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
	const trusted, most = 16, 200
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
