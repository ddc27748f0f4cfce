package trial

import (
	"fmt"

	"github.com/streamvet/streamvet/models"
)

// advice is what is strange about the rules of a detector, though they are allowed.
func advice(m models.Manifest) []string {
	var notes []string
	for i, o := range m.Outputs {
		say := func(field, format string, args ...any) {
			notes = append(notes, fmt.Sprintf("outputs[%d].rule.%s: ", i, field)+fmt.Sprintf(format, args...))
		}
		r := o.Rule
		if r.Major > 0 && r.Major <= r.Raise {
			say("major", "%v is not above raise: every verdict will be major", r.Major)
		}
		if r.Critical > 0 && r.Critical <= max(r.Major, r.Raise) {
			say("critical", "%v is not above %v: no verdict will be major", r.Critical, max(r.Major, r.Raise))
		}
		if m.Network == nil || m.Input != "picture" {
			continue
		}
		// A look speaks for one picture; the next one comes after sampling.every.
		every, patience := m.Network.Sampling.Every, r.Hold
		several := r.MinScores > 1 || r.MinDuration > 0
		switch {
		case several && patience < every && (m.Network.Sampling.Suspicious == 0 || patience < m.Network.Sampling.Suspicious):
			say("hold", "%v is shorter than sampling.every, %v: two looks never meet, and nothing is ever raised; make it longer", r.Hold, every)
		case several && patience < every:
			say("hold", "%v is shorter than sampling.every, %v: only looks out of suspicion raise anything", r.Hold, every)
		case !several && max(patience, r.Merge) < every:
			say("hold", "hold %v and merge %v are both shorter than sampling.every, %v: every look that is high makes a verdict of its own", r.Hold, r.Merge, every)
		}
	}
	return notes
}
