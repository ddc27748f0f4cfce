package measure

import (
	"maps"
	"math"
	"slices"
)

// ratio is a/b, 0 where there is nothing to divide by.
func ratio(a, b uint64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func abs(a int) int {
	if a < 0 {
		return -a
	}
	return a
}

// finite keeps NaN and infinities out of scores.
func finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
