package trial

import (
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/models"
)

func TestAdvice(t *testing.T) {
	base := func() models.Manifest {
		return models.Manifest{
			Input: "picture", Network: &models.Network{Sampling: models.Sampling{Every: time.Second}},
			Outputs: []models.Output{{Rule: models.Rule{Raise: 0.5, Clear: 0.4, MinScores: 2, Hold: 2 * time.Second, Major: 0.8, Critical: 0.9}}},
		}
	}
	for _, c := range []struct {
		name   string
		change func(*models.Manifest, *models.Rule)
		want   string // "" is none
	}{
		{"as it should be", func(*models.Manifest, *models.Rule) {}, ""},
		{"two looks never meet", func(_ *models.Manifest, r *models.Rule) { r.Hold = 900 * time.Millisecond }, "rule.hold: 900ms is shorter than sampling.every, 1s: two looks never meet"},
		{"nor do those that must last", func(_ *models.Manifest, r *models.Rule) { r.MinScores, r.MinDuration, r.Hold = 0, time.Second, 0 }, "two looks never meet"},
		{"only out of suspicion", func(m *models.Manifest, r *models.Rule) {
			m.Network.Sampling.Suspicious, r.Hold = 100*time.Millisecond, 200*time.Millisecond
		}, "only looks out of suspicion"},
		{"one by one", func(_ *models.Manifest, r *models.Rule) { r.MinScores, r.Hold = 1, 0 }, "every look that is high makes a verdict of its own"},
		{"one by one, merged", func(_ *models.Manifest, r *models.Rule) { r.MinScores, r.Hold, r.Merge = 1, 0, 2*time.Second }, ""},
		{"always major", func(_ *models.Manifest, r *models.Rule) { r.Major = 0.5 }, "every verdict will be major"},
		{"never major", func(_ *models.Manifest, r *models.Rule) { r.Critical = 0.8 }, "no verdict will be major"},
		{"a closed form looks at everything", func(m *models.Manifest, r *models.Rule) { m.Network, r.Hold = nil, 0 }, ""},
	} {
		m := base()
		c.change(&m, &m.Outputs[0].Rule)
		got := strings.Join(advice(m), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The shipped detectors need no advice.
func TestNoAdviceOnWhatIsShipped(t *testing.T) {
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range set.Detectors() {
		for _, note := range advice(d.Manifest) {
			t.Errorf("%s: %s", d.Name, note)
		}
	}
}
