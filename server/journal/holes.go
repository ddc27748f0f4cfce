package journal

import (
	"slices"
	"sort"
	"sync"
)

// holes are the sequences in the journal's midst whose records were damaged.
// Retention takes records only from the beginning.
type holes struct {
	mu     sync.RWMutex
	ranges [][2]uint64 // first and last, ascending
}

// set takes the missing sequences, and says how many of them are new.
func (h *holes) set(missing []uint64) (more uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.ranges
	h.ranges = nil
	slices.Sort(missing)
	for _, n := range missing {
		if n == 0 { // which an empty stream counts
			continue
		}
		if _, _, ok := find(known, n, n+1); !ok {
			more++
		}
		if end := len(h.ranges) - 1; end >= 0 && h.ranges[end][1]+1 == n {
			h.ranges[end][1] = n
			continue
		}
		h.ranges = append(h.ranges, [2]uint64{n, n})
	}
	return more
}

// between gives the first hole that begins before upto and ends at from or later.
func (h *holes) between(from, upto uint64) (first, last uint64, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return find(h.ranges, from, upto)
}

func find(ranges [][2]uint64, from, upto uint64) (first, last uint64, ok bool) {
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i][1] >= from })
	if i == len(ranges) || ranges[i][0] >= upto {
		return 0, 0, false
	}
	return max(ranges[i][0], from), ranges[i][1], true
}
