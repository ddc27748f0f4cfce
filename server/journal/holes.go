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

// add notes a range of missing sequences, and says how many of them are new.
func (h *holes) add(first, last uint64) (more uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for first <= last {
		i := sort.Search(len(h.ranges), func(i int) bool { return h.ranges[i][1] >= first })
		if i < len(h.ranges) && h.ranges[i][0] <= first {
			first = h.ranges[i][1] + 1
			continue
		}
		end := last
		if i < len(h.ranges) {
			end = min(last, h.ranges[i][0]-1)
		}
		more += end - first + 1
		if i > 0 && h.ranges[i-1][1]+1 == first {
			h.ranges[i-1][1] = end
		} else {
			h.ranges = slices.Insert(h.ranges, i, [2]uint64{first, end})
		}
		first = end + 1
	}
	return more
}

// between gives the first hole that begins before upto and ends at from or later.
func (h *holes) between(from, upto uint64) (first, last uint64, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	i := sort.Search(len(h.ranges), func(i int) bool { return h.ranges[i][1] >= from })
	if i == len(h.ranges) || max(h.ranges[i][0], from) >= upto {
		return 0, 0, false
	}
	first, last = max(h.ranges[i][0], from), h.ranges[i][1]
	for i++; i < len(h.ranges) && h.ranges[i][0] == last+1; i++ {
		last = h.ranges[i][1]
	}
	return first, last, true
}

// forget drops what is behind last: those sequences will be given again.
func (h *holes) forget(last uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, r := range h.ranges {
		if r[1] > last {
			h.ranges[i][1] = last
			if r[0] <= last {
				i++
			}
			h.ranges = h.ranges[:i]
			return
		}
	}
}

// ranges makes ranges of sequences. 0 is none, though an empty stream counts it.
func ranges(sequences []uint64) (all [][2]uint64) {
	slices.Sort(sequences)
	for _, n := range sequences {
		switch end := len(all) - 1; {
		case n == 0:
		case end >= 0 && all[end][1]+1 == n:
			all[end][1] = n
		default:
			all = append(all, [2]uint64{n, n})
		}
	}
	return all
}
