package report

import (
	"math"
	"time"
)

// Bounds of a series: it begins with buckets of bucketFirst, and when seriesMax
// of them are full, neighbours are joined and buckets become twice as long. So
// hours of scores take no more memory than minutes.
const (
	seriesMax   = 1600
	bucketFirst = 20 * time.Millisecond
)

// bucket is what a series keeps of a stretch of time.
type bucket struct {
	min, max float64
	seen     bool
}

func (b *bucket) add(low, high float64) {
	if !b.seen {
		*b = bucket{low, high, true}
		return
	}
	b.min, b.max = min(b.min, low), max(b.max, high)
}

// series keeps the lowest and highest value of each stretch of time.
type series struct {
	width   time.Duration
	buckets []bucket
}

func newSeries() *series { return &series{width: bucketFirst} }

// add takes a value that holds over [start, start+length). What is no number is
// left out.
func (s *series) add(start, length time.Duration, low, high float64) {
	if math.IsNaN(low) || math.IsNaN(high) {
		return
	}
	start = max(start, 0)
	end := max(start+length, start+1)
	for int(end/s.width) >= seriesMax {
		s.halve()
	}
	first, last := int(start/s.width), int((end-1)/s.width)
	for len(s.buckets) <= last {
		s.buckets = append(s.buckets, bucket{})
	}
	for i := first; i <= last; i++ {
		s.buckets[i].add(low, high)
	}
}

func (s *series) halve() {
	s.width *= 2
	n := 0
	for i := 0; i < len(s.buckets); i += 2 {
		b := s.buckets[i]
		if i+1 < len(s.buckets) && s.buckets[i+1].seen {
			b.add(s.buckets[i+1].min, s.buckets[i+1].max)
		}
		s.buckets[n] = b
		n++
	}
	s.buckets = s.buckets[:n]
}

// peak is the highest value of all.
func (s *series) peak() float64 {
	var p float64
	for _, b := range s.buckets {
		if b.seen {
			p = max(p, b.max)
		}
	}
	return p
}
