package inject

import (
	"slices"
	"time"
)

// stretch is [start, end) of a timeline.
type stretch struct{ start, end time.Duration }

// stretches is a set of moments. After union they are in order and apart.
type stretches []stretch

func (s *stretches) add(start, end time.Duration) {
	if start < end {
		*s = append(*s, stretch{start, end})
	}
}

func (s stretches) union() stretches {
	slices.SortFunc(s, func(a, b stretch) int { return int(a.start - b.start) })
	var out stretches
	for _, one := range s {
		if n := len(out); n > 0 && one.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, one.end)
			continue
		}
		out = append(out, one)
	}
	return out
}

func (s stretches) length() (sum time.Duration) {
	for _, one := range s {
		sum += one.end - one.start
	}
	return sum
}

// common is the length of what s and o, both unions, have in common.
func (s stretches) common(o stretches) (sum time.Duration) {
	for i, j := 0, 0; i < len(s) && j < len(o); {
		sum += max(0, min(s[i].end, o[j].end)-max(s[i].start, o[j].start))
		if s[i].end < o[j].end {
			i++
		} else {
			j++
		}
	}
	return sum
}

// without is s minus o, both unions.
func (s stretches) without(o stretches) stretches {
	var out stretches
	for _, one := range s {
		at := one.start
		for _, hole := range o {
			if hole.end <= at || hole.start >= one.end {
				continue
			}
			out.add(at, min(hole.start, one.end))
			at = max(at, hole.end)
		}
		out.add(at, one.end)
	}
	return out
}
