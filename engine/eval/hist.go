package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// bins is how finely scores from 0 to 1 are told apart.
const bins = 1 << 14

// Hist counts scores by height. Its memory is bounded by the number of heights,
// however many scores there are. The zero Hist is empty.
type Hist struct {
	counts map[uint16]int64
	total  int64
}

// Add counts one score. What is below 0, or no number, counts as 0; above 1, as 1.
func (h *Hist) Add(score float64) {
	if !(score > 0) {
		score = 0
	}
	h.add(uint16(math.Round(min(score, 1)*(bins-1))), 1)
}

func (h *Hist) add(bin uint16, n int64) {
	if h.counts == nil {
		h.counts = map[uint16]int64{}
	}
	h.counts[bin] += n
	h.total += n
}

// Merge adds what another one has.
func (h *Hist) Merge(o *Hist) {
	for bin, n := range o.counts {
		h.add(bin, n)
	}
}

// Total is how many scores were added.
func (h *Hist) Total() int64 { return h.total }

// count is the scores of one height.
type count struct {
	bin uint16
	n   int64
}

// sorted lists the heights that there are, the highest first.
func (h *Hist) sorted() []count {
	out := make([]count, 0, len(h.counts))
	for bin, n := range h.counts {
		out = append(out, count{bin, n})
	}
	slices.SortFunc(out, func(a, b count) int { return int(b.bin) - int(a.bin) })
	return out
}

func scoreOf(bin uint16) float64 { return float64(bin) / (bins - 1) }

// Columns counts the scores in n equal steps from 0 to 1.
func (h *Hist) Columns(n int) []int64 {
	out := make([]int64, n)
	for bin, c := range h.counts {
		out[min(int(scoreOf(bin)*float64(n)), n-1)] += c
	}
	return out
}

// MarshalJSON writes heights and counts in turn.
func (h *Hist) MarshalJSON() ([]byte, error) {
	flat := []int64{}
	for _, c := range h.sorted() {
		flat = append(flat, int64(c.bin), c.n)
	}
	return json.Marshal(flat)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (h *Hist) UnmarshalJSON(data []byte) error {
	var flat []int64
	if err := json.Unmarshal(data, &flat); err != nil {
		return err
	}
	if len(flat)%2 != 0 {
		return fmt.Errorf("counts of scores: %d numbers are no pairs", len(flat))
	}
	*h = Hist{}
	for i := 0; i < len(flat); i += 2 {
		if flat[i] < 0 || flat[i] >= bins || flat[i+1] <= 0 {
			return fmt.Errorf("counts of scores: %d times %d", flat[i+1], flat[i])
		}
		h.add(uint16(flat[i]), flat[i+1])
	}
	return nil
}
