package sound

import "math"

// phase scores how much the two front channels cancel, in windows of 200 ms.
//
// Reading: the correlation of the channels, -1..1, as broadcast meters show it
// (+1 mono, 0 unrelated, -1 one channel inverted).
//
// A wide mix with a channel inverted stays far from -1, but the inversion shows
// where it begins: the correlation of the whole band and that of the treble
// change their sign at once and keep their size. Windows after such a flip score
// as if they were at the limit. They are held back by flipWindows for that.
type phase struct {
	out     output
	half    float64 // correlation at which the score is 0.5
	flip    float64 // size of the correlation on both sides of a flip
	minimum float64 // mean square below which a channel tells nothing
	on      bool
	win     window
	sum     products
	treble  products
	last    [2]float32
	ring    [2*flipWindows + 1]phaseWindow // the last ones; those before the middle are given
	flipped bool
}

// flipWindows is how many windows on either side of one window, in which a flip
// falls, must agree.
const flipWindows = 3

type phaseWindow struct {
	first, n     int64
	heard        bool
	full, treble float64 // correlations
}

type products struct{ ab, aa, bb float64 }

func (p *products) correlation() float64 {
	if p.aa <= 0 || p.bb <= 0 {
		return 0
	}
	return min(max(p.ab/math.Sqrt(p.aa*p.bb), -1), 1) // rounding may exceed 1
}

func phaseKind() kind {
	return kind{"phase", params{"correlation": -0.8, "flip": 0.4, "level_dbfs": -50}, func(o output, p params, f format) scorer {
		return &phase{
			out: o, half: p["correlation"], flip: p["flip"], minimum: fromDB(p["level_dbfs"]),
			win: window{size: 20}, on: f.channels >= 2,
		}
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
	w := phaseWindow{first: m.win.first, n: m.win.n}
	if n := float64(w.n); m.on && m.sum.aa > m.minimum*n && m.sum.bb > m.minimum*n {
		w.heard, w.full, w.treble = true, m.sum.correlation(), m.treble.correlation()
	}
	m.win.next()
	m.sum, m.treble = products{}, products{}
	copy(m.ring[:], m.ring[1:])
	m.ring[len(m.ring)-1] = w
	if m.ring[flipWindows].n > 0 {
		m.give(s)
	}
}

func (m *phase) collect(a, b *channelHop) {
	var ab, tab, taa, tbb float32
	y := b.x[:len(a.x)]
	la, lb := m.last[0], m.last[1]
	for i, v := range a.x {
		u := y[i]
		ab += v * u
		da, db := v-la, u-lb
		tab += da * db
		taa += da * da
		tbb += db * db
		la, lb = v, u
	}
	m.last = [2]float32{la, lb}
	m.sum.ab += float64(ab)
	m.sum.aa += a.energy
	m.sum.bb += b.energy
	m.treble.ab += float64(tab)
	m.treble.aa += float64(taa)
	m.treble.bb += float64(tbb)
}

// give adds the score of the window in the middle of the ring.
func (m *phase) give(s *scores) {
	w := &m.ring[flipWindows]
	if m.flips() {
		m.flipped = true
	}
	value := ramp(w.full, 0, m.half, -1)
	if m.flipped {
		switch next := &m.ring[flipWindows+1]; {
		case w.full > 0 && next.full > 0:
			m.flipped = false
		case w.heard && w.full < 0:
			value = max(value, 0.5-0.5*w.full)
		default:
			value = max(value, flipPause)
		}
	}
	s.add(m.out, w.first, w.n, value, w.full)
}

// flipPause is the score of a pause after a flip: it neither raises nor clears.
const flipPause = 0.45

// flips tells whether the channels' relation turns over in the middle window.
func (m *phase) flips() bool {
	f1, t1, ok1 := m.side(m.ring[:flipWindows], 1)
	f2, t2, ok2 := m.side(m.ring[flipWindows+1:], -1)
	return ok1 && ok2 && math.Abs(f1+f2) < m.flip && math.Abs(t1+t2) < m.flip &&
		t1*t2 < 0 && min(math.Abs(t1), math.Abs(t2)) > flipTreble
}

// flipTreble is the least correlation of the treble that has a sign.
const flipTreble = 0.15

// side gives the mean correlations of some windows if they all have that sign.
func (m *phase) side(windows []phaseWindow, sign float64) (full, treble float64, ok bool) {
	for i := range windows {
		w := &windows[i]
		if !w.heard || w.full*sign < m.flip/2 {
			return 0, 0, false
		}
		full += w.full / flipWindows
		treble += w.treble / flipWindows
	}
	return full, treble, full*sign >= m.flip
}

func (m *phase) flush(s *scores) {
	for range flipWindows {
		copy(m.ring[:], m.ring[1:])
		m.ring[len(m.ring)-1] = phaseWindow{}
		if m.ring[flipWindows].n > 0 {
			m.give(s)
		}
	}
	*m = phase{out: m.out, half: m.half, flip: m.flip, minimum: m.minimum, on: m.on, win: window{size: m.win.size}}
}
