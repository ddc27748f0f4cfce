package sound

import (
	"math"
	"time"

	"github.com/streamvet/streamvet/engine/measure"
)

// attacks finds onsets of sound: 10 ms that are far louder than the 150 ms before,
// but for the 10 ms between the two, in which it may have begun.
type attacks struct {
	past   [attackPast]float64 // levels of the last hops, dB, a ring
	count  int                 // hops since the start
	since  int                 // hops since the last onset
	before [hopMS]float32      // powers of the last hop
	found  []measure.Onset     // of the last Observe
}

const (
	attackPast  = 16  // hops
	attackRise  = 6   // dB
	attackLeast = -50 // dBFS
	attackFloor = -80 // dBFS; what is quieter is silence
)

// restart forgets what was before: nothing is an onset until enough is known.
func (t *attacks) restart() { t.count, t.since = 0, 0 }

func (t *attacks) take(h *hop, c *clock) {
	loudest, energy := 0, 0.0
	for i := range h.channels {
		if e := h.channels[i].energy; e > energy {
			loudest, energy = i, e
		}
	}
	level := max(powerDB(energy/float64(h.samples)), attackFloor)
	t.since++
	if t.count >= attackPast && t.since >= attackPast && level >= attackLeast {
		if rise := level - t.usual(); rise >= attackRise {
			first := h.first + int64(math.Round(float64(t.begins(h, loudest)*h.samples)/hopMS))
			t.found = append(t.found, measure.Onset{At: c.at(first), Within: time.Millisecond, Strength: rise})
			t.since = 0
		}
	}
	t.past[t.count%attackPast] = level
	t.count++
	for i, m := range h.channels[loudest].ms {
		t.before[i] = m.energy
	}
}

// usual is the loudest of the last hops but one.
func (t *attacks) usual() float64 {
	most := float64(attackFloor)
	for n := t.count - attackPast; n < t.count-1; n++ {
		most = max(most, t.past[n%attackPast])
	}
	return most
}

// begins is the millisecond in which it begins, from the start of the hop: the
// first of this hop and the one before that has half the power of the strongest.
func (t *attacks) begins(h *hop, channel int) int {
	ms := &h.channels[channel].ms
	most := float32(0)
	for i := range ms {
		most = max(most, ms[i].energy)
	}
	for i, e := range t.before {
		if e >= most/2 {
			return i - hopMS
		}
	}
	for i := range ms {
		if ms[i].energy >= most/2 {
			return i
		}
	}
	return 0
}

// Onsets gives those that the last Observe found, in time order. They are valid
// until the next Observe or Flush.
func (s *Sound) Onsets() []measure.Onset { return s.attacks.found }
