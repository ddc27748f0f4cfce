package engine

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Latency is a histogram of durations in buckets an eighth of a power of two wide,
// so that a quantile is told at most an eighth too high. It may be written and read by anyone.
type Latency struct {
	buckets [latencyBuckets]atomic.Int64
	sum     atomic.Int64 // ns
}

// The first bucket is below a microsecond, the last open from about two minutes on.
const (
	latencyStep    = 8 // buckets a power of two
	latencyBuckets = 27*latencyStep + 1
	latencyUnit    = time.Microsecond / latencyStep
)

// Observe counts d.
func (l *Latency) Observe(d time.Duration) {
	l.buckets[bucketOf(d)].Add(1)
	l.sum.Add(int64(d))
}

// Histogram is a Latency for others to read.
type Histogram struct {
	Count int64
	Sum   time.Duration
	Below []int64 // those shorter than 1 µs << i; longer ones are in Count alone
}

// Histogram reads it. What is counted meanwhile may be in or not.
func (l *Latency) Histogram() Histogram {
	h := Histogram{Sum: time.Duration(l.sum.Load())}
	for i := range l.buckets {
		h.Count += l.buckets[i].Load()
		if i%latencyStep == 0 && i < latencyBuckets-1 {
			h.Below = append(h.Below, h.Count)
		}
	}
	return h
}

func bucketOf(d time.Duration) int {
	parts := uint64(max(d, 0) / latencyUnit)
	if parts < latencyStep {
		return 0
	}
	power := bits.Len64(parts) - bits.Len(latencyStep)
	part := int((parts >> power) & (latencyStep - 1))
	return min(1+power*latencyStep+part, latencyBuckets-1)
}

// upper is the largest duration of a bucket.
func upper(bucket int) time.Duration {
	if bucket == 0 {
		return time.Microsecond
	}
	power, part := (bucket-1)/latencyStep, (bucket-1)%latencyStep
	return time.Duration((latencyStep+part+1)<<power) * latencyUnit
}

// LatencySummary is what is said of a Latency; zero where nothing was counted.
type LatencySummary struct {
	Count              int64
	P50, P90, P99, Max time.Duration // upper bounds of their buckets
}

// Summary reads the histogram. What is counted meanwhile may be in or not.
func (l *Latency) Summary() LatencySummary {
	var counts [latencyBuckets]int64
	var s LatencySummary
	for i := range counts {
		counts[i] = l.buckets[i].Load()
		s.Count += counts[i]
		if counts[i] > 0 {
			s.Max = upper(i)
		}
	}
	quantile := func(permille int64) time.Duration {
		rest := (s.Count*permille + 999) / 1000
		for i, n := range counts {
			if rest -= n; rest <= 0 && n > 0 {
				return upper(i)
			}
		}
		return 0
	}
	s.P50, s.P90, s.P99 = quantile(500), quantile(900), quantile(990)
	return s
}

// recentLatency is a Latency of the last five to ten seconds, for decisions.
type recentLatency struct {
	span  atomic.Int64 // number of the one under way
	spans [2]Latency   // it, and the one before
}

const recentSpan = 5 * time.Second

// Observe counts d at a time of the wall clock.
func (l *recentLatency) Observe(at time.Time, d time.Duration) { l.turn(at).Observe(d) }

// P99 is the larger 99th percentile of the span under way and the one before.
func (l *recentLatency) P99(at time.Time) time.Duration {
	l.turn(at)
	return max(l.spans[0].Summary().P99, l.spans[1].Summary().P99)
}

// turn gives the span of a time, emptied if it begins.
func (l *recentLatency) turn(at time.Time) *Latency {
	n := at.UnixNano() / int64(recentSpan)
	if old := l.span.Load(); n > old && l.span.CompareAndSwap(old, n) {
		l.spans[n%2].reset()
		if n > old+1 {
			l.spans[(n+1)%2].reset()
		}
	}
	return &l.spans[n%2]
}

func (l *Latency) reset() {
	for i := range l.buckets {
		l.buckets[i].Store(0)
	}
	l.sum.Store(0)
}
