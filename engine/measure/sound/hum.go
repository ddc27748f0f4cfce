package sound

import (
	"math"
	"math/cmplx"
)

// hum scores mains hum: 50 or 60 Hz and their harmonics, every 500 ms.
//
// Each harmonic is demodulated to 0 Hz over segments of 500 ms. A mains line
// turns by the same small phase from segment to segment for as long as it lasts
// and keeps its size; a bass note, a quarter tone away at least, turns several
// times, and ends. A segment scores by the best 4 s that it lies in, so it is
// held back for so long.
//
// Reading: the level of the hum in dBFS RMS.
type hum struct {
	out       output
	half      float64 // dBFS at which the score is 0.5
	coherence float64 // share of steady power that makes a line
	lanes     []humLane
	win       window
	segments  int64
	held      [humSegments]humScore // of the last segments, by number
	hz        [humLines]float64
	step      [humLines]complex128 // turn of a line in 1 ms
	turn      [humLines]complex128
	msHz      float64 // milliseconds (of whole samples) a second
}

const (
	humHarmonics = 6
	humLines     = 2 * humHarmonics
	humSegments  = 8
	humHops      = 50 // of a segment
	// humFirst is the share of the power that the mains frequency itself must
	// have. Without it, twice the mains is what transformers, lamps and fans sing
	// in the room (magnetostriction): content of a recording, not a fault of the path.
	humFirst = 0.01
)

type humScore struct {
	first, n int64
	db       float64
}

type humLane struct {
	sum  [humLines]complex128
	half [humLines]complex128 // sum at the middle of the segment
	past [humSegments][humLines]humSegment
}

// humSegment is a line in one segment.
type humSegment struct {
	sum complex128
	// turn is its second half against its first: from segment to segment, 2 Hz
	// beside the line looks like the line; within one it does not.
	turn complex128
}

func humKind() kind {
	return kind{"hum", params{"level_dbfs": -50, "coherence": 0.9}, func(o output, p params, f format) scorer {
		m := &hum{out: o, half: p["level_dbfs"], coherence: p["coherence"], lanes: make([]humLane, f.channels), win: window{size: humHops}}
		m.msHz = float64(f.rate) / float64(f.msSamples)
		for i := range m.hz {
			m.hz[i] = humHz(i)
			m.step[i] = cmplx.Exp(complex(0, -2*math.Pi*m.hz[i]/m.msHz))
		}
		m.restart()
		return m
	}}
}

// humHz is the frequency of line i: the harmonics of 50 Hz, then those of 60 Hz.
func humHz(i int) float64 {
	if i < humHarmonics {
		return 50 * float64(i+1)
	}
	return 60 * float64(i-humHarmonics+1)
}

func (m *hum) restart() {
	m.win.next()
	m.segments = 0
	for i := range m.turn {
		m.turn[i] = 1
	}
	clear(m.lanes)
}

func (m *hum) flush(s *scores) {
	for i := max(m.segments-humSegments, 0); i < m.segments; i++ {
		m.give(i, s)
	}
	m.restart()
}

func (m *hum) observe(h *hop, s *scores) {
	full := m.win.push(h)
	for k := range hopMS {
		at := (m.win.hops-1)*hopMS + k
		weight := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(at)+0.5)/(humHops*hopMS))
		for i := range m.turn {
			turn := m.turn[i] * complex(weight, 0)
			for c := range m.lanes {
				m.lanes[c].sum[i] += turn * complex(h.channels[c].ms[k].low, 0)
			}
			m.turn[i] *= m.step[i]
		}
	}
	if m.win.hops == humHops/2 {
		for c := range m.lanes {
			m.lanes[c].half = m.lanes[c].sum
		}
	}
	if full {
		m.segment(s)
	}
}

// segment closes a segment and scores the last ones.
func (m *hum) segment(s *scores) {
	if m.segments >= humSegments {
		m.give(m.segments-humSegments, s)
	}
	at := m.segments % humSegments
	m.held[at] = humScore{m.win.first, m.win.n, floorDB}
	m.win.next()
	m.segments++
	for i := range m.turn {
		m.turn[i] /= complex(cmplx.Abs(m.turn[i]), 0) // rounding must not grow
	}
	worst := float64(floorDB)
	for c := range m.lanes {
		l := &m.lanes[c]
		for i, sum := range l.sum {
			l.past[at][i] = humSegment{sum, (sum - l.half[i]) * cmplx.Conj(l.half[i])}
		}
		clear(l.sum[:])
		if m.segments >= humSegments {
			worst = max(worst, m.level(l))
		}
	}
	for i := range m.held {
		m.held[i].db = max(m.held[i].db, worst)
	}
}

func (m *hum) give(segment int64, s *scores) {
	h := &m.held[segment%humSegments]
	s.add(m.out, h.first, h.n, ramp(h.db, m.half-10, m.half, m.half+30), h.db)
}

// level is the power of the steady lines of the stronger mains frequency, in dBFS.
func (m *hum) level(l *humLane) float64 {
	best := float64(floorDB)
	for base := 0; base < humLines; base += humHarmonics {
		first, ok := m.line(l, base, 1)
		if !ok {
			continue
		}
		power := first
		for k := 1; k < humHarmonics; k++ {
			if p, ok := m.line(l, base+k, k+1); ok {
				power += p
			}
		}
		if first >= humFirst*power {
			best = max(best, powerDB(power))
		}
	}
	return best
}

// line tells whether line i, the k-th harmonic, is steady, and its mean square.
func (m *hum) line(l *humLane, i, k int) (float64, bool) {
	var turn, within complex128
	var sum, most float64
	least := math.Inf(1)
	for n := range int64(humSegments) {
		a := l.past[(m.segments+n)%humSegments][i].sum
		within += l.past[(m.segments+n)%humSegments][i].turn
		p := real(a)*real(a) + imag(a)*imag(a)
		sum += p
		least, most = min(least, p), max(most, p)
		if n > 0 {
			turn += a * cmplx.Conj(l.past[(m.segments+n-1)%humSegments][i].sum)
		}
	}
	if sum <= 0 || least < most/4 {
		return 0, false
	}
	steady := cmplx.Abs(turn) / (sum * (humSegments - 1) / humSegments)
	hz := cmplx.Phase(turn) / (2 * math.Pi) * m.msHz / (humHops * hopMS)
	if math.Abs(cmplx.Phase(within)) > math.Pi/4 || steady < m.coherence || math.Abs(hz) > 0.25*float64(k) {
		return 0, false
	}
	// A Hann window halves the sum: amplitude is 4*|a|/n, mean square half its square.
	amplitude := 4 * math.Sqrt(sum/humSegments) / (humHops * hopMS)
	return amplitude * amplitude / 2 / m.response(m.hz[i]), true
}

// response is how much of the power at hz the low-pass has left.
func (m *hum) response(hz float64) float64 {
	r := 1 / (1 + (hz/lowHz)*(hz/lowHz))
	x := math.Pi * hz / m.msHz
	sinc := math.Sin(x) / x
	return r * r * sinc * sinc
}
