package sound

// clipping scores peaks that were cut off, every 100 ms over the 500 ms around.
//
// Lossy coding blurs flat tops, so that no runs of equal samples are left. Two
// things stay: more samples lie near full scale than any sound that was mixed or
// limited puts there, and the tops are wide. A limiter holds the peaks down but
// leaves them round.
//
// Reading: the share of samples within 0.5 dB of full scale or beyond, in per
// cent, weighted by how wide the tops are; of the worst channel. In lossless
// sound, runs of equal extreme samples at any level count as well.
type clipping struct {
	out   output
	half  float64 // per cent at which the score is 0.5
	step  window  // 100 ms
	lanes []clipLane
	steps int64
	first [clipSteps]int64
	n     [clipSteps]int64
}

const (
	clipSteps  = 5    // of the window; the one in the middle is scored
	clipFull   = 0.95 // near full scale
	clipFlat   = 4    // equal samples in a row that make a flat top
	clipLeast  = 0.1  // flat tops below it are not looked at
	clipTopMin = 0.7  // of the window's highest top: tops that count
	clipHops   = 10   // of a step, each with one top
)

type clipLane struct {
	steps [clipSteps]clipStep
	over  int // samples of the step near full scale
	flat  int // samples of the step in flat tops
	tops  [clipHops]top
	hops  int
	look  bool // the top of the last hop may count
}

// clipStep is what is kept of 100 ms of one channel.
type clipStep struct {
	over, flat int
	tops       [clipHops]top
}

// top is the highest peak of a hop.
type top struct {
	height float32
	width  float32 // above 80 % of the height over that above 40 %; for a sine 0.56
}

func clippingKind() kind {
	return kind{"clipping", params{"share_percent": 1}, func(o output, p params, f format) scorer {
		return &clipping{out: o, half: p["share_percent"], step: window{size: clipHops}, lanes: make([]clipLane, f.channels)}
	}}
}

func (m *clipping) observe(h *hop, s *scores) {
	full := m.step.push(h)
	for c := range m.lanes {
		m.lanes[c].push(&h.channels[c], h.integer)
	}
	if full {
		m.close(s)
	}
}

// close ends a step and scores the one two before it.
func (m *clipping) close(s *scores) {
	i := m.steps % clipSteps
	m.first[i], m.n[i] = m.step.first, m.step.n
	for c := range m.lanes {
		m.lanes[c].close(i)
	}
	m.steps++
	m.step.next()
	if m.steps > clipSteps/2 {
		m.give(m.steps-1-clipSteps/2, s)
	}
}

func (m *clipping) give(step int64, s *scores) {
	var samples int64
	for k := range min(m.steps, clipSteps) {
		samples += m.n[k]
	}
	var worst float64
	for c := range m.lanes {
		worst = max(worst, m.lanes[c].share(samples))
	}
	i := step % clipSteps
	s.add(m.out, m.first[i], m.n[i], ramp(worst, 0, m.half, 8*m.half), worst)
}

func (m *clipping) flush(s *scores) {
	for step := max(m.steps-clipSteps/2, 0); step < m.steps; step++ {
		m.give(step, s)
	}
	m.step.next()
	m.steps, m.n = 0, [clipSteps]int64{}
	clear(m.lanes)
}

// push takes a hop. The top is that of the hop before it, so that what follows a
// peak is known.
func (l *clipLane) push(ch *channelHop, lossless bool) {
	n := len(ch.x)
	if l.look && len(ch.past) >= 2*n {
		l.tops[l.hops] = topOf(ch.past[max(len(ch.past)-3*n, 0):], n)
	}
	extreme, flat := max(ch.peak, -ch.lowest), 0
	if extreme >= clipFull {
		l.over += count(ch.x, clipFull)
	}
	if lossless && extreme >= clipLeast && ch.held() >= clipFlat-1 {
		flat = flatTops(ch.x, extreme)
		l.flat += flat
	}
	l.look = flat > 0 || extreme >= clipTopMin*clipFull
	l.hops++
}

func (l *clipLane) close(i int64) {
	l.steps[i] = clipStep{l.over, l.flat, l.tops}
	l.over, l.flat, l.hops = 0, 0, 0
	l.tops = [clipHops]top{}
}

// share is the reading of one channel.
func (l *clipLane) share(samples int64) float64 {
	var over, flat int
	var highest float32
	for i := range l.steps {
		over += l.steps[i].over
		flat += l.steps[i].flat
		for _, t := range l.steps[i].tops {
			highest = max(highest, t.height)
		}
	}
	if over == 0 && flat == 0 {
		return 0
	}
	var width, tops float64
	for i := range l.steps {
		for _, t := range l.steps[i].tops {
			if t.height > 0 && t.height >= clipTopMin*highest {
				width += float64(t.width)
				tops++
			}
		}
	}
	width /= max(tops, 1)
	percent := 100 / float64(samples)
	share := float64(over) * percent * min(max((width-0.3)/0.2, 0.25), 1.5)
	if width > 0.6 { // wider than a sine's: a slow wave has equal samples at its top as well
		share = max(share, float64(flat)*percent)
	}
	return share
}

func count(x []float32, level float32) int {
	n := 0
	for _, v := range x {
		if v >= level || v <= -level {
			n++
		}
	}
	return n
}

// flatTops counts samples in runs of clipFlat or more at either extreme.
func flatTops(x []float32, extreme float32) int {
	n, run := 0, 0
	for i, v := range x {
		if (v < 0.98*extreme && v > -0.98*extreme) || i > 0 && v != x[i-1] {
			run = 0
		}
		if v >= 0.98*extreme || v <= -0.98*extreme {
			run++
		}
		switch {
		case run == clipFlat:
			n += clipFlat
		case run > clipFlat:
			n++
		}
	}
	return n
}

// topOf finds the highest peak of the hop of n samples before the last in x.
func topOf(x []float32, n int) top {
	from, to := len(x)-2*n, len(x)-n
	at, height := from, float32(0)
	for i, v := range x[from:to] {
		if v < 0 {
			v = -v
		}
		if v > height {
			at, height = from+i, v
		}
	}
	if height < clipLeast {
		return top{}
	}
	sign := float32(1)
	if x[at] < 0 {
		sign = -1
	}
	high := excursion(x, at, n, sign, 0.8*height)
	low := excursion(x, at, n, sign, 0.4*height)
	return top{height, float32(high) / (float32(low) + 0.5)}
}

// excursion is how many samples around at stay beyond level, n at most on either side.
func excursion(x []float32, at, n int, sign, level float32) int {
	from, to := at, at+1
	for from > 0 && at-from < n && sign*x[from-1] > level {
		from--
	}
	for to < len(x) && to-at < n && sign*x[to] > level {
		to++
	}
	return to - from
}
