package models

import (
	"fmt"
)

// Change finds a defect by what it does to a scene: some scenes look defective by
// nature, as soft as if they were blurred, and are not. A network's score s speaks as
// the greater of s and
//
//	logistic(min(l(s)-usual-Margin, l(s)-l(Least)))    l(s) = ln(s/(1-s))
//
// where usual is the greatest l of the last Looks looks at the same scene of which
// this score was below 0.4. It begins anew with each cut; without two looks s speaks
// alone. So a look is defective that is Margin above all before it, and at least Least.
type Change struct {
	Looks  int     `yaml:"looks"`
	Margin float64 `yaml:"margin"` // in log-odds
	Least  float64 `yaml:"least"`  // a score
}

// Bounds of a Change.
const (
	maxLooks  = 64
	maxMargin = 20
)

func (r *report) change(m *Manifest) {
	for i, o := range m.Outputs {
		c := o.Change
		if c == nil {
			continue
		}
		field := fmt.Sprintf("outputs[%d].change", i)
		r.need(m.Network != nil && m.Input == "picture", field, "it compares looks of a network at pictures, and there is none: leave it out")
		r.need(c.Looks >= 2 && c.Looks <= maxLooks, field+".looks", "%d is not in 2..%d", c.Looks, maxLooks)
		r.need(c.Margin >= 0 && c.Margin <= maxMargin, field+".margin", "%v is not in [0, %d]", c.Margin, maxMargin)
		r.need(c.Least > 0 && c.Least < 1, field+".least", "%v is not in (0, 1)", c.Least)
	}
}
