package sound

import (
	"math"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// clock turns numbers of samples into PTS.
type clock struct {
	rate  int64
	first int64         // a sample
	pts   time.Duration // and when it plays
}

func (c *clock) set(sample int64, pts time.Duration) { c.first, c.pts = sample, pts }

func (c *clock) at(sample int64) time.Duration {
	n := sample - c.first
	// Whole seconds apart, so that no number of samples overflows.
	return c.pts + time.Duration(n/c.rate)*time.Second + time.Duration(n%c.rate)*time.Second/time.Duration(c.rate)
}

// output is whose score it is.
type output struct {
	detector string
	defect   verdict.Defect
}

// scores collects scores on the track's clock.
type scores struct {
	list  []verdict.Score
	clock *clock
}

// add appends the score of n samples from first.
func (s *scores) add(o output, first, n int64, value, reading float64) {
	pts := s.clock.at(first)
	s.list = append(s.list, verdict.Score{
		Detector: o.detector, Defect: o.defect,
		PTS: pts, Duration: s.clock.at(first+n) - pts,
		Value: value, Reading: reading,
	})
}

// ramp maps a reading to a score along two straight lines: 0 at zero, 0.5 at
// half, 1 at one. The three rise or fall; half is where the shipped rules raise.
func ramp(x, zero, half, one float64) float64 {
	switch {
	case x == half:
		return 0.5
	case (x < half) == (one > zero):
		return 0.5 * clamp01((x-zero)/(half-zero))
	}
	return 0.5 + 0.5*clamp01((x-half)/(one-half))
}

// clamp01 also makes 0 of NaN, as 0/0 gives where two points of a ramp coincide.
func clamp01(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return min(x, 1)
}

// floorDB stands for digital silence, which has no finite level.
const floorDB = -120

// powerDB is a mean square as a level against full scale.
func powerDB(meanSquare float64) float64 {
	return max(10*math.Log10(max(meanSquare, 1e-12)), floorDB)
}

func fromDB(db float64) float64 { return math.Pow(10, db/10) }
