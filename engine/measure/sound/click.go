package sound

import "math"

// click scores impulses of a few samples, in windows of 20 ms.
//
// The second difference of the samples is small for sound and large for an
// impulse. A millisecond counts by how far its largest second difference stands
// above all those within 40 ms on either side, but 2 ms: the tail of a drum or
// consonant and the next period of a voice lie there, a click has none.
//
// Reading: that ratio in dB.
type click struct {
	out   output
	half  float64 // dB at which the score is 0.5
	least float64 // second difference below which nothing is a click
	lanes []clickLane
	win   window
	ready int64 // ms whose surroundings are known
	hops  int64
	first [8]int64
	size  int64
}

type clickLane struct {
	ring   [256]float32 // largest second difference of each ms
	p1, p2 float32
}

const (
	clickBeside = 40
	clickWidth  = 2
)

func clickKind() kind {
	return kind{"click", params{"ratio_db": 14, "least": 0.1}, func(o output, p params, f format) scorer {
		return &click{out: o, half: p["ratio_db"], least: p["least"], lanes: make([]clickLane, f.channels), size: int64(f.msSamples * hopMS)}
	}}
}

func (m *click) observe(h *hop, s *scores) {
	base := m.hops * hopMS
	m.first[m.hops%8] = h.first
	for c := range m.lanes {
		l := &m.lanes[c]
		x := h.channels[c].x
		n := len(x) / hopMS
		for k := range int64(hopMS) {
			l.ring[(base+k)%256] = l.difference(x[int(k)*n : (int(k)+1)*n])
		}
	}
	m.hops++
	const behind = clickBeside / hopMS // hops until the surroundings of one are known
	if m.hops <= behind {
		return
	}
	w := m.hops - 1 - behind
	m.give(w, s)
}

// difference is the largest second difference.
func (l *clickLane) difference(x []float32) float32 {
	p1, p2 := l.p1, l.p2
	var most float32
	for _, v := range x {
		d := v - 2*p1 + p2
		if d < 0 {
			d = -d
		}
		most = max(most, d)
		p2, p1 = p1, v
	}
	l.p1, l.p2 = p1, p2
	return most
}

// give adds the score of hop w.
func (m *click) give(w int64, s *scores) {
	var best float64
	for c := range m.lanes {
		l := &m.lanes[c]
		for t := w * hopMS; t < (w+1)*hopMS; t++ {
			if v := float64(l.ring[t%256]); v >= m.least && t >= clickBeside {
				best = max(best, v/max(l.beside(t), 1e-6))
			}
		}
	}
	db := max(20*math.Log10(max(best, 1e-6)), 0)
	s.add(m.out, m.first[w%8], m.size, ramp(db, 0, m.half, 2*m.half), db)
}

func (l *clickLane) beside(t int64) float64 {
	var most float32
	for d := int64(clickWidth + 1); d <= clickBeside; d++ {
		most = max(most, l.ring[(t-d)%256], l.ring[(t+d)%256])
	}
	return float64(most)
}

func (m *click) flush(s *scores) {
	m.hops = 0
	for c := range m.lanes {
		m.lanes[c] = clickLane{}
	}
}
