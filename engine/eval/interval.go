package eval

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Interval holds a number with a confidence of 95 %.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// bootstrap draws groups with replacement and gives the interval of each
// statistic over the draws. weights says how often each group was drawn; stat may
// give NaN where a draw has nothing to rest on. There is no interval for fewer than
// three groups, or where most draws rest on nothing.
func bootstrap(groups, draws int, stat func(weights []int) []float64) []*Interval {
	rng := rand.New(rand.NewPCG(1, uint64(groups)))
	weights := make([]int, groups)
	var values [][]float64
	for range draws {
		clear(weights)
		for range groups {
			weights[rng.IntN(groups)]++
		}
		for i, v := range stat(weights) {
			if i == len(values) {
				values = append(values, nil)
			}
			if !math.IsNaN(v) {
				values[i] = append(values[i], v)
			}
		}
	}
	out := make([]*Interval, len(values))
	for i, v := range values {
		if groups >= 3 && len(v) > draws/2 {
			slices.Sort(v)
			out[i] = &Interval{quantile(v, 0.025), quantile(v, 0.975)}
		}
	}
	return out
}

// quantile of ascending values, between neighbours in proportion; NaN of none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	part := at - float64(low)
	return sorted[low]*(1-part) + sorted[low+1]*part
}

// garwood is the exact interval of the mean of a Poisson count.
func garwood(n int) Interval {
	const tail = 0.025
	var out Interval
	if n > 0 {
		// The mean for which n or more come with the probability of the tail.
		out.Low = solve(float64(n), func(mean float64) bool { return 1-poissonUpTo(n-1, mean) > tail })
	}
	// The mean for which n or fewer do.
	out.High = solve(float64(n)+10*math.Sqrt(float64(n)+1)+10, func(mean float64) bool { return poissonUpTo(n, mean) < tail })
	return out
}

// solve finds the least mean in [0, most] from which on beyond holds.
func solve(most float64, beyond func(float64) bool) float64 {
	low, high := 0.0, most
	for range 100 {
		if mid := (low + high) / 2; beyond(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// poissonUpTo is the probability of n or fewer events.
func poissonUpTo(n int, mean float64) float64 {
	if mean <= 0 {
		return 1
	}
	sum := 0.0
	for i := range n + 1 {
		lg, _ := math.Lgamma(float64(i) + 1)
		sum += math.Exp(float64(i)*math.Log(mean) - mean - lg)
	}
	return min(sum, 1)
}
