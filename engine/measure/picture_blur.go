package measure

import (
	"math"

	"github.com/streamvet/streamvet/engine/verdict"
)

// blur: the picture has lost its edges, against what the scene had before.
// Reading: how many times less fine detail it has than usual. Fine detail is
// the energy of differences at distance 1 by that of luma as a whole, so that
// fades and contrast do not count; and the edges (edgeWidth, 4 or less in a crisp
// picture, 6..11 in soft but healthy video) must have become wider. 0.5 where
// detail has fallen to 1/`drop` and width has risen by `rise`. A Gaussian blur of
// 4 samples takes away 4 times or more and adds 3 or more; a fast pan 2 times and
// 1. What stays soft for most of a minute is what the scene has now.
//
// Without a scene to compare with, only a width of `width` counts; clips that
// are soft from end to end are not told from soft lenses.
type blur struct {
	drop, rise, width float64

	detail, edge float64 // what is usual: log of detail, and width
	seen         int
}

func newBlur() pictureForm { return &blur{drop: 3.5, rise: 1.2, width: 14.5} }

func (d *blur) knobs() []knob {
	return []knob{
		{"drop", &d.drop, 1.1, 100},
		{"rise", &d.rise, 0, 12},
		{"width", &d.width, 2, 16},
	}
}

func (d *blur) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	const warm = 8 // pictures of a scene until it can be compared with
	if p.cut {
		d.seen = 0
	}
	width, detail, ok := p.sharpness()
	if !ok {
		return append(dst, p.score(o, 0, 1))
	}
	value, lost := ramp(width, d.width-1, d.width, 16), 1.0
	if d.seen >= warm {
		lost = math.Exp(d.detail - detail)
		value = max(value, min(
			ramp(lost, 1+(d.drop-1)/2, d.drop, 4*d.drop),
			ramp(width-d.edge, d.rise/2, d.rise, d.rise+4)))
	}
	d.learn(detail, width, value)
	return append(dst, p.score(o, value, lost))
}

// learn follows what is usual, slowly, so that a short defect leaves no mark.
func (d *blur) learn(detail, width, value float64) {
	step := 0.02 // most that may change with one picture: 2 %
	if value >= 0.15 {
		step = 0.001
	}
	if d.seen < 4 {
		d.detail += (detail - d.detail) / float64(d.seen+1)
		d.edge += (width - d.edge) / float64(d.seen+1)
	} else {
		d.detail += min(max(detail-d.detail, -step), step)
		d.edge += min(max(width-d.edge, -5*step), 5*step)
	}
	d.seen = min(d.seen+1, 1000)
}

// sharpness is the width of edges and the log of fine detail, or false where there
// is too little in the picture to tell.
func (p *picture) sharpness() (width, detail float64, ok bool) {
	width = p.edgeWidth()
	deviation := p.deviation()
	if width == 0 || deviation < 8 || p.isBlack() || p.drawn() {
		return 0, 0, false
	}
	fine := ratio(p.m.GradientSq1, uint64(p.m.Pixels)) / (deviation * deviation)
	return width, math.Log(max(fine, 1e-9)), true
}
