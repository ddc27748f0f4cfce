package sound

// dropout scores short sudden holes in sound that goes on, in windows of 10 ms.
//
// A hole begins where the level falls by many dB within about 2 ms and ends
// where it is back as fast, at about the level from before. Decays, pauses of
// speech and staccato notes fall over 10 ms and more; see holes for the details.
//
// Reading: the length of the hole in ms.
type dropout struct {
	out     output
	lanes   []holes   // one a channel
	values  []float64 // of the windows that are held back, by number modulo len
	lengths []float64 // their readings
	starts  []int64   // their first samples
	next    int64     // number of the first window held back
	hops    int64     // windows so far
	samples int64     // of a window
}

func dropoutKind() kind {
	return kind{"dropout", params{
		"depth_db": 25, "digital_depth_db": 20, "level_dbfs": -55, "min_ms": 7, "digital_min_ms": 4, "max_ms": 500,
	}, newDropout}
}

// holeMaxMS bounds what is held back while a hole lasts.
const holeMaxMS = 5000

func newDropout(o output, p params, f format) scorer {
	p["max_ms"] = min(max(p["max_ms"], 1), holeMaxMS)
	longest := int64(p["max_ms"])
	held := longest/hopMS + 8
	m := &dropout{
		out: o, lanes: make([]holes, f.channels), samples: int64(f.msSamples * hopMS),
		values: make([]float64, held), lengths: make([]float64, held), starts: make([]int64, held),
	}
	for c := range m.lanes {
		m.lanes[c] = newHoles(p, f)
	}
	return m
}

func (m *dropout) observe(h *hop, s *scores) {
	i := m.hops % int64(len(m.values))
	m.values[i], m.lengths[i], m.starts[i] = 0, 0, h.first
	m.hops++
	settled := m.hops * hopMS
	for c := range m.lanes {
		ch := &h.channels[c]
		for k := range ch.ms {
			if hole, ok := m.lanes[c].push(&ch.ms[k], h.integer); ok {
				m.mark(hole)
			}
		}
		settled = min(settled, m.lanes[c].settled())
	}
	m.give(settled/hopMS, s)
}

// mark gives the hole's score to the windows that it touches.
func (m *dropout) mark(h hole) {
	for w := max(h.start/hopMS, m.next); w*hopMS < h.end && w < m.hops; w++ {
		i := w % int64(len(m.values))
		if h.value > m.values[i] {
			m.values[i], m.lengths[i] = h.value, float64(h.end-h.start)
		}
	}
}

// give adds the scores of the windows before end.
func (m *dropout) give(end int64, s *scores) {
	for ; m.next < end; m.next++ {
		i := m.next % int64(len(m.values))
		s.add(m.out, m.starts[i], m.samples, m.values[i], m.lengths[i])
	}
}

func (m *dropout) flush(s *scores) {
	m.give(m.hops, s)
	m.hops, m.next = 0, 0
	for c := range m.lanes {
		m.lanes[c].reset()
	}
}
