package sound

import "math"

// clipping scores flat tops, in windows of 100 ms.
//
// A wave that was cut off spends long at its extremes. Lossy coding blurs the
// flat tops, so it is not runs of equal samples that count but how the samples
// near the extreme are spread: of those above 70 % of the extreme, the share
// above 90 %. For the tops of unclipped waves, limited ones as well, it is below
// that of a parabola, sqrt(1/3) = 0.58.
//
// Reading: that share, of the worst channel; 0 where the sound is too soft.
type clipping struct {
	out    output
	half   float64 // share at which the score is 0.5
	level  float64 // extreme below which nothing counts as clipped
	win    window
	counts [][clipBins]int32
}

// clipBins divides 0..clipTop of the absolute value of samples.
const (
	clipBins = 160
	clipTop  = 1.6
)

func clippingKind() kind {
	return kind{"clipping", params{"share": 0.7, "level": 0.3}, func(o output, p params, f format) scorer {
		return &clipping{out: o, half: p["share"], level: p["level"], win: window{size: 10}, counts: make([][clipBins]int32, f.channels)}
	}}
}

func (m *clipping) observe(h *hop, s *scores) {
	full := m.win.push(h)
	for c := range m.counts {
		counts := &m.counts[c]
		for _, v := range h.channels[c].x {
			i := int(math.Abs(float64(v)) * (clipBins / clipTop))
			counts[min(i, clipBins-1)]++
		}
	}
	if !full {
		return
	}
	var worst float64
	for c := range m.counts {
		worst = max(worst, m.share(&m.counts[c]))
	}
	s.add(m.out, m.win.first, m.win.n, ramp(worst, 0.3, m.half, 1), worst)
	m.next()
}

func (m *clipping) share(counts *[clipBins]int32) float64 {
	top := clipBins - 1
	for top > 0 && counts[top] == 0 {
		top--
	}
	if float64(top)*(clipTop/clipBins) < m.level {
		return 0
	}
	var near, high int32
	for i := top; i >= top*7/10; i-- {
		high += counts[i]
		if i >= top*9/10 {
			near += counts[i]
		}
	}
	return float64(near) / float64(max(high, 8))
}

func (m *clipping) next() {
	m.win.next()
	clear(m.counts)
}

func (m *clipping) flush(*scores) { m.next() }
