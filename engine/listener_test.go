package engine

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// crackle is a network of sound: its score of clicks is the greatest step from one
// sample to the next, its score of clipping the mean level, both of 20 ms.
func crackle(t *testing.T) models.Detector {
	t.Helper()
	onnx, err := os.ReadFile("infer/testdata/sound.onnx")
	if err != nil {
		t.Fatal(err)
	}
	rule := models.Rule{Raise: 0.5, Clear: 0.4, Hold: 100 * time.Millisecond}
	return models.Detector{ONNX: onnx, Manifest: models.Manifest{
		Name: "crackle", Version: "1.0.0", Input: "sound",
		Network: &models.Network{
			File: "sound.onnx", Score: "click", Sampling: models.Sampling{Every: time.Second},
			Tensor: models.TensorSpec{Name: "samples", DType: "f32", Channels: "each", Rate: 32000, Window: 40960},
			Batch:  models.Batch{MaxSize: 3, MaxQueueDelay: 2 * time.Millisecond},
		},
		Outputs: []models.Output{{Defect: verdict.Click, Rule: rule}, {Defect: verdict.Clipping, Score: "loud", Rule: rule}},
	}}
}

// clicks is silence at a rate, with a step up at each of these samples for 5 ms.
func clicks(t *testing.T, name string, rate int, seconds float64, at ...float64) string {
	t.Helper()
	wave := "0"
	for _, s := range at {
		wave += fmt.Sprintf("+0.9*gte(t,%g)*lt(t,%g)", s, s+.005)
	}
	return clip(t, name, "-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='%s':s=%d:d=%g", wave, rate, seconds))
}

// A click raises in the step that it is in, wherever windows begin, at the rate of
// the network and at others.
func TestNetworksHearSound(t *testing.T) {
	e := openWith(t, []models.Detector{crackle(t)})
	at := []float64{.9999, 2.5, 3.87} // the last one in the window that is padded
	for _, rate := range []int{32000, 48000, 44100, 22050} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			n, sum := vet(t, e, clicks(t, "a.wav", rate, 3.9, at...))
			if sum.Stages.Looks != 4 || n.scores != 2*195 {
				t.Errorf("%d looks and %d scores of 3.9 s: want 4 windows, and 195 steps of two defects", sum.Stages.Looks, n.scores)
			}
			raised := n.of(verdict.Click, streamvetv1.State_STATE_RAISED)
			if len(raised) != len(at) {
				t.Fatalf("raised %v", raised)
			}
			for i, v := range raised {
				step := time.Duration(at[i]*50) * 20 * time.Millisecond
				if got := v.Start.AsDuration(); got != step {
					t.Errorf("the click at %v s was found at %v, its step begins at %v", at[i], got, step)
				}
			}
			if n.last["crackle"].PTS+n.last["crackle"].Duration != 3900*time.Millisecond {
				t.Errorf("the last score ends at %v", n.last["crackle"].PTS+n.last["crackle"].Duration)
			}
		})
	}
}
