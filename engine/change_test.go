package engine

import (
	"math"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
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

// What begins within a scene raises the scores of a network; what begins with a cut
// does not.
func TestChangeWithinAScene(t *testing.T) {
	book := func(path string, c *models.Change) []verdict.Score {
		d := brightest(t, models.Sampling{Every: 400 * time.Millisecond})
		d.Outputs[0].Change = c
		return scoresBy(t, d, path)
	}
	for _, c := range []struct {
		name, box string
		raised    bool
	}{
		{"a small box within the scene", "x=32:y=32:w=32:h=32", true},
		{"all of the picture", "x=0:y=0:w=iw:h=ih", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := clip(t, "change.ts", "-f", "lavfi", "-i", "color=c=0x303030:size=320x192:rate=25:duration=6",
				"-vf", "drawbox="+c.box+":color=0x707070:t=fill:enable='gte(t,3)'", "-c:v", "mpeg2video", "-q:v", "2")
			plain := book(path, nil)
			told := book(path, &models.Change{Looks: 4, Margin: 0.5, Least: 0.1})
			if len(plain) != len(told) || len(plain) < 12 {
				t.Fatalf("%d looks, %d with a change to look for", len(plain), len(told))
			}
			raised := 0
			for i, p := range plain {
				if p.Value < 0.5 && told[i].Value >= 0.5 {
					raised++
				}
			}
			if late := len(plain) / 3; c.raised && raised < late || !c.raised && raised > 0 {
				t.Errorf("%d of %d looks are raised", raised, len(plain))
			}
		})
	}
}
