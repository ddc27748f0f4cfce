package sound

import "math"

// hole is a hole in one channel, in ms since the start of the signal.
type hole struct {
	start, end int64
	value      float64
}

const (
	holeRing   = 64 // ms of levels that are kept
	edgeMS     = 2  // a cut falls and rises within this
	besideMS   = 12 // of sound before and after a hole are compared
	holeLookMS = 4  // a hole is at least this long in lossy sound
)

// holes finds holes in the levels of one channel, a millisecond at a time.
//
// The level is that above lowHz: deep tones swing over milliseconds. In lossy
// sound the codec's noise fills a hole, so its depth is judged against the sound
// beside it; in lossless sound a run of equal samples is a hole at less depth.
type holes struct {
	depth, digital float64 // ratios of power
	quiet          float64 // power below which sound counts as none
	shortest       int64
	longest        int64
	msSamples      int

	now    int64 // ms pushed
	power  [holeRing]float64
	held   [holeRing]bool // the whole ms repeats one value
	inside bool
	rising bool // the end was seen; waiting for the sound after it
	start  int64
	end    int64
	before float64 // power beside the hole
	sum    float64 // power inside the hole
	exact  int64   // ms of the hole that are held
}

func newHoles(p params, f format) holes {
	return holes{
		depth: fromDB(p["depth_db"]), digital: fromDB(p["digital_depth_db"]), quiet: fromDB(p["level_dbfs"]),
		shortest: int64(p["min_ms"]), longest: int64(p["max_ms"]), msSamples: f.msSamples,
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

// mean is the mean power of [from, to).
func (d *holes) mean(from, to int64) float64 {
	var sum float64
	for t := from; t < to; t++ {
		sum += d.at(t)
	}
	return sum / float64(to-from)
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
	d.power[i] = float64(m.high)
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
	before := d.mean(c-besideMS, c-edgeMS+1)
	if before < d.quiet {
		return
	}
	inside := d.most(c, d.now)
	if inside*d.digital > before {
		return
	}
	d.inside, d.start, d.before = true, c, before
	d.sum, d.exact = 0, 0
	for t := c; t < d.now; t++ {
		d.count(t)
	}
}

func (d *holes) count(t int64) {
	d.sum += d.at(t)
	if d.held[t%holeRing] {
		d.exact++
	}
}

// follow asks whether the hole has ended.
func (d *holes) follow() {
	t := d.now - 1
	switch {
	case d.at(t)*16 >= d.before:
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
	after := d.mean(d.end+1, d.now)
	length := d.end - d.start
	if length < d.shortest {
		return hole{}, false
	}
	db := 10 * math.Log10(d.before/max(d.sum/float64(length), 1e-12))
	need := 10 * math.Log10(d.depth)
	if d.exact*2 > length {
		need = 10 * math.Log10(d.digital)
	}
	back := math.Abs(10 * math.Log10(max(after, 1e-12)/d.before))
	value := min(ramp(db, need-10, need, need+20), ramp(back, 24, 12, 0))
	return hole{start: d.start, end: d.end, value: value}, value > 0
}
