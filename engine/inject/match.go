package inject

import (
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Tolerance says how far beside an injected stretch a verdict may lie and still
// be about it.
type Tolerance struct {
	Pictures int           // frames
	Sound    time.Duration // for defects of sound
}

// DefaultTolerance is two frames, and 50 ms of sound.
func DefaultTolerance() Tolerance { return Tolerance{Pictures: 2, Sound: 50 * time.Millisecond} }

// Report is how verdicts compare with the truth, by defect, in the order of
// verdict.Defects; defects that neither of the two has are left out.
type Report struct {
	Defects []DefectReport
}

// DefectReport is how the verdicts of one defect compare with the truth of it.
type DefectReport struct {
	Defect  verdict.Defect
	Matched []Pair
	Missed  []Entry
	// FalseAlarms meet nothing that was injected.
	FalseAlarms []verdict.Verdict
	// Companions meet an injected defect of another name that they go with.
	Companions []verdict.Verdict
	// Ignored meet only what leaves no mark, so that either answer is right.
	Ignored []verdict.Verdict

	Events Tally // counts injected stretches, and false alarms
	// Units counts Unit-long pieces of the timeline: frames for pictures, milliseconds for sound.
	Units Tally
	Unit  time.Duration
}

// Pair is an injected stretch and the verdicts that meet it.
type Pair struct {
	Truth    Entry
	Verdicts []verdict.Verdict // by Start
	// OnsetError and EndError are the verdicts' first start and last end minus
	// the truth's: positive is late.
	OnsetError, EndError time.Duration
}

// Tally counts right and wrong answers.
type Tally struct{ Hits, FalseAlarms, Misses int64 }

// Precision is the share of alarms that are right; false where there is no alarm.
func (t Tally) Precision() (float64, bool) { return ratio(t.Hits, t.Hits+t.FalseAlarms) }

// Recall is the share of what was injected that was found; false where nothing was.
func (t Tally) Recall() (float64, bool) { return ratio(t.Hits, t.Hits+t.Misses) }

// F1 is the harmonic mean of the two; false where nothing was injected, since
// then there is nothing to find and no score for it.
func (t Tally) F1() (float64, bool) {
	if t.Hits+t.Misses == 0 {
		return 0, false
	}
	return ratio(2*t.Hits, 2*t.Hits+t.FalseAlarms+t.Misses)
}

func ratio(a, b int64) (float64, bool) {
	if b == 0 {
		return 0, false
	}
	return float64(a) / float64(b), true
}

// Match compares verdicts with the truth. Of a verdict that is in the list in
// several states, the last one counts. A verdict over several injected stretches
// finds them all; several over one stretch are one hit.
func Match(t Truth, verdicts []verdict.Verdict, tol Tolerance) Report {
	final := lastStates(verdicts)
	var r Report
	for _, d := range verdict.Defects() {
		one := matchDefect(t, d, final, tol)
		if len(one.Matched)+len(one.Missed)+len(one.FalseAlarms)+len(one.Companions)+len(one.Ignored) > 0 {
			r.Defects = append(r.Defects, one)
		}
	}
	return r
}

// lastStates keeps the last state of each verdict, by start.
func lastStates(verdicts []verdict.Verdict) []verdict.Verdict {
	type key struct {
		source, detector string
		defect           verdict.Defect
		number           int
	}
	last := map[key]int{}
	for i, v := range verdicts {
		last[key{v.Source, v.Detector, v.Defect, v.Number}] = i
	}
	var out []verdict.Verdict
	for i, v := range verdicts {
		if last[key{v.Source, v.Detector, v.Defect, v.Number}] == i {
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b verdict.Verdict) int { return int(a.Start - b.Start) })
	return out
}

func matchDefect(t Truth, d verdict.Defect, verdicts []verdict.Verdict, tol Tolerance) DefectReport {
	r := DefectReport{Defect: d, Unit: time.Millisecond}
	slack := tol.Sound
	if rate := t.Rate(); ofPictures(d) && rate.Valid() {
		r.Unit = seconds(rate.Seconds(1))
		slack = time.Duration(tol.Pictures) * r.Unit
	}
	var own []verdict.Verdict
	for _, v := range verdicts {
		if v.Defect == d {
			own = append(own, v)
		}
	}
	for _, e := range t.Defects {
		if e.Defect != d || e.Invisible {
			continue
		}
		if p, found := pair(e, own, slack); found {
			r.Matched = append(r.Matched, p)
		} else {
			r.Missed = append(r.Missed, e)
		}
	}
	var counted []verdict.Verdict
	for _, v := range own {
		if r.sort(t, v, slack) {
			counted = append(counted, v)
		}
	}
	r.Events = Tally{int64(len(r.Matched)), int64(len(r.FalseAlarms)), int64(len(r.Missed))}
	r.Units = r.units(t, counted)
	return r
}

// sort puts a verdict where it belongs; true if it counts as an alarm.
func (r *DefectReport) sort(t Truth, v verdict.Verdict, slack time.Duration) bool {
	table := companions()
	var invisible, companion bool
	for _, e := range t.Defects {
		switch {
		case e.Defect == v.Defect && meets(e, v, slack):
			if !e.Invisible {
				return true
			}
			invisible = true
		case accompanies(table, e.Defect, v.Defect) && meets(e, v, slack+companionReach(v.Defect)):
			companion = true
		}
	}
	switch {
	case invisible:
		r.Ignored = append(r.Ignored, v)
	case companion:
		r.Companions = append(r.Companions, v)
	default:
		r.FalseAlarms = append(r.FalseAlarms, v)
		return true
	}
	return false
}

func pair(e Entry, own []verdict.Verdict, slack time.Duration) (Pair, bool) {
	p := Pair{Truth: e}
	for _, v := range own {
		if meets(e, v, slack) {
			p.Verdicts = append(p.Verdicts, v)
		}
	}
	if p.Verdicts == nil {
		return p, false
	}
	end := p.Verdicts[0].End
	for _, v := range p.Verdicts {
		end = max(end, v.End)
	}
	p.OnsetError, p.EndError = p.Verdicts[0].Start-seconds(e.Start), end-seconds(e.End)
	return p, true
}

// meets tells whether a verdict and an entry widened by slack have a moment in common.
func meets(e Entry, v verdict.Verdict, slack time.Duration) bool {
	return v.Start <= seconds(e.End)+slack && v.End >= seconds(e.Start)-slack
}

func seconds(s float64) time.Duration { return time.Duration(s*1e9 + 0.5) }

// ofPictures tells whether a defect is counted in frames.
func ofPictures(d verdict.Defect) bool {
	switch d {
	case verdict.Silence, verdict.Clipping, verdict.Loudness, verdict.TruePeak, verdict.Phase, verdict.DeadChannel, verdict.DCOffset,
		verdict.Hum, verdict.Hiss, verdict.Click, verdict.Dropout, verdict.AudioStutter, verdict.CodecDamage, verdict.AVDesync:
		return false
	}
	return true
}

// units compares the timelines themselves: how many units both have, only the
// verdicts, only the truth. What leaves no mark is on neither side.
func (r *DefectReport) units(t Truth, counted []verdict.Verdict) Tally {
	var truth, hidden, alarms stretches
	for _, e := range t.Defects {
		switch {
		case e.Defect != r.Defect:
		case e.Invisible:
			hidden.add(seconds(e.Start), seconds(e.End))
		default:
			truth.add(seconds(e.Start), seconds(e.End))
		}
	}
	for _, v := range counted {
		alarms.add(v.Start, v.End)
	}
	truth, alarms = truth.union(), alarms.union()
	hidden = hidden.union().without(truth)
	both := truth.common(alarms)
	count := func(d time.Duration) int64 { return int64((d + r.Unit/2) / r.Unit) }
	return Tally{
		Hits:        count(both),
		FalseAlarms: count(alarms.length() - both - hidden.common(alarms)),
		Misses:      count(truth.length() - both),
	}
}
