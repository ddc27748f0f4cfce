package sound

// silence scores how far all channels lie below a level, in windows of 20 ms.
//
// Reading: the level of the loudest channel, dBFS RMS (a full-scale sine is -3),
// without DC. The default of -60 dBFS is that of EBU Tech 3371 style monitoring
// and of FFmpeg's silencedetect; rooms, tape and dither before it lie above.
type silence struct {
	out   output
	level float64 // dBFS at which the score is 0.5
	span  float64 // dB to a score of 0 above and of 1 below
	win   window
	power []power
}

func silenceKind() kind {
	return kind{"silence", params{"level_dbfs": -60, "span_db": 20}, func(o output, p params, f format) scorer {
		return &silence{out: o, level: p["level_dbfs"], span: p["span_db"], win: window{size: 2}, power: make([]power, f.channels)}
	}}
}

func (m *silence) observe(h *hop, s *scores) {
	full := m.win.push(h)
	for c := range m.power {
		m.power[c].add(&h.channels[c])
	}
	if !full {
		return
	}
	var loudest float64
	for _, p := range m.power {
		loudest = max(loudest, p.meanSquare(m.win.n))
	}
	db := powerDB(loudest)
	s.add(m.out, m.win.first, m.win.n, ramp(db, m.level+m.span, m.level, m.level-m.span), db)
	m.next()
}

func (m *silence) next() {
	m.win.next()
	clear(m.power)
}

func (m *silence) flush(*scores) { m.next() }
