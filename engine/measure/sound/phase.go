package sound

import "math"

// phase scores how much the two front channels cancel, in windows of 200 ms.
//
// Reading: the correlation of the channels, -1..1, as broadcast meters show it
// (+1 mono, 0 unrelated, -1 one channel inverted). It is the higher of the
// whole band's and of the bass's (below about 250 Hz): wide effects turn the
// phase of the treble, an inverted channel that of the bass as well.
type phase struct {
	out        output
	half       float64 // correlation at which the score is 0.5
	minimum    float64 // mean square below which a channel tells nothing
	win        window
	full, bass products
	on         bool
}

type products struct{ ab, aa, bb float64 }

func (p *products) correlation() float64 {
	if p.aa <= 0 || p.bb <= 0 {
		return 0
	}
	return p.ab / math.Sqrt(p.aa*p.bb)
}

func phaseKind() kind {
	return kind{"phase", params{"correlation": -0.5, "level_dbfs": -50}, func(o output, p params, f format) scorer {
		return &phase{out: o, half: p["correlation"], minimum: fromDB(p["level_dbfs"]), win: window{size: 20}, on: f.channels >= 2}
	}}
}

func (m *phase) observe(h *hop, s *scores) {
	full := m.win.push(h)
	if m.on {
		m.collect(&h.channels[0], &h.channels[1])
	}
	if !full {
		return
	}
	r := m.reading()
	s.add(m.out, m.win.first, m.win.n, ramp(r, 0, m.half, -1), r)
	m.next()
}

func (m *phase) collect(a, b *channelHop) {
	var ab float32
	y := b.x[:len(a.x)]
	for i, v := range a.x {
		ab += v * y[i]
	}
	m.full.ab += float64(ab)
	m.full.aa += a.energy
	m.full.bb += b.energy
	for i := range a.ms {
		l, r := a.ms[i].low, b.ms[i].low
		m.bass.ab += l * r
		m.bass.aa += l * l
		m.bass.bb += r * r
	}
}

// reading is 0 where a channel is too quiet to tell.
func (m *phase) reading() float64 {
	n := float64(m.win.n)
	if !m.on || m.full.aa < m.minimum*n || m.full.bb < m.minimum*n {
		return 0
	}
	r := m.full.correlation()
	ms := float64(hopMS * m.win.hops)
	if m.bass.aa > m.minimum*ms && m.bass.bb > m.minimum*ms {
		r = max(r, m.bass.correlation())
	}
	return r
}

func (m *phase) next() {
	m.win.next()
	m.full, m.bass = products{}, products{}
}

func (m *phase) flush(*scores) { m.next() }
