package sound

import "math"

// dcOffset scores the mean of the samples in windows of 500 ms.
//
// Reading: the offset of the worst channel as a share of full scale. A window
// counts only as much as the one before it agrees in sign and size, so that
// slow effects and rumble do not count.
type dcOffset struct {
	out   output
	half  float64 // offset at which the score is 0.5
	win   window
	power []power
	last  []float64 // mean of the window before
}

func dcOffsetKind() kind {
	return kind{"dc_offset", params{"offset": 0.02}, func(o output, p params, f format) scorer {
		return &dcOffset{
			out: o, half: p["offset"], win: window{size: 50},
			power: make([]power, f.channels), last: make([]float64, f.channels),
		}
	}}
}

func (m *dcOffset) observe(h *hop, s *scores) {
	full := m.win.push(h)
	for c := range m.power {
		m.power[c].add(&h.channels[c])
	}
	if !full {
		return
	}
	var worst float64
	for c, p := range m.power {
		mean := p.sum / float64(m.win.n)
		worst = max(worst, agreed(mean, m.last[c]))
		m.last[c] = mean
	}
	s.add(m.out, m.win.first, m.win.n, ramp(worst, 0, m.half, 2*m.half), worst)
	m.win.next()
	clear(m.power)
}

// agreed is the smaller of two sizes if the signs agree, else 0.
func agreed(a, b float64) float64 {
	if a*b <= 0 {
		return 0
	}
	return min(math.Abs(a), math.Abs(b))
}

func (m *dcOffset) flush(*scores) {
	m.win.next()
	clear(m.power)
	clear(m.last)
}
