package sound

// window counts hops up to a window of several.
type window struct {
	size  int // hops
	hops  int
	first int64
	n     int64 // samples so far
}

// push counts h in and tells whether the window is full; the caller then uses it and calls next.
func (w *window) push(h *hop) bool {
	if w.hops == 0 {
		w.first, w.n = h.first, 0
	}
	w.hops++
	w.n += int64(h.samples)
	return w.hops == w.size
}

func (w *window) next() { w.hops = 0 }

// power collects the sums of one channel over a window.
type power struct{ sum, energy float64 }

func (p *power) add(ch *channelHop) {
	p.sum += ch.sum
	p.energy += ch.energy
}

// meanSquare is that of the alternating part: an offset is not sound.
func (p *power) meanSquare(n int64) float64 {
	mean := p.sum / float64(n)
	return max(p.energy/float64(n)-mean*mean, 0)
}
