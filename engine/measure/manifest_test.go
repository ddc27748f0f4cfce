package measure

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
)

// Every closed form has a shipped manifest that it takes, and whose rule holds.
func TestShippedManifests(t *testing.T) {
	for _, names := range [][]string{PictureMeasures(), BitstreamMeasures()} {
		for _, name := range names {
			m := readManifest(t, name)
			if m.Name != name || m.Measure != name || len(m.Outputs) != 1 || m.Outputs[0].Defect != verdict.Defect(name) || m.Outputs[0].Unit == "" {
				t.Errorf("%s: %+v", name, m)
				continue
			}
			d := Detector{Name: m.Name, Measure: m.Measure, Params: m.Params, Defects: []verdict.Defect{m.Outputs[0].Defect}}
			var err error
			var knobs []knob
			switch m.Input {
			case "picture":
				_, err = NewPicture([]Detector{d})
				knobs = pictureForms()[name]().knobs()
			case "bitstream":
				_, err = NewBitstream([]Detector{d})
				knobs = bitstreamForms()[name]().knobs()
			default:
				t.Errorf("%s: input %q", name, m.Input)
			}
			if err != nil {
				t.Error(err)
			}
			// What is shipped is what the tests of this package try.
			for _, k := range knobs {
				if v, ok := m.Params[k.name]; !ok || v != *k.value {
					t.Errorf("%s: parameter %s is %v in the manifest, %v in the code", name, k.name, v, *k.value)
				}
			}
			r := m.Outputs[0].Rule
			rule := verdict.Rule{
				Raise: r.Raise, Clear: r.Clear, MinDuration: r.MinDuration, MinScores: r.MinScores, Hold: r.Hold,
				Merge: r.Merge, UpdateEvery: r.UpdateEvery, Major: r.Major, Critical: r.Critical,
			}
			if err := rule.Validate(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			// Timestamps are rounded: without a hold, the time between the end of one
			// picture and the start of the next could end a verdict.
			if r.Hold < 20e6 {
				t.Errorf("%s: hold %v", name, r.Hold)
			}
		}
	}
}

func readManifest(t *testing.T, name string) models.Manifest {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "models", name, "detector.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var m models.Manifest
	if err := yaml.UnmarshalWithOptions(data, &m, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}
