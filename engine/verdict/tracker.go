package verdict

import (
	"errors"
	"fmt"
	"time"
)

// Output names one thing that a Tracker follows: a defect as scored by a detector.
type Output struct {
	Detector string
	Version  string // of the detector
	Defect   Defect
	Rule     Rule
}

// Tracker turns the scores of one track of one source into verdicts. Scores of one output
// must come in time order; those of different outputs may interleave freely.
// Not safe for concurrent use.
type Tracker struct {
	source string
	track  int
	follow map[key]*follower
	order  []*follower
	// numbers are of the last verdicts of outputs that are followed no more: should
	// they come back, they count on.
	numbers map[key]int
}

type key struct {
	detector string
	defect   Defect
}

// NewTracker makes a tracker for the outputs of the detectors that run on a track.
func NewTracker(source string, trackIndex int, outputs []Output) (*Tracker, error) {
	t := &Tracker{source: source, track: trackIndex, numbers: map[key]int{}}
	_, err := t.Change(nil, outputs)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Change makes the tracker follow other outputs from now on. Verdicts of outputs
// that go, or whose detector has another version, end where their scores ended;
// those of outputs that stay go on, under the new rule if that differs. On an
// error all stays as it was.
func (t *Tracker) Change(dst []Verdict, outputs []Output) ([]Verdict, error) {
	follow, order := make(map[key]*follower, len(outputs)), make([]*follower, 0, len(outputs))
	for _, o := range outputs {
		k := key{o.Detector, o.Defect}
		if follow[k] != nil {
			return dst, fmt.Errorf("detector %s: defect %s is named twice", o.Detector, o.Defect)
		}
		if err := o.Rule.Validate(); err != nil {
			return dst, fmt.Errorf("detector %s: rule of %s: %w", o.Detector, o.Defect, err)
		}
		f := &follower{output: o, number: t.numbers[k], blank: Verdict{Source: t.source, Track: t.track, Defect: o.Defect, Detector: o.Detector}}
		follow[k] = f
		order = append(order, f)
	}
	for _, old := range t.order {
		k := key{old.output.Detector, old.output.Defect}
		f := follow[k]
		if f != nil && f.output.Version == old.output.Version {
			rule := f.output
			*f = *old
			f.output = rule
			continue
		}
		dst = old.end(dst)
		t.numbers[k] = old.number
		if f != nil {
			f.number, f.seen = old.number, old.seen
		}
	}
	t.follow, t.order = follow, order
	return dst, nil
}

// ErrUnknownOutput is returned by Observe for a score that no output asked for.
var ErrUnknownOutput = errors.New("verdict: no such output")

// Observe takes one score and appends the verdicts that it causes to dst.
// It allocates nothing unless there is a verdict.
func (t *Tracker) Observe(dst []Verdict, s Score) ([]Verdict, error) {
	f := t.follow[key{s.Detector, s.Defect}]
	if f == nil {
		return dst, fmt.Errorf("%w: %s of detector %s", ErrUnknownOutput, s.Defect, s.Detector)
	}
	return f.observe(dst, s), nil
}

// Open tells whether a verdict of the defect by the detector is open.
func (t *Tracker) Open(detector string, d Defect) bool {
	f := t.follow[key{detector, d}]
	return f != nil && f.phase == open
}

// Flush ends every open verdict where its scores ended, as at the end of a
// source. Candidates that never lasted long enough are dropped.
func (t *Tracker) Flush(dst []Verdict) []Verdict {
	for _, f := range t.order {
		dst = f.end(dst)
	}
	return dst
}

type phase uint8

const (
	idle      phase = iota
	candidate       // scores are high, but not yet for long enough
	open            // raised
)

// follower follows one output.
type follower struct {
	output Output
	blank  Verdict // what all its verdicts begin with
	phase  phase
	number int
	seen   time.Duration // latest PTS; Invariant: never goes back
	count  int           // scores at or above Raise in this candidate or verdict
	told   time.Duration // v.End when the verdict was last reported
	// v is the candidate or verdict. Invariant: while phase != idle, v.End is the
	// end of the last stretch that scored at least Clear.
	v Verdict
}

func (f *follower) observe(dst []Verdict, s Score) []Verdict {
	start := max(s.PTS, f.seen)
	stop := max(s.PTS+s.Duration, start)
	f.seen = start
	r := &f.output.Rule

	// Scores may have stayed away for longer than the hold.
	if f.phase != idle && start > f.v.End && start-f.v.End >= f.patience() {
		dst = f.end(dst)
	}
	value := s.Value
	if value != value {
		value = 0
	}
	switch {
	case value >= r.Raise:
		if f.phase == idle {
			f.begin(start)
		}
		f.count++
		f.v.End = max(f.v.End, stop)
		if value > f.v.Peak {
			f.v.Peak, f.v.PeakAt, f.v.Reading, f.v.Region = value, start, s.Reading, s.Region
		}
	case value >= r.Clear && f.phase != idle:
		f.v.End = max(f.v.End, stop)
	default:
		if f.phase != idle && stop > f.v.End && stop-f.v.End >= f.patience() {
			dst = f.end(dst)
		}
		return dst
	}
	return f.report(dst)
}

// patience is how long scores may stay low before the track ends.
func (f *follower) patience() time.Duration {
	if f.phase == open {
		return max(f.output.Rule.Hold, f.output.Rule.Merge)
	}
	return f.output.Rule.Hold
}

func (f *follower) begin(start time.Duration) {
	f.phase, f.count = candidate, 0
	f.v = f.blank
	f.v.Start, f.v.End = start, start
}

// report raises a candidate that has lasted long enough, or updates an open verdict.
func (f *follower) report(dst []Verdict) []Verdict {
	r := &f.output.Rule
	severity := r.severity(f.v.Peak)
	switch f.phase {
	case candidate:
		if f.v.End-f.v.Start < r.MinDuration || f.count < max(r.MinScores, 1) {
			return dst
		}
		f.phase = open
		f.number++
		f.v.Number, f.v.State = f.number, Raised
	case open:
		due := r.UpdateEvery > 0 && f.v.End-f.told >= r.UpdateEvery
		if severity <= f.v.Severity && !due {
			return dst
		}
		f.v.State = Updated
	}
	f.v.Severity = severity
	f.told = f.v.End
	return append(dst, f.v)
}

func (f *follower) end(dst []Verdict) []Verdict {
	if f.phase == open {
		f.v.State = Cleared
		dst = append(dst, f.v)
	}
	f.phase = idle
	return dst
}

func (r *Rule) severity(peak float64) Severity {
	switch {
	case r.Critical > 0 && peak >= r.Critical:
		return Critical
	case r.Major > 0 && peak >= r.Major:
		return Major
	}
	return Minor
}
