package verdict

import (
	"errors"
	"fmt"
	"time"
)

// Output names one thing that a Tracker follows: a defect as scored by a detector.
type Output struct {
	Detector string
	Defect   Defect
	Rule     Rule
}

// Tracker turns the scores of one source into verdicts. Scores of one output
// must come in time order; those of different outputs may interleave freely.
// Not safe for concurrent use.
type Tracker struct {
	source string
	tracks map[key]*track
	order  []*track
}

type key struct {
	detector string
	defect   Defect
}

// NewTracker makes a tracker for the outputs of the detectors that run on a source.
func NewTracker(source string, outputs []Output) (*Tracker, error) {
	t := &Tracker{source: source, tracks: make(map[key]*track, len(outputs))}
	for _, o := range outputs {
		k := key{o.Detector, o.Defect}
		if t.tracks[k] != nil {
			return nil, fmt.Errorf("detector %s: defect %s is named twice", o.Detector, o.Defect)
		}
		if err := o.Rule.Validate(); err != nil {
			return nil, fmt.Errorf("detector %s: rule of %s: %w", o.Detector, o.Defect, err)
		}
		tr := &track{source: source, output: o}
		t.tracks[k] = tr
		t.order = append(t.order, tr)
	}
	return t, nil
}

// ErrUnknownOutput is returned by Observe for a score that no output asked for.
var ErrUnknownOutput = errors.New("verdict: no such output")

// Observe takes one score and appends the verdicts that it causes to dst.
// It allocates nothing unless there is a verdict.
func (t *Tracker) Observe(dst []Verdict, s Score) ([]Verdict, error) {
	tr := t.tracks[key{s.Detector, s.Defect}]
	if tr == nil {
		return dst, fmt.Errorf("%w: %s of detector %s", ErrUnknownOutput, s.Defect, s.Detector)
	}
	return tr.observe(dst, s), nil
}

// Open tells whether a verdict of the defect by the detector is open.
func (t *Tracker) Open(detector string, d Defect) bool {
	tr := t.tracks[key{detector, d}]
	return tr != nil && tr.phase == open
}

// Flush ends every open verdict where its scores ended, as at the end of a
// source. Candidates that never lasted long enough are dropped.
func (t *Tracker) Flush(dst []Verdict) []Verdict {
	for _, tr := range t.order {
		dst = tr.end(dst)
	}
	return dst
}

type phase uint8

const (
	idle      phase = iota
	candidate       // scores are high, but not yet for long enough
	open            // raised
)

// track follows one output.
type track struct {
	source string
	output Output
	phase  phase
	number int
	seen   time.Duration // latest PTS; Invariant: never goes back
	count  int           // scores at or above Raise in this candidate or verdict
	told   time.Duration // v.End when the verdict was last reported
	// v is the candidate or verdict. Invariant: while phase != idle, v.End is the
	// end of the last stretch that scored at least Clear.
	v Verdict
}

func (tr *track) observe(dst []Verdict, s Score) []Verdict {
	start := max(s.PTS, tr.seen)
	stop := max(s.PTS+s.Duration, start)
	tr.seen = start
	r := &tr.output.Rule

	// Scores may have stayed away for longer than the hold.
	if tr.phase != idle && start > tr.v.End && start-tr.v.End >= tr.patience() {
		dst = tr.end(dst)
	}
	value := s.Value
	if value != value {
		value = 0
	}
	switch {
	case value >= r.Raise:
		if tr.phase == idle {
			tr.begin(start)
		}
		tr.count++
		tr.v.End = max(tr.v.End, stop)
		if value > tr.v.Peak {
			tr.v.Peak, tr.v.PeakAt, tr.v.Reading, tr.v.Region = value, start, s.Reading, s.Region
		}
	case value >= r.Clear && tr.phase != idle:
		tr.v.End = max(tr.v.End, stop)
	default:
		if tr.phase != idle && stop > tr.v.End && stop-tr.v.End >= tr.patience() {
			dst = tr.end(dst)
		}
		return dst
	}
	return tr.report(dst)
}

// patience is how long scores may stay low before the track ends.
func (tr *track) patience() time.Duration {
	if tr.phase == open {
		return max(tr.output.Rule.Hold, tr.output.Rule.Merge)
	}
	return tr.output.Rule.Hold
}

func (tr *track) begin(start time.Duration) {
	tr.phase, tr.count = candidate, 0
	tr.v = Verdict{
		Source: tr.source, Defect: tr.output.Defect, Detector: tr.output.Detector,
		Start: start, End: start,
	}
}

// report raises a candidate that has lasted long enough, or updates an open verdict.
func (tr *track) report(dst []Verdict) []Verdict {
	r := &tr.output.Rule
	severity := r.severity(tr.v.Peak)
	switch tr.phase {
	case candidate:
		if tr.v.End-tr.v.Start < r.MinDuration || tr.count < max(r.MinScores, 1) {
			return dst
		}
		tr.phase = open
		tr.number++
		tr.v.Number, tr.v.State = tr.number, Raised
	case open:
		due := r.UpdateEvery > 0 && tr.v.End-tr.told >= r.UpdateEvery
		if severity <= tr.v.Severity && !due {
			return dst
		}
		tr.v.State = Updated
	}
	tr.v.Severity = severity
	tr.told = tr.v.End
	return append(dst, tr.v)
}

func (tr *track) end(dst []Verdict) []Verdict {
	if tr.phase == open {
		tr.v.State = Cleared
		dst = append(dst, tr.v)
	}
	tr.phase = idle
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
