package sound

import "math"

// deadChannel scores how far one of the first two channels lies below the other,
// in windows of 200 ms, while it is (nearly) silent.
//
// Reading: the difference of levels in dB; 0 while the quieter one has a signal.
// Only the front pair is compared: centre, LFE and surround channels are
// silent for whole programmes by intention, and a mono track has no other.
type deadChannel struct {
	out   output
	level float64 // dBFS above which a channel is not dead
	half  float64 // dB of difference at which the score is 0.5
	win   window
	power [2]power
	on    bool
}

func deadChannelKind() kind {
	return kind{"dead_channel", params{"level_dbfs": -65, "difference_db": 30}, func(o output, p params, f format) scorer {
		return &deadChannel{out: o, level: p["level_dbfs"], half: p["difference_db"], win: window{size: 20}, on: f.channels >= 2}
	}}
}

func (m *deadChannel) observe(h *hop, s *scores) {
	full := m.win.push(h)
	if m.on {
		m.power[0].add(&h.channels[0])
		m.power[1].add(&h.channels[1])
	}
	if !full {
		return
	}
	a, b := powerDB(m.power[0].meanSquare(m.win.n)), powerDB(m.power[1].meanSquare(m.win.n))
	var difference float64
	if min(a, b) < m.level {
		difference = math.Abs(a - b)
	}
	s.add(m.out, m.win.first, m.win.n, ramp(difference, m.half/2, m.half, 2*m.half), difference)
	m.next()
}

func (m *deadChannel) next() {
	m.win.next()
	m.power = [2]power{}
}

func (m *deadChannel) flush(*scores) { m.next() }
