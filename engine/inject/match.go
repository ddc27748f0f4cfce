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

	Events Tally         // counts injected stretches, and false alarms
	Unit   time.Duration // a frame for pictures, a millisecond for sound
}

// Pair is an injected stretch and the verdicts that meet it. Where one verdict
// covers several stretches, they are one pair.
type Pair struct {
	Truth    Entry             // from the start of the first stretch to the end of the last
	Entries  int               // how many stretches these are
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
		track, number    int
		defect           verdict.Defect
	}
	keyOf := func(v verdict.Verdict) key { return key{v.Source, v.Detector, v.Track, v.Number, v.Defect} }
	last := map[key]int{}
	for i, v := range verdicts {
		last[keyOf(v)] = i
	}
	var out []verdict.Verdict
	for i, v := range verdicts {
		if last[keyOf(v)] == i {
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b verdict.Verdict) int { return int(a.Start - b.Start) })
	return out
}

func matchDefect(t Truth, d verdict.Defect, verdicts []verdict.Verdict, tol Tolerance) DefectReport {
	r := DefectReport{Defect: d, Unit: time.Millisecond}
	slack := tol.Sound
	if rate := t.Rate(); OfPictures(d) && rate.Valid() {
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
		if met := meeting(e, own, slack); met == nil {
			r.Missed = append(r.Missed, e)
		} else {
			r.match(e, met)
		}
	}
	for _, v := range own {
		r.sort(t, v, slack)
	}
	r.Events = Tally{FalseAlarms: int64(len(r.FalseAlarms)), Misses: int64(len(r.Missed))}
	for _, p := range r.Matched {
		r.Events.Hits += int64(p.Entries)
	}
	return r
}

// sort puts a verdict where it belongs; one that meets what was injected is in Matched.
func (r *DefectReport) sort(t Truth, v verdict.Verdict, slack time.Duration) {
	table := companions()
	var invisible, companion bool
	for _, e := range t.Defects {
		switch {
		case e.Defect == v.Defect && meets(e, v, slack):
			if !e.Invisible {
				return
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
	}
}

// meeting picks the verdicts that meet an entry.
func meeting(e Entry, own []verdict.Verdict, slack time.Duration) (met []verdict.Verdict) {
	for _, v := range own {
		if meets(e, v, slack) {
			met = append(met, v)
		}
	}
	return met
}

// match makes a pair, or puts the entry into the pair that has one of its
// verdicts already. Entries come by start.
func (r *DefectReport) match(e Entry, met []verdict.Verdict) {
	at := slices.IndexFunc(r.Matched, func(p Pair) bool {
		return slices.ContainsFunc(met, func(v verdict.Verdict) bool { return slices.ContainsFunc(p.Verdicts, same(v)) })
	})
	if at < 0 {
		r.Matched = append(r.Matched, Pair{Truth: e})
		at = len(r.Matched) - 1
	}
	p := &r.Matched[at]
	p.Entries++
	if e.End > p.Truth.End {
		p.Truth.End, p.Truth.EndFrame, p.Truth.EndSample = e.End, e.EndFrame, e.EndSample
	}
	if p.Entries > 1 {
		p.Truth.Frames = nil
	}
	end := met[0].End
	for _, v := range met {
		if !slices.ContainsFunc(p.Verdicts, same(v)) {
			p.Verdicts = append(p.Verdicts, v)
		}
	}
	for _, v := range p.Verdicts {
		end = max(end, v.End)
	}
	p.OnsetError, p.EndError = p.Verdicts[0].Start-seconds(p.Truth.Start), end-seconds(p.Truth.End)
}

// same finds a verdict again.
func same(v verdict.Verdict) func(verdict.Verdict) bool {
	return func(o verdict.Verdict) bool {
		return o.Source == v.Source && o.Track == v.Track && o.Detector == v.Detector && o.Defect == v.Defect && o.Number == v.Number
	}
}

// meets tells whether a verdict and an entry widened by slack have a moment in common.
func meets(e Entry, v verdict.Verdict, slack time.Duration) bool {
	return v.Start <= seconds(e.End)+slack && v.End >= seconds(e.Start)-slack
}

func seconds(s float64) time.Duration { return time.Duration(s*1e9 + 0.5) }

// OfPictures tells whether a defect is counted in frames.
func OfPictures(d verdict.Defect) bool {
	switch d {
	case verdict.Silence, verdict.Clipping, verdict.Loudness, verdict.TruePeak, verdict.Phase, verdict.DeadChannel, verdict.DCOffset,
		verdict.Hum, verdict.Hiss, verdict.Click, verdict.Dropout, verdict.AudioStutter, verdict.CodecDamage, verdict.AVDesync:
		return false
	}
	return true
}
