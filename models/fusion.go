package models

import (
	"fmt"
	"math"
)

// Fusion joins the score s of a network with what container and decoder tell of the
// picture that it looked at. The numbers are in log-odds (natural logarithm), as a
// logistic regression has them:
//
//	logistic(Bias + Network*ln(s/(1-s)) + Damaged*d)
//
// where d is 1 while the bitstream is damaged (measure.Suspicion.Damaged), else 0.
// That is a hint and no proof: its weight should not lift a score over the rule's
// threshold where the network sees nothing.
type Fusion struct {
	Bias    float64 `yaml:"bias"`
	Network float64 `yaml:"network"` // of the network's own log-odds; > 0
	Damaged float64 `yaml:"damaged"`
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
		}{{"bias", f.Bias}, {"network", f.Network}, {"damaged", f.Damaged}} {
			r.need(math.Abs(w.value) <= maxWeight, field+"."+w.name, "%v is not in [-%d, %d]", w.value, maxWeight, maxWeight)
		}
		r.need(f.Network > 0, field+".network", "%v: without the network's own word there is nothing to join: write a positive weight", f.Network)
	}
}
