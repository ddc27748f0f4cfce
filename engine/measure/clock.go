package measure

import (
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// ClockUnit is what a clock says of a source that comes at its own pace, since
// the unit before.
type ClockUnit struct {
	// PTS is where the timeline is by the clock; it never goes back. Duration is
	// how long the unit is.
	PTS, Duration time.Duration
	// Silent is how long nothing has come: 0 while data comes.
	Silent time.Duration
	// Bursts says that the source comes in bursts by its nature, with silence in
	// between (HLS).
	Bursts bool
	// Wanted and Missed are how many pictures networks should have looked at, and
	// how many of those they had no time for.
	Wanted, Missed int64
}

// clockForm is one closed form over the units of a source.
type clockForm interface {
	knobs() []knob
	observe(dst []verdict.Score, o output, u *ClockUnit) []verdict.Score
}

func clockForms() map[string]func() clockForm {
	return map[string]func() clockForm{"stall": newStall, "overload": newOverload}
}

// ClockMeasures names the closed forms that NewClock knows, sorted.
func ClockMeasures() []string { return sortedKeys(clockForms()) }

// Clock scores a source by the clock. Not safe for concurrent use.
type Clock struct {
	detectors []Detector
	forms     []clockForm
	outputs   []output
}

// NewClock makes the closed forms of the detectors.
func NewClock(detectors []Detector) (*Clock, error) {
	c := &Clock{}
	return c, c.Change(detectors)
}

// Change goes on with other detectors. Those that stay as they are keep what they
// know. On an error all stays as it was.
func (c *Clock) Change(detectors []Detector) error {
	n, known := Clock{detectors: detectors}, clockForms()
	for _, d := range detectors {
		make, ok := known[d.Measure]
		if !ok {
			return unknownMeasure(d, ClockMeasures())
		}
		form := make()
		o, err := configure(d, form.knobs())
		if err != nil {
			return err
		}
		if i := unchanged(c.detectors, d); i >= 0 {
			form = c.forms[i]
		}
		n.forms, n.outputs = append(n.forms, form), append(n.outputs, o)
	}
	*c = n
	return nil
}

// Observe takes the next unit and appends the scores that it causes to dst.
func (c *Clock) Observe(dst []verdict.Score, u ClockUnit) []verdict.Score {
	for i, f := range c.forms {
		dst = f.observe(dst, c.outputs[i], &u)
	}
	return dst
}

// Patience is which detector speaks of stalls, and how long it bears silence; "" where
// none does.
func (c *Clock) Patience() (detector string, limit time.Duration) {
	for i, f := range c.forms {
		if s, ok := f.(*stall); ok {
			return c.outputs[i].detector, s.limit()
		}
	}
	return "", 0
}

// stall: nothing comes from a source that should send all the time. Reading: for
// how long, seconds. 0.5 after `seconds`, 1 after twice as long. What comes in
// bursts is given one and a half times its usual pause.
type stall struct {
	seconds float64
	usual   time.Duration // pause between bursts; the longest of late
	silent  time.Duration // of the unit before
	begun   bool          // the stretch of silence has scores
}

// usualBurst is the pause that bursts are given before any was seen.
const usualBurst = 8 * time.Second

func newStall() clockForm { return &stall{seconds: 2, usual: usualBurst} }

func (s *stall) knobs() []knob { return []knob{{"seconds", &s.seconds, 0.25, 3600}} }

func (s *stall) limit() time.Duration { return time.Duration(s.seconds * float64(time.Second)) }

func (s *stall) observe(dst []verdict.Score, o output, u *ClockUnit) []verdict.Score {
	before := s.silent
	s.silent = u.Silent
	if before > u.Silent { // something came
		s.begun = false
		s.usual = max(s.usual*9/10, min(before, 2*usualBurst))
	}
	limit := s.limit()
	if u.Bursts {
		limit = max(limit, s.usual*3/2)
	}
	value := ramp(u.Silent.Seconds(), 0, limit.Seconds(), 2*limit.Seconds())
	start, length := u.PTS, u.Duration
	switch {
	case u.Silent <= u.Duration:
		value = 0
	case value < 0.5:
		return dst // whether it is one is not known yet
	case !s.begun: // then it began with the silence
		s.begun = true
		start, length = u.PTS+u.Duration-u.Silent, u.Silent
	}
	return append(dst, stretch(o, start, length, value, u.Silent.Seconds()))
}

// overload: networks have no time to look at all the pictures that they should.
// Reading: the share that they missed in the last seconds, percent. 0.5 at
// `percent`, 1 at three times as much.
type overload struct {
	percent float64
	units   [overloadUnits]struct{ wanted, missed int64 }
	next    int
}

const overloadUnits = 20 // five seconds at four a second

func newOverload() clockForm { return &overload{percent: 20} }

func (v *overload) knobs() []knob { return []knob{{"percent", &v.percent, 0.1, 100}} }

func (v *overload) observe(dst []verdict.Score, o output, u *ClockUnit) []verdict.Score {
	v.units[v.next].wanted, v.units[v.next].missed = u.Wanted, u.Missed
	v.next = (v.next + 1) % overloadUnits
	var wanted, missed int64
	for _, n := range v.units {
		wanted, missed = wanted+n.wanted, missed+n.missed
	}
	share := 0.0
	if wanted > 0 {
		share = 100 * float64(missed) / float64(wanted)
	}
	return append(dst, stretch(o, u.PTS, u.Duration, ramp(share, 0, v.percent, 3*v.percent), share))
}
