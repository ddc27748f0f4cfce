package verdict

import (
	"errors"
	"math"
	"testing"
	"testing/quick"
	"time"
)

func TestObserveRefusesWhatNobodyAskedFor(t *testing.T) {
	tr, err := NewTracker("clip", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Observe(nil, Score{Detector: "x", Defect: Black}); !errors.Is(err, ErrUnknownOutput) {
		t.Fatalf("got %v", err)
	}
}

func TestOutputsMustBeDistinct(t *testing.T) {
	o := Output{Detector: "black", Defect: Black, Rule: Rule{Raise: 1}}
	if _, err := NewTracker("clip", 0, []Output{o, o}); err == nil {
		t.Fatal("accepted one output twice")
	}
}

func TestNaNScoresAreZero(t *testing.T) {
	tr := oneTrack(t, Rule{Raise: 0.5})
	vs, _ := tr.Observe(nil, Score{Detector: "d", Defect: Black, Duration: time.Second, Value: math.NaN()})
	if len(vs) != 0 {
		t.Fatalf("got %v", vs)
	}
}

// Whatever the scores: states go raised, updated..., cleared; intervals of one
// defect do not overlap; a verdict is never empty, and none is left open.
func TestVerdictsAreWellFormed(t *testing.T) {
	f := func(values []uint8, min, hold, merge uint8) bool {
		ms := func(x uint8) time.Duration { return time.Duration(x) * time.Millisecond }
		tr := oneTrack(t, Rule{Raise: 0.6, Clear: 0.3, MinDuration: ms(min), Hold: ms(hold), Merge: ms(merge), UpdateEvery: 90 * time.Millisecond})
		var vs []Verdict
		for i, v := range values {
			vs, _ = tr.Observe(vs, Score{Detector: "d", Defect: Black, PTS: time.Duration(i) * 20 * time.Millisecond, Duration: 20 * time.Millisecond, Value: float64(v) / 255})
		}
		return wellFormed(tr.Flush(vs), ms(min))
	}
	if err := quick.Check(f, &quick.Config{MaxCount: 2000}); err != nil {
		t.Fatal(err)
	}
}

func wellFormed(vs []Verdict, min time.Duration) bool {
	var last Verdict
	for _, v := range vs {
		fresh := last.State == 0 || last.State == Cleared
		switch {
		case v.End <= v.Start, v.End-v.Start < min, v.Peak < 0.6:
			return false
		case fresh && (v.State != Raised || v.Number != last.Number+1 || v.Start < last.End):
			return false
		case !fresh && (v.State == Raised || v.Number != last.Number || v.Start != last.Start || v.End < last.End || v.Severity < last.Severity):
			return false
		}
		last = v
	}
	return last.State == 0 || last.State == Cleared
}

func oneTrack(t *testing.T, r Rule) *Tracker {
	tr, err := NewTracker("clip", 0, []Output{{Detector: "d", Defect: Black, Rule: r}})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func BenchmarkObserve(b *testing.B) {
	tr, err := NewTracker("clip", 0, []Output{{Detector: "d", Defect: Black, Rule: Rule{Raise: 0.5}}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var vs []Verdict
	for i := range b.N {
		vs, _ = tr.Observe(vs[:0], Score{Detector: "d", Defect: Black, PTS: time.Duration(i), Duration: 1, Value: 0.2})
	}
}
