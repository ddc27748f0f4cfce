package verdict

import (
	"testing"
	"time"
)

// A tracker whose outputs change in the middle of verdicts.
func TestChange(t *testing.T) {
	rule := Rule{Raise: 0.5, Clear: 0.3, Hold: time.Second}
	a, b := Output{"a", "1", Black, rule}, Output{"b", "1", Freeze, rule}
	tr, err := NewTracker("s", 0, []Output{a, b})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Duration(0)
	var got []Verdict
	score := func(value float64, names ...string) {
		t.Helper()
		for _, name := range names {
			d := Black
			if name == "b" {
				d = Freeze
			}
			if got, err = tr.Observe(got, Score{Detector: name, Defect: d, PTS: at, Duration: time.Second, Value: value}); err != nil {
				t.Fatal(err)
			}
		}
		at += time.Second
	}
	change := func(outputs ...Output) {
		t.Helper()
		if got, err = tr.Change(got, outputs); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, vs ...Verdict) {
		t.Helper()
		if len(got) != len(vs) {
			t.Fatalf("%s: %d verdicts, want %d: %+v", what, len(got), len(vs), got)
		}
		for i, v := range vs {
			if g := got[i]; g.Detector != v.Detector || g.State != v.State || g.Number != v.Number || g.Start != v.Start || g.End != v.End {
				t.Errorf("%s: verdict %d is %+v, want %+v", what, i, g, v)
			}
		}
		got = nil
	}
	s := time.Second
	score(1, "a", "b")
	want("both are raised", Verdict{Detector: "a", State: Raised, Number: 1, End: s}, Verdict{Detector: "b", State: Raised, Number: 1, End: s})

	strict := a
	strict.Rule.Raise, strict.Rule.Clear = 0.9, 0.8
	change(strict)
	want("one goes, the other stays open under a new rule", Verdict{Detector: "b", State: Cleared, Number: 1, End: s})
	score(0.7, "a")
	want("below the new rule", Verdict{Detector: "a", State: Cleared, Number: 1, End: s})

	newer := a
	newer.Version = "2"
	score(1, "a")
	want("again", Verdict{Detector: "a", State: Raised, Number: 2, Start: 2 * s, End: 3 * s})
	change(newer, b)
	want("another version ends it", Verdict{Detector: "a", State: Cleared, Number: 2, Start: 2 * s, End: 3 * s})
	score(1, "a", "b")
	want("and counts on, as does what came back",
		Verdict{Detector: "a", State: Raised, Number: 3, Start: 3 * s, End: 4 * s}, Verdict{Detector: "b", State: Raised, Number: 2, Start: 3 * s, End: 4 * s})

	if _, err := tr.Change(nil, []Output{a, a}); err == nil || !tr.Open("a", Black) {
		t.Errorf("a change that is refused: %v, open %v", err, tr.Open("a", Black))
	}
}
