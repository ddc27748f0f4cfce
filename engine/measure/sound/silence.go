package sound

// silence scores how far all channels lie below a level, in windows of 20 ms.
//
// Reading: the level of the loudest channel, dBFS RMS (a full-scale sine is -3),
// above 250 Hz where that is less: codecs let the bass fade into a silence.
//
// Pauses of speech and music, and the ends of pieces, fade below any level for a
// while and are no defect. So silence counts from its first window if the sound
// breaks off into digital silence, and else only once it has lasted long; until that is known, its
// windows are held back, and what was a pause after all scores less than 0.5. A
// track that has had no sound at all is more often mute by intention than by a
// fault: it scores muteScore at most.
type silence struct {
	out        output
	level      float64 // dBFS at which the score is 0.5
	span       float64 // dB to a score of 0 above and of 1 below
	breakDB    float64 // fall within breakWindows with which sound breaks off
	breakLevel float64 // dBFS from which it can break off
	digital    float64 // dBFS that nothing recorded falls below
	long       int     // windows that a silence lasts which did not break off
	win        window
	power      []power
	high       []float64
	last       [breakWindows]float64 // levels of the last windows
	loud       float64               // level before the silence
	held       []quietWindow         // the silence so far, if it is undecided
	decided    bool                  // the silence counts
	heard      bool                  // the track has had sound
}

const (
	breakWindows = 3 // the sound before a break, and two in which it falls
	breakSettles = 6 // windows of a silence within which it is digital
	pauseScore   = 0.45
	muteScore    = 0.6
)

type quietWindow struct {
	first, n  int64
	value, db float64
}

func silenceKind() kind {
	return kind{"silence", params{"level_dbfs": -60, "span_db": 20, "break_db": 30, "break_dbfs": -55, "digital_dbfs": -88, "long_s": 5}, func(o output, p params, f format) scorer {
		long := int(min(max(p["long_s"], 0), 60) * 1000 / (2 * hopMS))
		return &silence{
			out: o, level: p["level_dbfs"], span: p["span_db"], breakDB: p["break_db"], breakLevel: p["break_dbfs"], digital: p["digital_dbfs"],
			long: long, win: window{size: 2}, power: make([]power, f.channels), high: make([]float64, f.channels),
			held: make([]quietWindow, 0, long+1), last: noSound(),
		}
	}}
}

func noSound() (levels [breakWindows]float64) {
	for i := range levels {
		levels[i] = floorDB
	}
	return levels
}

func (m *silence) observe(h *hop, s *scores) {
	full := m.win.push(h)
	for c := range m.power {
		ch := &h.channels[c]
		m.power[c].add(ch)
		for k := range ch.ms {
			m.high[c] += float64(ch.ms[k].high)
		}
	}
	if !full {
		return
	}
	w := quietWindow{first: m.win.first, n: m.win.n, db: m.loudest()}
	w.value = ramp(w.db, m.level+m.span, m.level, m.level-m.span)
	if m.heard = m.heard || w.value < 0.5; !m.heard {
		w.value = min(w.value, muteScore)
	}
	m.win.next()
	clear(m.power)
	clear(m.high)
	m.decide(w, s)
}

func (m *silence) loudest() float64 {
	db := float64(floorDB)
	for c, p := range m.power {
		high := m.high[c] / float64(m.win.size*hopMS)
		db = max(db, powerDB(min(p.meanSquare(m.win.n), high)))
	}
	return db
}

// decide gives the window, or holds it back.
func (m *silence) decide(w quietWindow, s *scores) {
	if w.value < 0.5 {
		m.release(pauseScore, s)
		m.decided = false
		s.add(m.out, w.first, w.n, w.value, w.db)
		m.remember(w.db)
		return
	}
	if !m.decided {
		if len(m.held) == 0 {
			m.loud = m.last[breakWindows-2]
		}
		m.held = append(m.held, w)
		broke := len(m.held) <= breakSettles && w.db <= m.digital && m.loud >= m.breakLevel && m.loud-m.held[min(1, len(m.held)-1)].db >= m.breakDB
		if broke || len(m.held) >= m.long {
			m.decided = true
			m.release(1, s)
		}
	} else {
		s.add(m.out, w.first, w.n, w.value, w.db)
	}
	m.remember(w.db)
}

func (m *silence) remember(db float64) {
	copy(m.last[:], m.last[1:])
	m.last[breakWindows-1] = db
}

// release gives what is held back, scored at most.
func (m *silence) release(most float64, s *scores) {
	for _, w := range m.held {
		s.add(m.out, w.first, w.n, min(w.value, most), w.db)
	}
	m.held = m.held[:0]
}

func (m *silence) flush(s *scores) {
	m.release(pauseScore, s)
	m.win.next()
	m.decided = false
	m.last = noSound()
	clear(m.power)
	clear(m.high)
}
