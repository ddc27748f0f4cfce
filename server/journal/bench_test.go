package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// How long one append takes, from one goroutine.
func BenchmarkAppend(b *testing.B) {
	j := begin(b, testOptions(b.TempDir()))
	var took []time.Duration
	n := 0
	for b.Loop() {
		n++
		start := time.Now()
		appendOne(b, j, verdict("a", n))
		took = append(took, time.Since(start))
	}
	reportPercentiles(b, took)
}

// The same with a picture of 10 kB, which is stored before.
func BenchmarkAppendWithPicture(b *testing.B) {
	j := begin(b, testOptions(b.TempDir()))
	var took []time.Duration
	n := 0
	for b.Loop() {
		n++
		v := verdict("a", n)
		v.Evidence = evidence(strings.Repeat("x", 10000))
		start := time.Now()
		appendOne(b, j, v)
		took = append(took, time.Since(start))
	}
	reportPercentiles(b, took)
}

// How many appends a second there are from many goroutines at once.
func BenchmarkAppendTogether(b *testing.B) {
	for _, writers := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			j := begin(b, testOptions(b.TempDir()))
			var n atomic.Int64
			var mu sync.Mutex
			var took []time.Duration
			var all sync.WaitGroup
			b.ResetTimer()
			for range writers {
				all.Go(func() {
					for {
						i := int(n.Add(1))
						if i > b.N {
							return
						}
						start := time.Now()
						if _, err := j.Append(context.Background(), verdict("a", i)); err != nil {
							b.Error(err)
							return
						}
						d := time.Since(start)
						mu.Lock()
						took = append(took, d)
						mu.Unlock()
					}
				})
			}
			all.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			reportPercentiles(b, took)
		})
	}
}

// How long it takes from before an append until the last of many followers has
// the record.
func BenchmarkFollowers(b *testing.B) {
	for _, followers := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(followers), func(b *testing.B) {
			j := begin(b, testOptions(b.TempDir()))
			ctx, cancel := context.WithCancel(context.Background())
			var all sync.WaitGroup
			got := make(chan struct{}, followers)
			for range followers {
				f := follow(b, j, FromStart(), Filter{})
				all.Go(func() {
					for {
						if _, err := f.Next(ctx); err != nil {
							return
						}
						got <- struct{}{}
					}
				})
			}
			var took []time.Duration
			n := 0
			for b.Loop() {
				n++
				start := time.Now()
				appendOne(b, j, verdict("a", n))
				for range followers {
					<-got
				}
				took = append(took, time.Since(start))
			}
			reportPercentiles(b, took)
			cancel()
			all.Wait()
		})
	}
}

// How many records a second one follower reads from disk.
func BenchmarkCatchUp(b *testing.B) {
	o := testOptions(b.TempDir())
	o.tailRecords = 1
	j := begin(b, o)
	const records = 20000
	fill(b, j, "a", 1, records)
	b.ResetTimer()
	for b.Loop() {
		f := follow(b, j, FromStart(), Filter{})
		for range records {
			nextRecord(b, f)
		}
	}
	b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
}

func reportPercentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// How long appends with a picture of 10 kB take when a hundred come at once, as when a
// hundred sources lose the same satellite.
func BenchmarkAppendPicturesTogether(b *testing.B) {
	j := begin(b, testOptions(b.TempDir()))
	picture := strings.Repeat("x", 10000)
	var mu sync.Mutex
	var took []time.Duration
	n := 0
	for b.Loop() {
		var all sync.WaitGroup
		for range 100 {
			n++
			v := verdict("a", n)
			v.Evidence = evidence(picture)
			all.Go(func() {
				start := time.Now()
				if _, err := j.Append(context.Background(), v); err != nil {
					b.Error(err)
				}
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
			})
		}
		all.Wait()
	}
	reportPercentiles(b, took)
}
