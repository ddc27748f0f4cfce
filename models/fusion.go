package models

import (
	"fmt"
	"math"
)

// Fusion joins the score of a network with what container, decoder and measures
// hint of the picture that it looked at (measure.Suspicion; each hint is 0..1).
// The numbers are weights in log-odds, as a logistic regression fits them:
//
//	logistic(Bias + Network*ln(s/(1-s)) + Damaged*damaged + Fresh*fresh + Edges*edges + Jolt*jolt)
//
// A hint is no proof: its weight should not lift a score over the rule's threshold
// where the network sees nothing.
type Fusion struct {
	Bias    float64 `yaml:"bias"`
	Network float64 `yaml:"network"` // of the network's own log-odds; > 0
	Damaged float64 `yaml:"damaged,omitempty"`
	Fresh   float64 `yaml:"fresh,omitempty"`
	Edges   float64 `yaml:"edges,omitempty"`
	Jolt    float64 `yaml:"jolt,omitempty"`
}

// maxWeight bounds the weights of a Fusion: e to the power of it is beyond all odds.
const maxWeight = 20

func (r *report) fusion(m *Manifest) {
	for i, o := range m.Outputs {
		f := o.Fusion
		if f == nil {
			continue
		}
		field := fmt.Sprintf("outputs[%d].fusion", i)
		r.need(m.Network != nil && m.Input == "picture", field, "it joins the score of a network with hints of the picture, and no network looks at pictures here: leave it out")
		for _, w := range []struct {
			name  string
			value float64
		}{{"bias", f.Bias}, {"network", f.Network}, {"damaged", f.Damaged}, {"fresh", f.Fresh}, {"edges", f.Edges}, {"jolt", f.Jolt}} {
			r.need(math.Abs(w.value) <= maxWeight, field+"."+w.name, "%v is not in [-%d, %d]", w.value, maxWeight, maxWeight)
		}
		r.need(f.Network > 0, field+".network", "%v: without the network's own word there is nothing to join: write a positive weight", f.Network)
	}
}
