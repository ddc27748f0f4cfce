package engine

import (
	"fmt"
	"unsafe"

	"github.com/streamvet/streamvet/engine/batch"
	"github.com/streamvet/streamvet/engine/excerpt"
)

// steps says which scores of a window an output has for the window's middle.
type steps struct {
	first, count int
	samples      int // that one score speaks for
}

// of is how many of them lie where there is sound, if the middle has so many samples.
func (s steps) of(samples int) int { return min((samples+s.samples-1)/s.samples, s.count) }

// newSteps fits an output with n scores a window. One score alone speaks for the
// whole middle.
func newSteps(n int, c excerpt.Config) (steps, error) {
	if n == 1 {
		return steps{count: 1, samples: c.Hop}, nil
	}
	step := c.Window / n
	if c.Window%n > 0 || c.Hop%step > 0 || (c.Window-c.Hop)%(2*step) > 0 {
		return steps{}, fmt.Errorf("%d steps over a window of %d samples: a step must be a whole number of samples, "+
			"network.sampling.every (%d samples) a whole number of steps, and so must what comes before and after it", n, c.Window, c.Hop)
	}
	return steps{first: c.Lead() / step, count: c.Hop / step, samples: step}, nil
}

// openHall makes the lane of a network that hears sound, and finds out of which
// steps its outputs speak.
func (n *network) openHall() (err error) {
	if err := n.excerpts().Check(); err != nil {
		return err
	}
	if n.hall, err = n.enter(0, 0); err != nil {
		return err
	}
	for i := range n.detector.Outputs {
		s, err := newSteps(n.hall.bindings[0].Steps(i), n.excerpts())
		if err != nil {
			name, field := n.detector.ScoreOf(i)
			return fmt.Errorf("%s: output %q has %w", field, name, err)
		}
		n.steps = append(n.steps, s)
	}
	return nil
}

// excerpts are what a network hears.
func (n *network) excerpts() excerpt.Config {
	t := n.spec.Tensor
	return excerpt.Config{Rate: t.Rate, Window: t.Window, Hop: n.spec.Hop(), Mix: t.Channels == "mix"}
}

// samples is the row of a slot, in the host's memory.
func (l *lane) samples(s batch.Slot) []float32 {
	all := unsafe.Slice((*float32)(l.tensors[s.Tensor].Ptr()), l.shape.Elements())
	return all[s.Row*l.shape.W : (s.Row+1)*l.shape.W]
}
