package measure

import (
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// freeze: the picture stands still. Reading: seconds since it last moved. A
// stretch counts once it has lasted `lively_s` where pictures usually change
// all over (a camera), or `sleepy_s` where they hardly do (a screen, a drawing:
// stillness is their nature), and a share `exact` of its pictures are exact
// repeats, as an encoder makes them and a camera does not. Until then nothing is
// told; then the score speaks for the whole stretch from its first repeat on.
// 0.5 at that point, 1 at ten times of it.
type freeze struct {
	lively, sleepy float64 // seconds
	life           float64 // share of blocks from which a track is lively
	exact          float64

	run       freezeRun
	last, old time.Duration // PTS of the picture before, and of the one before that
}

// freezeRun is a stretch of pictures that repeat.
type freezeRun struct {
	frames, exacts int
	sinceExact     int // pictures
	start, end     time.Duration
	exactEnd       time.Duration // end of the last exact repeat
	told           time.Duration // scores speak for the time up to here
	need           time.Duration // how long it must last
	popped         bool          // the last picture was a refresh; the next one tells whether the run goes on
	frozen         bool
}

func newFreeze() pictureForm {
	return &freeze{lively: 0.5, sleepy: 10, life: 0.12, exact: 0.25}
}

func (d *freeze) knobs() []knob {
	return []knob{
		{"lively_s", &d.lively, 0.02, 3600},
		{"sleepy_s", &d.sleepy, 0.02, 3600},
		{"life", &d.life, 0, 1},
		{"exact", &d.exact, 0, 1},
	}
}

func (d *freeze) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	defer func() { d.last, d.old = p.PTS, d.last }()
	r := &d.run
	if !d.goesOn(p) {
		dst = d.finish(dst, o, p.PTS)
		return append(dst, p.score(o, 0, 0))
	}
	if r.frames == 0 {
		*r = freezeRun{start: p.PTS, told: p.PTS, need: d.needed(p)}
	}
	d.extend(p)
	if !r.popped {
		dst = d.tell(dst, o)
	}
	return dst
}

// goesOn tells whether p belongs to a stretch of repeats.
func (d *freeze) goesOn(p *picture) bool {
	const patience = 12 // pictures without an exact repeat
	r, s := &d.run, &p.still
	switch {
	case p.isBlack() || p.colourSpan() < 4:
		return false // other detectors speak for these
	case r.frozen && r.sinceExact >= patience && !s.exact:
		r.end = r.exactEnd
		return false
	case s.quiet:
		return true
	}
	return s.pop && r.frames > 0 && !r.popped
}

func (d *freeze) needed(p *picture) time.Duration {
	s := d.sleepy
	if p.still.life >= d.life {
		s = d.lively
	}
	return time.Duration(s * float64(time.Second))
}

func (d *freeze) extend(p *picture) {
	r, s := &d.run, &p.still
	r.popped = !s.quiet
	if s.exact {
		// A run that only now begins to repeat exactly began with the refinement of
		// the last picture or two; what was quiet before was a quiet scene.
		if r.exacts == 0 && r.frames > 2 || r.sinceExact > 8 && !r.frozen {
			start := max(r.start, min(d.old, p.PTS))
			r.start, r.frames, r.exacts = start, 2, 0
		}
		r.exacts++
		r.sinceExact = 0
		r.exactEnd = p.PTS + p.Duration
	} else {
		r.sinceExact++
	}
	r.frames++
	if !r.popped {
		r.end = p.PTS + p.Duration
	}
}

// tell gives the scores that are due.
func (d *freeze) tell(dst []verdict.Score, o output) []verdict.Score {
	r := &d.run
	if !r.frozen {
		enough := r.frames >= 3 && float64(r.exacts) >= d.exact*float64(r.frames)
		if !enough || r.end-r.start < r.need {
			return dst
		}
		r.frozen = true
		if r.start > r.told {
			dst = append(dst, stretch(o, r.told, r.start-r.told, 0, 0))
		}
		r.told = r.start
	}
	if r.end <= r.told {
		return dst
	}
	length := r.end - r.start
	need := r.need.Seconds()
	dst = append(dst, stretch(o, r.told, r.end-r.told, ramp(length.Seconds(), 0, need, 10*need), length.Seconds()))
	r.told = r.end
	return dst
}

// finish ends the run at its last repeat; the time from there to now was not frozen.
func (d *freeze) finish(dst []verdict.Score, o output, now time.Duration) []verdict.Score {
	r := &d.run
	if r.frames > 0 && now > r.told {
		if r.frozen {
			dst = d.tell(dst, o)
		}
		if now > r.told {
			dst = append(dst, stretch(o, r.told, now-r.told, 0, 0))
		}
	}
	*r = freezeRun{}
	return dst
}
