package engine

import (
	"testing"
	"time"
)

func TestLatencyQuantiles(t *testing.T) {
	var l Latency
	if s := l.Summary(); s != (LatencySummary{}) {
		t.Errorf("nothing was counted: %+v", s)
	}
	for i := 1; i <= 1000; i++ {
		l.Observe(time.Duration(i) * time.Millisecond)
	}
	s := l.Summary()
	for name, v := range map[string][2]time.Duration{
		"median": {s.P50, 500 * time.Millisecond}, "p90": {s.P90, 900 * time.Millisecond},
		"p99": {s.P99, 990 * time.Millisecond}, "max": {s.Max, time.Second},
	} {
		if v[0] < v[1] || float64(v[0]) > 1.13*float64(v[1]) {
			t.Errorf("%s is %v, want %v or up to an eighth more", name, v[0], v[1])
		}
	}
	if s.Count != 1000 {
		t.Errorf("%d counted", s.Count)
	}
}

func TestLatencyOfEveryLengthHasABucket(t *testing.T) {
	last := -1
	for d := time.Duration(0); d < 10*time.Minute; d += 1 + d/50 {
		b := bucketOf(d)
		if b < last || b >= latencyBuckets {
			t.Fatalf("%v is in bucket %d after %d", d, b, last)
		}
		if b < latencyBuckets-1 && d > upper(b) {
			t.Fatalf("%v is above the %v of its bucket", d, upper(b))
		}
		last = b
	}
	if bucketOf(-time.Second) != 0 {
		t.Error("a negative duration counts as none")
	}
}
