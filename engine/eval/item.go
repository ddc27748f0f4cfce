package eval

import (
	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/verdict"
)

// Item is one file to measure detectors on.
type Item struct {
	ID         string // distinct among all items
	Media      string // path of the file
	Group      string // of content
	Collection string
	Kind       string       // of the injection; "" where the item is clean, or has several kinds
	Level      int          // of it; 0: none
	Control    string       // ID of its clean twin; "" for none
	Truth      inject.Truth // without defects for a clean item
}

// Clean tells whether nothing was injected.
func (i Item) Clean() bool { return len(i.Truth.Defects) == 0 }

// Result is what came of vetting an item.
type Result struct {
	Seconds  float64           `json:"seconds"`
	Tracks   Tracks            `json:"tracks"`
	Scores   []Separable       `json:"scores"`
	Peaks    []float64         `json:"peaks"` // of each entry of the truth: the highest score about it
	Verdicts []verdict.Verdict `json:"verdicts"`
}

// Example is a moment to look at.
type Example struct {
	Item  string         `json:"item"`
	Media string         `json:"media"`
	What  verdict.Defect `json:"what"`
	Kind  string         `json:"kind,omitempty"` // of the injection; "" for a clean item
	Level int            `json:"level,omitempty"`
	Start float64        `json:"start"` // seconds
	End   float64        `json:"end"`
	Score float64        `json:"score"` // the highest one there
}

// kindOf is the kind and level of what is injected of an output's defect; several
// kinds are "several".
func (i Item) kindOf(o Output) (kind string, level int) {
	for _, e := range i.Truth.Defects {
		switch {
		case !o.about(e.Defect) || e.Invisible:
		case kind == "":
			kind, level = e.Kind, e.Level
		case kind != e.Kind || level != e.Level:
			return "several", 0
		}
	}
	return kind, level
}

// match compares the verdicts of one output with the truth of it.
func (i Item) match(o Output, verdicts []verdict.Verdict) (inject.DefectReport, bool) {
	truth, defect := i.Truth, o.Defect
	if o.Members != nil {
		defect = o.Members[0]
		truth.Defects = nil
		for _, e := range i.Truth.Defects {
			if o.about(e.Defect) {
				e.Defect = defect
			}
			truth.Defects = append(truth.Defects, e)
		}
	}
	var own []verdict.Verdict
	for _, v := range verdicts {
		if o.about(v.Defect) && (o.Members != nil || v.Detector == o.Detector) {
			v.Defect = defect
			own = append(own, v)
		}
	}
	for _, d := range inject.Match(truth, own, inject.DefaultTolerance()).Defects {
		if d.Defect == defect {
			return d, true
		}
	}
	return inject.DefectReport{}, false
}
