package measure

import (
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// freeze: the picture stands still. Reading: seconds since it last moved. A
// stretch of repeats counts once it has lasted `lively_s`, or `sleepy_s` where
// stillness is natural: nothing has moved just before (a slide), motion has slowed
// down to it (a pan over a photograph), the picture is drawn, or it is largely flat
// and hardly anything in it usually changes (a screen). And the share
// `exact` of its pictures must repeat exactly, as encoders make them and cameras
// do not. Until then nothing is told; then the score speaks for the stretch from
// its first repeat on. 0.5 at that point, 1 at ten times of it.
type freeze struct {
	lively, sleepy float64 // seconds
	life, flat     float64 // a track is sleepy below that life and above that flat share
	exact          float64

	run    freezeRun
	before [5]time.Duration // PTS of the pictures before this one, latest first
	moves  [64]move         // of the latest pictures, a ring by count
	count  int
}

// move is how much a picture changed, 0 where it was quiet.
type move struct {
	at     time.Duration
	change float64
}

// freezeRun is a stretch of pictures that repeat.
type freezeRun struct {
	frames     int
	exacts     float64       // sum of still.exact
	recent     [12]float64   // the latest of them, a ring by frames
	sinceExact int           // pictures since the last one that was
	calm       bool          // one was calm
	start, end time.Duration // end of the last picture that repeated
	exactEnd   time.Duration // end of the last one that was exact
	told       time.Duration // scores speak for the time up to here
	need, leap time.Duration // how long it must last, and if motion goes on with a leap
	popped     bool          // the last picture was a refresh; the next one tells whether the run goes on
	frozen     bool
}

func newFreeze() pictureForm {
	return &freeze{lively: 0.5, sleepy: 10, life: 0.12, flat: 0.38, exact: 0.32}
}

func (d *freeze) knobs() []knob {
	return []knob{
		{"lively_s", &d.lively, 0.02, 3600},
		{"sleepy_s", &d.sleepy, 0.02, 3600},
		{"life", &d.life, 0, 1},
		{"flat", &d.flat, 0, 1},
		{"exact", &d.exact, 0, 1},
	}
}

func (d *freeze) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	r := &d.run
	if d.goesOn(p) {
		if r.frames == 0 {
			*r = freezeRun{start: p.PTS, end: p.PTS, told: p.PTS}
			r.need, r.leap = d.needed(p)
		}
		d.extend(p)
		if !r.popped && (r.frozen || r.end-r.start >= r.need && d.repeats(1)) {
			dst = d.tell(dst, o)
		}
	} else {
		dst = d.finish(dst, o, p)
		dst = append(dst, p.score(o, 0, 0))
	}
	d.remember(p)
	copy(d.before[1:], d.before[:])
	d.before[0] = p.PTS
	return dst
}

// goesOn tells whether p belongs to a stretch of repeats.
func (d *freeze) goesOn(p *picture) bool {
	const patience = 12 // pictures without an exact repeat
	r, s := &d.run, &p.still
	switch {
	case p.isBlack() || p.colourSpan() < 4 || p.bars >= 0.9:
		return false // other detectors speak for these
	case r.frozen && r.sinceExact >= patience && s.exact == 0:
		r.end = r.exactEnd
		return false
	case s.quiet || p.hush.pictures > 0:
		return true
	case r.frames == 0:
		// A coarse encoding takes one more picture to come to rest.
		return s.pop && p.change < 0.35*p.usual
	}
	return s.pop && !r.popped
}

