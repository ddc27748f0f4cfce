package engine

import (
	"math"

	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/models"
)

// fuse joins the score of a network with what hinted at damage in the picture that
// it looked at. The hints were taken when the picture was shown, so that the result
// depends on the picture and its past alone, whenever and in whatever batch the
// network runs.
func fuse(f *models.Fusion, score float64, s measure.Suspicion) float64 {
	if f == nil {
		return score
	}
	odds := f.Bias + f.Network*logOdds(score) + f.Damaged*s.Damaged
	return logistic(odds)
}

func logistic(odds float64) float64 { return 1 / (1 + math.Exp(-odds)) }

// logOdds is ln(p/(1-p)). Beyond a millionth a score in single precision says no more.
func logOdds(p float64) float64 {
	const least = 1e-6
	p = min(max(p, least), 1-least)
	return math.Log(p / (1 - p))
}
