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

func TestRecentLatencyForgets(t *testing.T) {
	var l recentLatency
	at := time.Unix(1000, 0)
	l.Observe(at, time.Second)
	if got := l.P99(at); got < time.Second {
		t.Errorf("p99 is %v right after a second was counted", got)
	}
	if got := l.P99(at.Add(recentSpan)); got < time.Second {
		t.Errorf("p99 is %v in the span after", got)
	}
	l.Observe(at.Add(recentSpan), time.Millisecond)
	for _, later := range []time.Duration{2 * recentSpan, 7 * recentSpan} {
		if got := l.P99(at.Add(later)); got > 2*time.Millisecond {
			t.Errorf("p99 is %v %v later", got, later)
		}
	}
}