// needed is how long a run that begins at p must last, and how long if motion goes on
// with a leap.
func (d *freeze) needed(p *picture) (need, leap time.Duration) {
	lively, sleepy := seconds(d.lively), seconds(d.sleepy)
	moving, stopped := d.stopped(p.PTS)
	switch {
	case p.still.life == 0 || p.still.life < d.life && p.flat() > d.flat || p.drawn() || !moving:
		return sleepy, sleepy
	case !stopped:
		return sleepy, lively
	}
	return lively, lively
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (d *freeze) remember(p *picture) {
	m := move{p.PTS, p.change}
	if p.still.quiet || p.m.HasPrevious == 0 {
		m.change = 0
	}
	d.moves[d.count%len(d.moves)] = m
	d.count++
}

// stopped tells whether anything has moved up to now, and stops here at once.
func (d *freeze) stopped(now time.Duration) (moved, stopped bool) {
	const (
		moving  = 4                      // pictures that must have moved
		atLeast = 12                     // pictures to look at,
		lately  = 600 * time.Millisecond // and all of these
		last    = 2
		eased   = 0.5 // of the usual motion: when the last ones have less, it has slowed down
	)
	usual, final, n := 0.0, 0.0, 0
	for back := range min(d.count, len(d.moves)) {
		m := d.moves[(d.count-1-back)%len(d.moves)]
		if back >= atLeast && now-m.at > lately {
			break
		}
		if back < last {
			final = max(final, m.change)
		}
		if m.change > 0 {
			usual += m.change
			n++
		}
	}
	return n >= moving, final*float64(n) >= eased*usual
}

func (d *freeze) extend(p *picture) {
	const refining = 24 // pictures that an encoder may take until it repeats exactly
	r, s := &d.run, &p.still
	// What was quiet long before it was calm, or calm long before it was exact, was
	// a quiet scene and no repeat: the stretch began a few pictures ago.
	if s.calm && !r.calm {
		r.calm = true
		d.restart(p, 3)
	}
	if s.exact > 0 {
		if !r.frozen && (r.exacts == 0 && r.frames > refining || r.sinceExact > refining) {
			d.restart(p, 4)
		}
		r.sinceExact = 0
		r.exactEnd = p.PTS + p.Duration
	} else {
		r.sinceExact++
	}
	r.exacts += s.exact
	r.recent[r.frames%len(r.recent)] = s.exact
	r.frames++
	r.popped = !s.quiet && p.hush.pictures == 0
	if !r.popped {
		r.end = p.PTS + p.Duration
	}
}

// restart lets the run begin n pictures before p, unless it began later.
func (d *freeze) restart(p *picture, n int) {
	if r := &d.run; r.frames > n {
		r.start = min(max(r.start, d.before[n-1]), p.PTS)
		r.frames, r.exacts, r.recent = n, 0, [12]float64{}
	}
}

// repeats tells whether enough of the run's pictures are exact repeats, at `ease`
// times the usual need: lately, since an encoder takes its time to get there, and
// not only lately.
func (d *freeze) repeats(ease float64) bool {
	r := &d.run
	lately := 0.0
	for _, e := range r.recent {
		lately += e
	}
	need := ease * d.exact
	return r.frames >= 3 &&
		lately >= need*float64(min(r.frames, len(r.recent))) &&
		r.exacts >= 0.6*need*float64(r.frames)
}

// tell gives the scores of a run that is a freeze, as far as they are not given yet.
func (d *freeze) tell(dst []verdict.Score, o output) []verdict.Score {
	r := &d.run
	if r.start > r.told {
		dst = append(dst, stretch(o, r.told, r.start-r.told, 0, 0))
		r.told = r.start
	}
	if r.end <= r.told {
		return dst
	}
	r.frozen = true
	length, need := (r.end - r.start).Seconds(), r.need.Seconds()
	dst = append(dst, stretch(o, r.told, r.end-r.told, max(0.5, ramp(length, 0, need, 10*need)), length))
	r.told = r.end
	return dst
}

// finish ends the run at its last repeat; the time from there to p was not frozen.
func (d *freeze) finish(dst []verdict.Score, o output, p *picture) []verdict.Score {
	r := &d.run
	if r.frames > 0 {
		// Motion that goes on with a jump was hidden meanwhile: then it takes fewer
		// exact repeats to be sure.
		jumps := !p.cut && !p.Keyframe && !p.still.pop && p.jolt > 1.5
		if !r.frozen && p.hush.leapt && p.PTS-p.hush.start >= r.leap {
			r.start, r.frozen = max(p.hush.start, r.told), true
		}
		if r.frozen || jumps && r.end-r.start >= r.leap && d.repeats(0.6) {
			dst = d.tell(dst, o)
		}
		if p.PTS > r.told {
			dst = append(dst, stretch(o, r.told, p.PTS-r.told, 0, 0))
		}
	}
	*r = freezeRun{}
	return dst
}
