package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/models"
)

// When a network looks at a source that drops, with pictures every 100 ms, a look
// every 500 ms, and one every 200 ms where something is suspicious.
func TestLooksThatFindNoSlot(t *testing.T) {
	const picture = 100 * time.Millisecond
	always := func(int) bool { return true }
	for _, c := range []struct {
		name       string
		pictures   int
		free       func(n int) bool // there is a slot at picture n
		suspicious func(n int) bool
		looks      []int
		missed     int64
		patience   time.Duration
	}{
		{"always room", 12, always, nil, []int{0, 5, 10}, 0, 0},
		{"late once", 12, func(n int) bool { return n != 5 && n != 6 }, nil, []int{0, 7, 10}, 0, 0},
		{"never room", 12, func(int) bool { return false }, nil, nil, 2, 0},
		{"room again", 17, func(n int) bool { return n >= 12 }, nil, []int{12, 15}, 2, 0},
		{"room for too few", 41, func(n int) bool { return n%8 == 0 }, nil, []int{0, 8, 16, 24, 32, 40}, 3, 0},
		{"room for too few, patient", 41, func(n int) bool { return n%8 == 0 }, nil, []int{0, 8, 16, 24, 32, 40}, 0, 7 * picture},
		{"late once, patient", 14, func(n int) bool { return n != 5 && n != 6 }, nil, []int{0, 7, 12}, 0, 7 * picture},
		{"too late for patience", 22, func(n int) bool { return n == 0 || n >= 13 }, nil, []int{0, 13, 18}, 1, 7 * picture},
		{"suspicious", 8, always, func(n int) bool { return n >= 1 && n < 5 }, []int{0, 2, 4}, 0, 0},
		{"suspicious, late", 8, func(n int) bool { return n != 2 }, func(n int) bool { return n == 2 }, []int{0, 3, 7}, 0, 0},
		{"suspicious, missed", 12, func(n int) bool { return n < 2 || n > 3 }, func(n int) bool { return n == 2 }, []int{0, 7}, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := &network{spec: &models.Network{}}
			n.spec.Sampling = models.Sampling{Every: 5 * picture, Suspicious: 2 * picture, Patience: c.patience}
			s := &Source{engine: &Engine{}}
			v := &viewer{network: n, owner: &pictures{source: s}, lane: &lane{}}
			var looks []int
			for i := range c.pictures {
				var suspicion measure.Suspicion
				if c.suspicious != nil && c.suspicious(i) {
					suspicion.Edges = 1
				}
				if v.wants(time.Duration(i)*picture, suspicion) && c.free(i) {
					looks = append(looks, i)
					v.came()
				}
			}
			if !slices.Equal(looks, c.looks) || s.drops.total.Load() != c.missed {
				t.Errorf("looked at %v and missed %d; want %v and %d", looks, s.drops.total.Load(), c.looks, c.missed)
			}
		})
	}
}
