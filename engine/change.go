package engine

import (
	"slices"

	"github.com/streamvet/streamvet/models"
)

// habit is what the scores of one output are in the scene that a track shows.
// Looks come to it in the order of their pictures, so that it does not depend on when
// the network runs. Owned by the inference goroutine.
type habit struct {
	scene int
	looks []float64 // log-odds of the last of them, oldest first
}

// defective is the score from which a look is of a defect, and no habit.
const defective = 0.4

// tell gives the score of a look at the scene with that number.
func (h *habit) tell(c *models.Change, score float64, scene int) float64 {
	if c == nil {
		return score
	}
	if scene != h.scene {
		h.scene, h.looks = scene, h.looks[:0]
	}
	odds := logOdds(score)
	value := score
	if len(h.looks) >= 2 {
		value = max(score, logistic(min(odds-slices.Max(h.looks)-c.Margin, odds-logOdds(c.Least))))
	}
	if value < defective {
		if len(h.looks) == c.Looks {
			h.looks = slices.Delete(h.looks, 0, 1)
		}
		h.looks = append(h.looks, odds)
	}
	return value
}
