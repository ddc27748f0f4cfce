package report

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestSeriesIsBounded(t *testing.T) {
	s := newSeries()
	const step = 40 * time.Millisecond
	for at := time.Duration(0); at < 10*time.Hour; at += step {
		s.add(at, step, 0.25, 0.25)
	}
	if len(s.buckets) > seriesMax || cap(s.buckets) > 2*seriesMax {
		t.Errorf("%d buckets, room for %d", len(s.buckets), cap(s.buckets))
	}
	if covered := time.Duration(len(s.buckets)) * s.width; covered < 10*time.Hour || s.width > 10*time.Hour/(seriesMax/2-1) {
		t.Errorf("%v in buckets of %v", covered, s.width)
	}
	for i, b := range s.buckets {
		if !b.seen || b.min != 0.25 || b.max != 0.25 {
			t.Fatalf("bucket %d: %+v", i, b)
		}
	}
}

// However often neighbours are joined, an extreme stays at its place.
func TestSeriesKeepsExtremes(t *testing.T) {
	const step, n = 40 * time.Millisecond, 200_000
	high, low := 17*time.Minute+step, 99*time.Minute
	s := newSeries()
	for i := range n {
		at, v := time.Duration(i)*step, 0.5
		switch at {
		case high:
			v = 0.9
		case low:
			v = -0.3
		}
		s.add(at, step, v, v)
	}
	if s.peak() != 0.9 {
		t.Errorf("peak %v", s.peak())
	}
	for i, b := range s.buckets {
		start, end := time.Duration(i)*s.width, time.Duration(i+1)*s.width
		if (b.max == 0.9) != (start <= high && high < end) || (b.min == -0.3) != (start <= low && low < end) {
			t.Errorf("%v to %v: %+v", start, end, b)
		}
	}
}

func TestSeriesTakesAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := newSeries()
	s.add(-time.Second, time.Millisecond, 0.1, 0.1) // before the start
	s.add(time.Second, 0, 0.2, 0.2)                 // of no length
	s.add(time.Second, -time.Hour, 0.2, 0.2)        // of less
	s.add(2*time.Second, time.Hour, 0.3, 0.3)       // over many buckets
	for range 1000 {
		s.add(time.Duration(r.Int64N(int64(1000*time.Hour))), time.Duration(r.Int64N(int64(time.Minute))), 0, 1)
	}
	if len(s.buckets) > seriesMax {
		t.Errorf("%d buckets", len(s.buckets))
	}
	if s.add(1<<62, 1<<62, 0, 1); len(s.buckets) > seriesMax || s.width <= 0 { // the clock's end
		t.Errorf("%d buckets of %v", len(s.buckets), s.width)
	}
	if newSeries().peak() != 0 {
		t.Error("a peak of nothing")
	}
}

// What was seen before a gap does not run into it.
func TestSeriesHasGaps(t *testing.T) {
	s := newSeries()
	s.add(0, time.Second, 1, 1)
	s.add(3*time.Second, time.Second, 1, 1)
	for i, b := range s.buckets {
		at := time.Duration(i) * s.width
		if b.seen != (at < time.Second || at >= 3*time.Second) {
			t.Fatalf("at %v: %+v", at, b)
		}
	}
}
