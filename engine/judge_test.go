package engine

import (
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// The sound of a source has taken up a newer detector, its pictures not yet: what is
// said of the pictures is said by the one that they still have.
func TestVerdictsNameTheDetectorOfTheirTrack(t *testing.T) {
	older, newer := shipped(t, "black"), version(shipped(t, "black"), "9.0.0")
	n := &notebook{}
	j := newJudge(n, 0, &tally{})
	outputs := []verdict.Output{{Detector: "black", Version: older[0].Version, Defect: verdict.Black, Rule: verdict.Rule{Raise: .5, Clear: .5}}}
	for track := range 2 {
		if err := j.follow("source", track, outputs, newScribe(older)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.change(1, nil, newScribe(newer)); err != nil {
		t.Fatal(err)
	}
	black := verdict.Score{Detector: "black", Defect: verdict.Black, Duration: time.Second, Value: 1}
	if err := j.scores(0, []verdict.Score{black}, nil); err != nil {
		t.Fatal(err)
	}
	j.finish()
	if len(n.verdicts) != 2 || n.verdicts[0].DetectorVersion != older[0].Version || n.verdicts[1].DetectorVersion != older[0].Version {
		t.Errorf("verdicts: %v", n.verdicts)
	}
}
