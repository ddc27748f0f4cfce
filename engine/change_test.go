package engine

import (
	"math"
	"testing"

	"github.com/streamvet/streamvet/models"
)

// A score is compared with those before it in the same scene.
func TestChange(t *testing.T) {
	c := &models.Change{Looks: 3, Margin: 3, Least: logistic(-4)}
	at := logistic
	type look struct {
		score float64
		scene int
		want  float64 // 0: the score alone
	}
	for name, looks := range map[string][]look{
		"a scene that stays as it is": {{at(-2), 1, 0}, {at(-2), 1, 0}, {at(-2), 1, at(-2)}, {at(-2.5), 1, at(-2.5)}},
		"a sharp scene turns soft, and sharp again": {
			{at(-8), 1, 0}, {at(-9), 1, 0}, {at(-3), 1, at(1)}, {at(-2), 1, at(2)}, {at(-8), 1, at(-4)},
		},
		"softer than all before it by too little": {{at(-8), 1, 0}, {at(-4), 1, 0}, {at(-8), 1, at(-7)}, {at(-2), 1, at(-1)}},
		"what was long ago counts no more":        {{at(-4), 1, 0}, {at(-8), 1, 0}, {at(-8), 1, at(-7)}, {at(-8), 1, at(-7)}, {at(-3), 1, at(1)}},
		"far above, and still sharp":              {{at(-13), 1, 0}, {at(-13), 1, 0}, {at(-5), 1, at(-1)}},
		"a cut to a soft scene":                   {{at(-8), 1, 0}, {at(-8), 1, 0}, {at(-2), 2, 0}, {at(-2), 2, 0}, {at(-2), 2, at(-2)}},
		"what is blurred at once":                 {{at(1), 1, 0}, {at(1), 1, 0}, {at(1), 1, at(1)}},
		"one look is no habit":                    {{at(-8), 1, 0}, {at(-3), 1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var h habit
			for i, l := range looks {
				if got := h.tell(c, l.score, l.scene); math.Abs(got-max(l.want, l.score)) > 1e-9 {
					t.Errorf("look %d: %.4f, want %.4f", i, got, max(l.want, l.score))
				}
			}
		})
	}
	var h habit
	if got := h.tell(nil, 0.3, 1); got != 0.3 || h.looks != nil {
		t.Errorf("without a change to look for: %v, %v", got, h.looks)
	}
}
