package sound

import "slices"

// click scores impulses of a few samples, one score every 10 ms.
//
// A millisecond whose largest second difference stands out from those of the
// 20 ms on either side is looked at closely: see impulse. The bang of a drum, a
// consonant and the next period of a voice stand out too, but what follows them
// does as well; after a click the sound goes on as it was before.
//
// Reading: the height of the impulse above everything that linear prediction
// does not explain within 20 ms, in dB, less what the sound after it is rougher.
type click struct {
	out   output
	half  float64 // dB of height at which the score is 0.5
	tail  float64 // dB that the 8 ms after it must lie below, for a score of 0.5
	width float64 // ms that it may last
	least float32 // second difference below which nothing is a click
	lanes []clickLane
	probe impulseProbe
	hops  int64
	first [clickDelay + 1]int64
}

const (
	clickDelay = 2  // hops until the surroundings of one are known
	clickReach = 20 // ms of surroundings on either side
	clickRing  = 64 // ms of differences that are kept
	// clickStep is how far a second difference must stand above the median one
	// to be looked at closely.
	clickStep = 2.5
	// clickBalance is the ratio of power between the two sides from which a
	// discontinuity is the edge of a hole or of a sound.
	clickBalance = 100
	// A sound that begins with a bang goes on rougher than it was: for each dB
	// above the first, the impulse must be higher by the second.
	clickRoughDB, clickRoughCost = 8, 0.6
)

type clickLane struct {
	most   [clickRing]float32 // largest second difference of each ms
	at     [clickRing]int32   // its sample in the hop
	p1, p2 float32
}

func clickKind() kind {
	return kind{"click", params{"height_db": 20, "tail_db": 20, "width_ms": 1, "least": 0.1}, func(o output, p params, f format) scorer {
		return &click{
			out: o, half: p["height_db"], tail: p["tail_db"], width: p["width_ms"], least: float32(p["least"]),
			lanes: make([]clickLane, f.channels), probe: newImpulseProbe(f),
		}
	}}
}

func (m *click) observe(h *hop, s *scores) {
	m.first[m.hops%int64(len(m.first))] = h.first
	for c := range m.lanes {
		m.lanes[c].differences(h.channels[c].x, m.hops*hopMS)
	}
	m.hops++
	w := m.hops - 1 - clickDelay
	if w < 0 {
		return
	}
	var value, reading float64
	if w*hopMS >= clickReach {
		value, reading = m.look(h, w)
	}
	s.add(m.out, m.first[w%int64(len(m.first))], int64(h.samples), value, reading)
}

// differences notes the largest second difference of each ms of x, from ms t on.
func (l *clickLane) differences(x []float32, t int64) {
	n := len(x) / hopMS
	p1, p2 := l.p1, l.p2
	if t == 0 {
		p1, p2 = x[0], x[0] // what begins high is no impulse
	}
	for k := range hopMS {
		var most float32
		at := k * n
		for i, v := range x[k*n : (k+1)*n] {
			d := v - 2*p1 + p2
			if d > most || -d > most {
				d = max(d, -d)
				most, at = d, k*n+i
			}
			p2, p1 = p1, v
		}
		i := (t + int64(k)) % clickRing
		l.most[i], l.at[i] = most, int32(at)
	}
	l.p1, l.p2 = p1, p2
}

// look gives the best score and reading of hop w.
func (m *click) look(h *hop, w int64) (value, reading float64) {
	for c := range m.lanes {
		l := &m.lanes[c]
		past := h.channels[c].past
		start := len(past) - (clickDelay+1)*h.samples
		for t := w * hopMS; t < (w+1)*hopMS; t++ {
			if !l.standsOut(t, m.least) {
				continue
			}
			i, ok := m.probe.examine(past, start+int(l.at[t%clickRing]))
			if !ok || i.balance > clickBalance || i.width > m.width {
				continue
			}
			i.height -= clickRoughCost * max(l.rougher(t)-clickRoughDB, 0)
			v := min(ramp(i.height, m.half-8, m.half, m.half+20), ramp(i.tail, m.tail-8, m.tail, m.tail+20))
			if v > value {
				value, reading = v, i.height
			}
		}
	}
	return value, reading
}

// standsOut tells whether ms t is worth a closer look.
func (l *clickLane) standsOut(t int64, least float32) bool {
	most := l.most[t%clickRing]
	if most < least {
		return false
	}
	for d := int64(1); d <= 2; d++ {
		if l.most[(t-d)%clickRing] > most || l.most[(t+d)%clickRing] > most {
			return false
		}
	}
	var near [2*clickReach + 1]float32
	for d := range near {
		near[d] = l.most[(t-clickReach+int64(d))%clickRing]
	}
	slices.Sort(near[:])
	return most > clickStep*near[clickReach]
}

// rougher is by how many dB the second differences 3 to 8 ms after ms t are
// larger than the median of those before it.
func (l *clickLane) rougher(t int64) float64 {
	var before [clickReach - 2]float32
	for d := range before {
		before[d] = l.most[(t-clickReach+int64(d))%clickRing]
	}
	slices.Sort(before[:])
	var after float32
	for d := int64(3); d <= 8; d++ {
		after += l.most[(t+d)%clickRing] / 6
	}
	return 2 * decibels(float64(after), float64(max(before[len(before)/2], 1e-5)))
}

func (m *click) flush(s *scores) {
	m.hops = 0
	for c := range m.lanes {
		m.lanes[c] = clickLane{}
	}
}
