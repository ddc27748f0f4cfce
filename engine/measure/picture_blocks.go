package measure

import (
	"math"

	"github.com/streamvet/streamvet/engine/verdict"
)

// blockiness: the grid of 8 or 16 samples of a coarse encoding shows. Reading:
// mean step across the grid lines over the mean step between other columns and
// rows (geometric mean of both directions); 1 is no grid. The idea is that of
// Muijs and Kirenko, "A no-reference blocking artifact measure for adaptive
// video processing" (EUSIPCO 2005), at the fixed grid of the codecs. 0.5 at
// `ratio`. A scaled picture has lost its grid: nothing is found there.
type blockiness struct{ ratio float64 }

func newBlockiness() pictureForm { return &blockiness{ratio: 2.3} }

func (d *blockiness) knobs() []knob { return []knob{{"ratio", &d.ratio, 1.05, 20}} }

func (d *blockiness) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	columns, rows := gridStep(&p.m.EdgeColumns), gridStep(&p.m.EdgeRows)
	r := math.Sqrt(columns * rows)
	value := ramp(r, 1+(d.ratio-1)/3, d.ratio, 2*d.ratio)
	// Graphics have their edges where they please, and often in one direction
	// only; in a nearly empty picture a grid of a level or two is not seen.
	if min(columns, rows) < 1+(d.ratio-1)/2 || p.deviation() < 8 || p.flat() > 0.4 {
		value = min(value, 0.25)
	}
	return append(dst, p.score(o, value, r))
}

// gridStep is the mean step at phases 0 and 8 over the mean of those that are
// not beside a grid line; 1 where there is nothing to compare.
func gridStep(e *[16]uint64) float64 {
	var on, off float64
	for k, v := range e {
		switch k % 8 {
		case 0:
			on += float64(v) / 2
		case 2, 3, 4, 5, 6:
			off += float64(v) / 10
		}
	}
	if off == 0 {
		return 1
	}
	return on / off
}

// flat is the share of the picture that is flat to the level.
func (p *picture) flat() float64 {
	return ratio(uint64(p.m.BandFlat), uint64(p.m.BandSamples))
}
