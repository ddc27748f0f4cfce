package measure

import (
	"math"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// stutter: motion hitches, because pictures are repeated or missing. Reading:
// milliseconds of hitch within a second. 0.5 at `hitch_ms`; single repeats are
// not seen. Film and low rates are carried with repeats in a steady cadence (2:3
// pulldown, every picture twice), which is no defect. What gives a fault away is
// that motion jumps after the repeat, because the repeat stood where another
// picture should have been; or else, that the scene has moved for a second
// without repeats, or that a camera repeats itself exactly. While it is open what a repeat will turn out to be, and for a
// second after a hitch that is too short by itself, nothing is told; then scores
// speak for the stretch from the first hitch to the end of the last.
type stutter struct {
	hitch    float64 // milliseconds
	motion   float64 // change of a picture, levels a sample, that counts as motion
	life     float64
	freezeAt float64 // seconds from which a stretch of repeats is a freeze instead

	run       hitch         // repeats up to now
	most      float64       // usual BlockDiffMax of pictures that move
	moving    float64       // usual share of the blocks that move
	lull      int           // pictures that neither moved nor were repeats, since the last that moved
	moved     float64       // change of the last picture that moved
	jump      hitch         // before the last picture, if the next one must tell
	smooth    int           // pictures that moved without a repeat, up to the last repeat or now
	smoothFor time.Duration // how long they were shown
	before    int           // the same up to the run of repeats
	fresh     int           // pictures that moved since the last repeat or cut, up to the run or now
	exact     int           // pictures of the run that repeat exactly
	smoothAt  time.Duration
	isSmooth  bool // the scene has moved smoothly, latest at smoothAt
	pace      pace
	hitches   hitches
	told      time.Duration // scores were given for the time up to here
	begun     bool
}

func newStutter() pictureForm {
	return &stutter{hitch: 90, motion: 0.25, life: 0.08, freezeAt: 0.5}
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
	if !d.begun {
		d.begun, d.told = true, p.PTS
	}
	most := float64(p.m.BlockDiffMax)
	repeat := p.m.HasPrevious != 0 && p.change < 0.3*p.usual && most < 0.1*d.most
	// Where little moves, what moves is no more than a refresh is elsewhere.
	refresh := p.still.quiet || p.still.pop && (p.Keyframe || most < 0.4*d.most)
	moves := !repeat && !refresh && p.change >= 0.5*max(p.usual, d.motion)
	lost := d.pace.missing(p)
	d.confirm(p, repeat)
	switch {
	case p.isBlack():
		d.begin()
	case moves:
		d.resumed(p, lost)
		d.most += (most - d.most) / 8
		d.moving += (p.blocksMoving() - d.moving) / 8
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
	return d.tell(dst, o, p)
}

// tell scores the time up to the end of p, as far as it is known what it was.
func (d *stutter) tell(dst []verdict.Score, o output, p *picture) []verdict.Score {
	sum, first, last := d.hitches.within(p.PTS, time.Second)
	ms, known := milliseconds(sum), p.PTS+p.Duration
	if last = min(last, known); ms >= d.hitch && last > d.told {
		if first > d.told {
			dst = append(dst, stretch(o, d.told, first-d.told, 0, 0))
			d.told = first
		}
		dst = append(dst, stretch(o, d.told, last-d.told, ramp(ms, 0.4*d.hitch, d.hitch, 4*d.hitch), ms))
		d.told = last
	}
	if repeats := d.run.pictures > 0 && d.run.length.Seconds() < d.freezeAt; repeats {
		known = d.run.at
	}
	if d.jump.length > 0 {
		known = min(known, d.jump.at)
	}
	if p.hush.pictures > 0 && (p.PTS-p.hush.start).Seconds() < d.freezeAt {
		known = min(known, p.hush.start)
	}
	switch {
	case ms >= d.hitch:
		known = min(known, d.told) // another hitch may follow
	case sum > 0:
		known = min(known, first)
	}
	if known > d.told {
		dst = append(dst, stretch(o, d.told, known-d.told, 0, ms))
		d.told = known
	}
	return dst
}

// begin forgets how the scene before has moved.
func (d *stutter) begin() {
	d.smooth, d.smoothFor, d.before, d.fresh, d.exact, d.isSmooth, d.run = 0, 0, 0, 0, 0, false, hitch{}
}

func (d *stutter) repeated(p *picture) {
	if d.smooth >= 10 && d.smoothFor >= time.Second {
		d.isSmooth, d.smoothAt = true, p.PTS
	}
	if d.run.pictures == 0 {
		d.before, d.run.at = d.smooth, p.PTS
	}
	d.smooth, d.smoothFor = 0, 0
	d.run.length += p.Duration
	d.run.pictures++
	if p.still.exact > 0 {
		d.exact++
	}
}

// resumed takes a picture that moves: it may end a hitch.
func (d *stutter) resumed(p *picture, lost time.Duration) {
	if p.usual >= d.motion && p.still.life >= d.life && d.moving >= 0.015 {
		if h := d.ended(p, lost); h.sure {
			d.hitches.note(h)
		} else {
			d.jump = h
		}
	}
	if p.cut || d.run.length.Seconds() >= d.freezeAt {
		d.begin()
	}
	if d.run.pictures > 0 {
		d.smooth, d.smoothFor, d.fresh, d.exact = 0, 0, 0, 0
	}
	d.run, d.lull = hitch{}, 0
	d.smooth++
	d.fresh++
	d.smoothFor += p.Duration
}

// ended is the hitch that p ends, if it may be one; of length 0 if not.
func (d *stutter) ended(p *picture, lost time.Duration) hitch {
	const (
		memory   = 10 * time.Second // after which repeats are what the scene is like
		inMotion = 4                // pictures that move before a cut; it may be the jump itself
	)
	h := d.run
	if h.pictures > 0 && p.hush.ended && p.hush.start < h.at { // an encoder may take some pictures to repeat
		h.length += h.at - p.hush.start
		h.at = p.hush.start
	}
	held := p.PTS - p.hush.start
	jumps := p.change >= 1.22*max(p.usual, d.moved)
	gap := milliseconds(lost) >= d.hitch || lost > 0 && jumps // a rate that varies has short ones where little moves
	switch {
	case gap && d.smooth > 0 && (!p.cut || d.smooth >= inMotion):
		// Containers often end with one late picture: motion must go on.
		return hitch{at: p.PTS - lost, length: lost, below: math.Inf(1)}
	case h.length.Seconds() >= d.freezeAt: // a freeze or a pause
	case d.exact >= 3 && d.fresh >= 6 && milliseconds(h.length) >= d.hitch && p.still.life >= 0.2 && !p.drawn():
		h.sure = true // no camera repeats itself
		return h
	case h.pictures == 0 || d.lull > 2: // or motion had died down before
	case p.cut:
		if h.sure = milliseconds(h.length) >= d.hitch && d.before >= inMotion && !p.drawn(); h.sure {
			return h
		}
	case d.isSmooth && p.PTS-d.smoothAt < memory:
		h.sure = true
		return h
	case jumps:
		h.below = 0.85 * p.change
		return h
	}
	if p.hush.leapt && milliseconds(held) >= d.hitch && held.Seconds() < d.freezeAt {
		return hitch{at: p.hush.start, length: held, below: 0.85 * p.change}
	}
	return hitch{}
}

// confirm counts what lay before the last picture, if that was a jump and not just
// faster motion, nor one new picture between repeats.
func (d *stutter) confirm(p *picture, repeat bool) {
	if d.jump.length > 0 && !repeat && !p.still.calm && p.change < d.jump.below && !p.cut {
		d.hitches.note(d.jump)
	}
	d.jump = hitch{}
}

// blocksMoving is the share of the blocks that change by more than 2 levels.
func (p *picture) blocksMoving() float64 {
	return ratio(uint64(p.m.BlocksChanged[2]), uint64(p.m.Blocks))
}

// hitch is a stretch of repeated or missing pictures.
type hitch struct {
	at, length time.Duration
	pictures   int     // that repeat
	sure       bool    // else the picture after it tells,
	below      float64 // which changes by less than this
}

// hitches are the latest ones.
type hitches struct {
	ring  [32]hitch
	count int
}

func (h *hitches) note(one hitch) {
	h.ring[h.count%len(h.ring)] = one
	h.count++
}

// within adds up the hitches that ended in the last stretch of time, and tells when
// the first began and the last ended, with the motion that usually lies between two;
// now and 0 if there is none.
func (h *hitches) within(now, length time.Duration) (sum, first, last time.Duration) {
	first = now
	var n time.Duration
	for i := range min(h.count, len(h.ring)) {
		if e := h.ring[i]; now-e.at-e.length < length {
			n++
			sum += e.length
			first, last = min(first, e.at), max(last, e.at+e.length)
		}
	}
	if n > 1 {
		last += max(last-first-sum, 0) / (n - 1)
	}
	return sum, first, last
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
	const trusted, most = 10, 200
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
	if c.steady = c.steady*2/3 - 1; c.steady < 0 {
		c.usual, c.steady = step, 0
	}
	if known && 2*late >= c.usual {
		return late
	}
	return 0
}
