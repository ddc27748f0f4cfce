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
}

// The first bucket is below a microsecond, the last open from about two minutes on.
const (
	latencyStep    = 8 // buckets a power of two
	latencyBuckets = 27*latencyStep + 1
	latencyUnit    = time.Microsecond / latencyStep
)

// Observe counts d.
func (l *Latency) Observe(d time.Duration) { l.buckets[bucketOf(d)].Add(1) }

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
