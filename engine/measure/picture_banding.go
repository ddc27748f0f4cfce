package measure

import (
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

// banding: smooth shading broken into plateaus. Two kinds of evidence, of which
// the stronger counts:
//
// Contours of 2..4 levels between plateaus, per thousand positions looked at,
// in the form of CAMBI (Tandon et al., arXiv 2102.00079) at one scale; 0.5 at
// `contours`. Steps of one level are what 8 bits have and do not count.
//
// A histogram that is a comb, as in a picture with few bits: of the groups of
// levels that are used, the share that is gathered in one and the same place;
// 0.5 at `comb`. This finds steps of 8 levels and more.
//
// Reading: contours per thousand.
type banding struct{ contours, comb float64 }

func newBanding() pictureForm { return &banding{contours: 2, comb: 0.7} }

func (d *banding) knobs() []knob {
	return []knob{
		{"contours", &d.contours, 0.05, 500},
		{"comb", &d.comb, 0.1, 1},
	}
}

func (d *banding) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	s := &p.m.BandSteps
	steps := uint64(s[1]) + uint64(s[2]) + uint64(s[3])
	perMille := 1000 * ratio(steps, uint64(p.m.BandSamples))
	comb := max(combOf(&p.m.Histogram, 2), combOf(&p.m.Histogram, 4))
	value := max(
		ramp(perMille, d.contours/4, d.contours, 5*d.contours),
		ramp(comb, d.comb/2, d.comb, 1))
	if p.drawn() || p.bars >= 0.9 {
		value = 0 // drawings and test pictures have few levels by nature
	}
	return append(dst, p.score(o, value, perMille))
}

// combOf is the share of the used groups of `period` bins (2 or 4) that have most
// of their samples in one bin, and all in the bin of the same place. 0 where too few
// groups are used to tell.
func combOf(h *[frame.HistogramBins]uint32, period int) float64 {
	const groupsNeeded = 6
	var all uint64
	for _, n := range h {
		all += uint64(n)
	}
	var places [8]int
	used := 0
	for g := 0; g+period <= len(h); g += period {
		var sum uint64
		top := g
		for k := g; k < g+period; k++ {
			sum += uint64(h[k])
			if h[k] > h[top] {
				top = k
			}
		}
		if sum*100 < all { // less than 1 % of the samples
			continue
		}
		used++
		if uint64(h[top])*20 >= sum*uint64(24-4*period) { // 80 % in one of two, 40 % in one of four
			places[top-g]++
		}
	}
	if used < groupsNeeded {
		return 0
	}
	best := 0
	for _, n := range places {
		best = max(best, n)
	}
	return float64(best) / float64(used)
}
