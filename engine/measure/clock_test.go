package measure

import (
	"fmt"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

const tick = 250 * time.Millisecond

func clockOf(t *testing.T, form string) *Clock {
	t.Helper()
	c, err := NewClock([]Detector{{Name: form, Measure: form, Defects: []verdict.Defect{verdict.Defect(form)}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pauses lets data come at these ticks and gives what was found, "from-to" in seconds.
func pauses(t *testing.T, bursts bool, ticks int, comes func(n int) bool) string {
	t.Helper()
	c, silent := clockOf(t, "stall"), time.Duration(0)
	var scores []verdict.Score
	for n := range ticks {
		if silent += tick; comes(n) {
			silent = 0
		}
		scores = c.Observe(scores, ClockUnit{PTS: time.Duration(n) * tick, Duration: tick, Silent: silent, Bursts: bursts})
	}
	out, open := "", false
	var start, end time.Duration
	for _, s := range scores {
		switch high := s.Value >= 0.5; {
		case high && !open:
			open, start = true, s.PTS
			fallthrough
		case high:
			end = s.PTS + s.Duration
		case open:
			out, open = out+fmt.Sprintf("%v-%v ", start.Seconds(), end.Seconds()), false
		}
	}
	if open {
		out += fmt.Sprintf("%v- ", start.Seconds())
	}
	return out
}

func TestStall(t *testing.T) {
	between := func(a, b int) func(int) bool { return func(n int) bool { return n < 4*a || n >= 4*b } }
	for _, c := range []struct {
		name   string
		bursts bool
		comes  func(int) bool
		want   string
	}{
		{"data all the time", false, func(int) bool { return true }, ""},
		{"a short pause", false, between(10, 11), ""},
		{"a long pause", false, between(10, 15), "10-15 "},
		{"nothing any more", false, between(10, 1000), "10- "},
		{"two long pauses", false, func(n int) bool { return between(10, 15)(n) && between(20, 24)(n) }, "10-15 20-24 "},
		{"every other tick", false, func(n int) bool { return n%2 == 0 }, ""},
		{"bursts every 6 s", true, func(n int) bool { return n%24 == 0 }, ""},
		{"bursts that end", true, func(n int) bool { return n%24 == 0 && n < 50 }, "12.25- "},
		{"bursts every 10 s are learnt", true, func(n int) bool { return n%40 == 0 }, ""},
		{"bursts every 6 s from what should not", false, func(n int) bool { return n%24 == 0 && n < 48 || n >= 48 }, "0.25-6 6.25-12 "},
	} {
		if got := pauses(t, c.bursts, 160, c.comes); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestOverload(t *testing.T) {
	c := clockOf(t, "overload")
	last := func(ticks int, wanted, missed int64) verdict.Score {
		var s []verdict.Score
		for range ticks {
			s = c.Observe(s[:0], ClockUnit{Duration: tick, Wanted: wanted, Missed: missed})
		}
		return s[0]
	}
	if s := last(20, 0, 0); s.Value != 0 || s.Reading != 0 {
		t.Errorf("nothing was wanted: %+v", s)
	}
	if s := last(20, 10, 2); s.Value != 0.5 || s.Reading != 20 {
		t.Errorf("a fifth is missed: %+v", s)
	}
	if s := last(10, 10, 10); s.Value != 1 || s.Reading != 60 {
		t.Errorf("then all for half of the time: %+v", s)
	}
	if s := last(20, 10, 0); s.Value != 0 {
		t.Errorf("and it is over: %+v", s)
	}
}

// Who speaks of stalls is known by the closed form, whatever the detector's name is.
func TestPatience(t *testing.T) {
	overload := Detector{Name: "overload", Measure: "overload", Defects: []verdict.Defect{verdict.Overload}}
	own := Detector{Name: "quiet_line", Measure: "stall", Params: map[string]float64{"seconds": 4}, Defects: []verdict.Defect{verdict.Stall}}
	unset := own
	unset.Params = nil
	for _, c := range []struct {
		detectors []Detector
		name      string
		limit     time.Duration
	}{
		{[]Detector{overload, own}, "quiet_line", 4 * time.Second},
		{[]Detector{unset}, "quiet_line", 2 * time.Second},
		{[]Detector{overload}, "", 0},
	} {
		clock, err := NewClock(c.detectors)
		if err != nil {
			t.Fatal(err)
		}
		if name, limit := clock.Patience(); name != c.name || limit != c.limit {
			t.Errorf("%v: %q bears %v, want %q and %v", c.detectors, name, limit, c.name, c.limit)
		}
	}
}
