package engine

import (
	"testing"
	"time"
)

func TestHistogramCountsBelowPowersOfTwo(t *testing.T) {
	var l Latency
	for _, d := range []time.Duration{0, 999, time.Microsecond, 1999, 2 * time.Microsecond, 1024 * time.Microsecond, time.Hour} {
		l.Observe(d)
	}
	h := l.Histogram()
	for i, want := range map[int]int64{0: 2, 1: 4, 2: 5, 9: 5, 10: 5, 11: 6, len(h.Below) - 1: 6} {
		if h.Below[i] != want {
			t.Errorf("%d are below %v, want %d", h.Below[i], time.Microsecond<<i, want)
		}
	}
	if h.Count != 7 || h.Sum != time.Hour+1029998 {
		t.Errorf("%d counted, %v in all", h.Count, h.Sum)
	}
}

// The engine's totals are those of its sources, also when these have ended.
func TestTotals(t *testing.T) {
	e, path := openAll(t), spoiled(t)
	_, first := vet(t, e, path)
	_, second := vet(t, e, path)
	got := e.Totals()
	if got.Sources != 0 || got.Frames != first.Frames+second.Frames || got.Media != first.Position+second.Position || got.Looks != first.Stages.Looks+second.Stages.Looks {
		t.Errorf("totals %+v of %+v and %+v", got, first, second)
	}
	var raised int64
	for _, n := range got.Raised {
		raised += n
	}
	if raised == 0 || raised != int64(first.Raised+second.Raised) {
		t.Errorf("%v raised, want %d and %d", got.Raised, first.Raised, second.Raised)
	}
	if n := got.Latency.Histogram().Count; n < got.Frames {
		t.Errorf("the latency of %d pictures is counted, of %d", n, got.Frames)
	}
	for _, s := range AllStages() {
		if h := got.Stages[s].Histogram(); s != SlotWait && (h.Count == 0 || h.Sum <= 0) {
			t.Errorf("stage %v: %+v", s, h)
		}
	}
	networks := e.Networks()
	if len(networks) == 0 {
		t.Fatal("there is no network")
	}
	var pictures int64
	for _, n := range networks {
		if n.Detector == "" || n.Shadow || n.Taken != 0 {
			t.Errorf("%+v", n)
		}
		for size, count := range n.Batches {
			pictures += int64(size) * count
		}
	}
	if pictures != got.Looks {
		t.Errorf("%d pictures looked at of %d: %+v", pictures, got.Looks, networks)
	}
	if err := e.Check(); err != nil {
		t.Error(err)
	}
}
