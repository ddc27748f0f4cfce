package journal

import (
	"math/rand/v2"
	"testing"
)

// Ranges say the same as a list of every sequence.
func TestHoles(t *testing.T) {
	const size = 40
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var h holes
		var missing [size + 2]bool
		for range random.IntN(12) {
			first := uint64(1 + random.IntN(size))
			last := min(size, first+uint64(random.IntN(6)))
			var fresh uint64
			for n := first; n <= last; n++ {
				if !missing[n] {
					fresh++
				}
				missing[n] = true
			}
			if more := h.add(first, last); more != fresh {
				t.Fatalf("add %d to %d: %d are new, not %d: %v", first, last, more, fresh, h.ranges)
			}
			if random.IntN(5) == 0 {
				keep := uint64(1 + random.IntN(size))
				clear(missing[keep+1:])
				h.forget(keep)
			}
		}
		for from := uint64(1); from <= size; from++ {
			upto := from + uint64(random.IntN(size))
			var wantFirst, wantLast uint64
			for n := from; n < min(upto, size+1); n++ {
				if missing[n] {
					wantFirst = n
					for wantLast = n; missing[wantLast+1]; wantLast++ {
					}
					break
				}
			}
			first, last, ok := h.between(from, upto)
			if first != wantFirst || last != wantLast || ok != (wantFirst > 0) {
				t.Fatalf("between %d and %d: %d to %d, want %d to %d: %v", from, upto, first, last, wantFirst, wantLast, h.ranges)
			}
		}
	}
}
