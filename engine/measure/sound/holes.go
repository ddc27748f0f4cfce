package sound

import (
	"math"
	"slices"
)

// hole is a hole in one channel, in ms since the start of the signal.
type hole struct {
	start, end int64
	value      float64
}

const (
	holeRing   = 64 // ms of levels that are kept
	edgeMS     = 2  // a cut falls and rises within this
	besideMS   = 12 // of sound before and after a hole are compared
	holeLookMS = 4  // a hole is at least this long
	holeSlack  = 8  // dB short of the depth at which the score is 0
	// A deep voice or bass is pulses with holes between them: a hole no longer
	// than the second is none if there was another within the first before it.
	pulseMS, pulseHoleMS = 40, 15
	// holeWholeDB is the least fall of the whole level. Codecs let the bass of a
	// hole fade more slowly than the rest.
	holeWholeDB = 8
	holeBackDB  = 25 // sound that comes back is at most this far below that before
)

// holes finds holes in the levels of one channel, a millisecond at a time.
//
// A hole's depth is judged at both edges: the sound beside it against the first
// and the last milliseconds inside. Lossy coding fills holes with its noise and
// lets it run ahead of the sound that comes back; in lossless sound a run of
// equal samples is a hole at less depth. The sound after it may differ in level
// from that before: speech changes within a hole.
type holes struct {
	depth, digital float64 // dB
	quiet          float64 // power below which sound counts as none
	shortest       int64   // ms, in lossy sound
	exactShortest  int64   // ms, of a run of equal samples
	longest        int64
	msSamples      int

	now int64 // ms pushed
	// power is the lesser of the whole level, where the filter rings on after a
	// cut, and of that above lowHz, where the codec lets the bass fade.
	power  [holeRing]float64
	whole  [holeRing]float64 // the whole level
	held   [holeRing]bool    // the whole ms repeats one value
	inside bool
	rising bool // the end was seen; waiting for the sound after it
	start  int64
	end    int64
	before float64 // power beside the hole
	fall   float64 // dB at its first edge
	pulses bool    // the sound before it has holes as well
	exact  int64   // ms of the hole that are held
}

func newHoles(p params, f format) holes {
	return holes{
		depth: p["depth_db"], digital: p["digital_depth_db"], quiet: fromDB(p["level_dbfs"]),
		shortest: int64(p["min_ms"]), exactShortest: int64(p["digital_min_ms"]), longest: int64(p["max_ms"]), msSamples: f.msSamples,
	}
}

func (d *holes) reset() {
	d.now, d.inside, d.rising = 0, false, false
}

// settled is the time before which no hole can begin or go on any more.
func (d *holes) settled() int64 {
	if d.inside {
		return d.start
	}
	return max(d.now-holeLookMS-edgeMS, 0)
}

func (d *holes) at(ms int64) float64 { return d.power[ms%holeRing] }

// bass tells whether the whole level falls far less than that above lowHz from
// [a, b) to [b, c): what is between the pulses of a bass is no hole.
func (d *holes) bass(a, b, c int64) bool {
	var beside, inside float64
	for t := a; t < c; t++ {
		if p := d.whole[t%holeRing]; t < b {
			beside += p / float64(b-a)
		} else {
			inside += p / float64(c-b)
		}
	}
	return decibels(beside, inside) < holeWholeDB
}

// typical is the upper quartile of the power of [from, to), at most besideMS: a click beside a
// pause is no sound that falls.
func (d *holes) typical(from, to int64) float64 {
	var power [besideMS]float64
	n := 0
	for t := from; t < to && n < besideMS; t++ {
		power[n] = d.at(t)
		n++
	}
	slices.Sort(power[:n])
	return power[n*3/4]
}

func (d *holes) least(from, to int64) float64 {
	m := math.Inf(1)
	for t := from; t < to; t++ {
		m = min(m, d.at(t))
	}
	return m
}

func (d *holes) most(from, to int64) float64 {
	var m float64
	for t := from; t < to; t++ {
		m = max(m, d.at(t))
	}
	return m
}

// push takes the next millisecond and tells of a hole that has been confirmed.
func (d *holes) push(m *millisecond, integer bool) (hole, bool) {
	i := d.now % holeRing
	d.power[i] = float64(min(m.energy, m.high))
	d.whole[i] = float64(m.energy)
	d.held[i] = integer && m.held == d.msSamples
	d.now++
	switch {
	case d.rising:
		return d.judge()
	case d.inside:
		d.follow()
	default:
		d.look()
	}
	return hole{}, false
}

// look asks whether a hole began holeLookMS ago.
func (d *holes) look() {
	c := d.now - holeLookMS
	if c < besideMS+edgeMS {
		return
	}
	hole := d.most(c, d.now)
	if hole > d.at(c-edgeMS) && hole > d.at(c-edgeMS-1) {
		return // no fall at all: nearly always
	}
	before := d.typical(c-besideMS, c-edgeMS+1)
	if before < d.quiet {
		return
	}
	d.fall = decibels(before, hole)
	if d.fall < min(d.depth, d.digital)-holeSlack || d.bass(c-besideMS, c-edgeMS+1, d.now) {
		return
	}
	d.pulses = d.least(max(c-pulseMS, 0), c-edgeMS) < 2*hole
	d.inside, d.start, d.before, d.exact = true, c, before, 0
	for t := c; t < d.now; t++ {
		d.count(t)
	}
}

func (d *holes) count(t int64) {
	if d.held[t%holeRing] {
		d.exact++
	}
}

// follow asks whether the hole has ended.
func (d *holes) follow() {
	t := d.now - 1
	if t < d.start+holeLookMS+edgeMS {
		// The first ms of a hole may hold the last of the sound before it.
		d.fall = max(d.fall, decibels(d.before, d.most(d.now-holeLookMS, d.now)))
	}
	switch {
	case decibels(d.before, d.at(t)) < holeBackDB:
		d.rising, d.end = true, t
	case t-d.start >= d.longest:
		d.inside = false
	default:
		d.count(t)
	}
}

// judge waits for the sound after the hole and compares.
func (d *holes) judge() (hole, bool) {
	if d.now < d.end+besideMS {
		return hole{}, false
	}
	d.inside, d.rising = false, false
	length := d.end - d.start
	rise := decibels(d.typical(d.end+1, d.now), d.most(max(d.end-holeLookMS, d.start), d.end-1))
	need, shortest := d.depth, d.shortest
	if d.exact*2 > length {
		need, shortest = d.digital, d.exactShortest
	}
	if length < shortest || d.pulses && length < pulseHoleMS && need == d.depth {
		return hole{}, false
	}
	value := min(ramp(d.fall, need-holeSlack, need, need+20), ramp(rise, need-holeSlack-5, need-5, need+15))
	return hole{start: d.start, end: d.end, value: value}, value > 0
}

func decibels(above, below float64) float64 {
	return 10 * math.Log10(max(above, 1e-12)/max(below, 1e-12))
}
