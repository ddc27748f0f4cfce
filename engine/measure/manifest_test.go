package measure

import (
	"slices"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
)

// Every closed form is shipped as the detector of its name, with the numbers that
// the tests of this package try.
func TestShippedDetectors(t *testing.T) {
	set, err := models.Default() // refused folders of others are not ours to judge
	if set == nil {
		t.Fatal(err)
	}
	shipped := set.Detectors()
	for _, name := range slices.Concat(PictureMeasures(), BitstreamMeasures()) {
		i := slices.IndexFunc(shipped, func(d models.Detector) bool { return d.Name == name })
		if i < 0 {
			t.Errorf("%s is not shipped", name)
			continue
		}
		m := shipped[i]
		d := Detector{Name: m.Name, Measure: m.Measure, Params: m.Params}
		for _, o := range m.Outputs {
			d.Defects = append(d.Defects, o.Defect)
		}
		if m.Measure != name || !slices.Equal(d.Defects, []verdict.Defect{verdict.Defect(name)}) {
			t.Errorf("%s: closed form %s for %v", name, m.Measure, d.Defects)
		}
		for _, k := range knobsOf(t, m.Input, d) {
			if v, ok := m.Params[k.name]; !ok || v != *k.value {
				t.Errorf("%s: parameter %s is %v in the manifest, %v in the code", name, k.name, v, *k.value)
			}
		}
		// Timestamps are rounded: without a hold, the time between the end of one
		// picture and the start of the next could end a verdict.
		if hold := m.Outputs[0].Rule.Hold; hold < 20*time.Millisecond {
			t.Errorf("%s: hold %v", name, hold)
		}
	}
}

// knobsOf makes the closed form of d and gives its knobs as they are without d.
func knobsOf(t *testing.T, input string, d Detector) []knob {
	t.Helper()
	var err error
	var knobs []knob
	switch input {
	case "picture":
		_, err = NewPicture([]Detector{d})
		knobs = pictureForms()[d.Measure]().knobs()
	case "bitstream":
		_, err = NewBitstream([]Detector{d})
		knobs = bitstreamForms()[d.Measure]().knobs()
	case "clock":
		_, err = NewClock([]Detector{d})
		knobs = clockForms()[d.Measure]().knobs()
	default:
		t.Errorf("%s: input %q", d.Name, input)
	}
	if err != nil {
		t.Error(err)
	}
	return knobs
}
