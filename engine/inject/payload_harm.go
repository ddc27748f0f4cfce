package inject

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// harm is what is to be done to an encoded file.
type harm struct {
	lost  map[int64]bool // units, by key
	flips map[int64]byte // by offset in the file: bits to turn
	hit   map[int64]bool // pictures that it concerns
}

// survey is what there is to damage in a range.
type survey struct {
	units    int64
	pictures []coded // in the order of the file
}

// coded is the data of one picture that may be changed.
type coded struct {
	frame int64
	bytes int64
}

func (s *survey) add(u unit) {
	s.units++
	if n := len(s.pictures); n == 0 || s.pictures[n-1].frame != u.frame {
		s.pictures = append(s.pictures, coded{frame: u.frame})
	}
	s.pictures[len(s.pictures)-1].bytes += max(u.end-u.at, 0)
}

// damageMethod chooses harm to the units of a range. It gets them one by one, in
// the order of the file.
type damageMethod func(d *planned, rate Rate, all survey, h *harm) func(unit)

// gilbertElliott is the model of Gilbert and Elliott: a good state that loses
// nothing and a bad one that loses everything, which is left after `burst`
// packets on average. With bursts of one, every packet is lost by itself.
type gilbertElliott struct {
	rng          *rand.Rand
	enter, leave float64
	bad          bool
}

func newGilbertElliott(p Params, rng *rand.Rand) *gilbertElliott {
	g := &gilbertElliott{rng: rng, leave: 1 / p["burst"]}
	g.enter = min(p["rate"]*g.leave/(1-p["rate"]), 1)
	if p["burst"] == 1 {
		g.enter = p["rate"]
	}
	return g
}

func (g *gilbertElliott) lost() bool {
	if g.bad && g.leave < 1 {
		g.bad = g.rng.Float64() >= g.leave
	} else {
		g.bad = g.rng.Float64() < g.enter
	}
	return g.bad
}

func losePackets(d *planned, _ Rate, all survey, h *harm) func(unit) {
	rng := rand.New(rand.NewPCG(d.seed, 2))
	certain := rng.Int64N(all.units) // at least one is lost
	channel := newGilbertElliott(d.spec.Params, rng)
	n := int64(-1)
	return func(u unit) {
		if n++; channel.lost() || n == certain {
			h.lost[u.key] = true
			h.hit[u.frame] = true
		}
	}
}

// loseBursts spreads the runs over the range, one in each of equal parts.
func loseBursts(d *planned, rate Rate, all survey, h *harm) func(unit) {
	rng := rand.New(rand.NewPCG(d.seed, 2))
	length := int64(d.spec.Params["packets"])
	runs := max(int64(d.spec.Params["per_second"]*rate.Seconds(d.span.length())), 1)
	var begins []int64
	for i := range runs {
		from, to := i*all.units/runs, (i+1)*all.units/runs
		begins = append(begins, from+rng.Int64N(max(to-from-length, 1)))
	}
	n := int64(-1)
	return func(u unit) {
		n++
		if slices.ContainsFunc(begins, func(at int64) bool { return n >= at && n < at+length }) {
			h.lost[u.key] = true
			h.hit[u.frame] = true
		}
	}
}

// flipBits spreads the errors evenly over the units.
func flipBits(d *planned, rate Rate, all survey, h *harm) func(unit) {
	rng := rand.New(rand.NewPCG(d.seed, 2))
	errors := max(int64(d.spec.Params["per_second"]*rate.Seconds(d.span.length())), 1)
	length := int64(d.spec.Params["bytes"])
	n := int64(-1)
	return func(u unit) {
		n++
		share := (n+1)*errors/all.units - n*errors/all.units
		for range share {
			if u.at >= u.end {
				return
			}
			at := u.at + rng.Int64N(u.end-u.at)
			if length == 0 {
				h.flips[at] ^= 1 << rng.IntN(8)
			}
			for i := at; i < min(at+length, u.end); i++ {
				h.flips[i] ^= byte(1 + rng.IntN(255))
			}
			h.hit[u.frame] = true
		}
	}
}

// loseSegments hits p of every 16 coded pictures, those that are larger than the
// segment before others; of a smaller one everything goes.
func loseSegments(d *planned, _ Rate, all survey, h *harm) func(unit) {
	const group = 16
	rng := rand.New(rand.NewPCG(d.seed, 2))
	p := d.spec.Params
	size := int64(p["s"])
	segments := map[int64]span{} // by frame: bytes of its data
	for at := 0; at < len(all.pictures); at += group {
		some := slices.Clone(all.pictures[at:min(at+group, len(all.pictures))])
		rng.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		slices.SortStableFunc(some, func(a, b coded) int {
			return cmp.Compare(min(b.bytes, size+1), min(a.bytes, size+1))
		})
		for _, c := range some[:min(int(p["p"]), len(some))] {
			start := int64(p["l"] * float64(max(c.bytes-size, 0)))
			segments[c.frame] = span{start, start + size}
		}
	}
	frame, gone := int64(-1), int64(0)
	return func(u unit) {
		if u.frame != frame {
			frame, gone = u.frame, 0
		}
		own := max(u.end-u.at, 0)
		s, ok := segments[frame]
		// A unit belongs to the segment that its middle lies in.
		if middle := gone + own/2; ok && own > 0 && s.contains(middle) {
			h.lost[u.key] = true
			h.hit[u.frame] = true
		}
		gone += own
	}
}

// addStreamNoise keeps the running sum that FFmpeg's filter keeps: where it
// divides by the amount, the byte becomes the sum.
func addStreamNoise(d *planned, _ Rate, _ survey, h *harm) func(unit) {
	amount := uint64(d.spec.Params["amount"])
	state := d.seed % amount
	return func(u unit) {
		for i, b := range u.data {
			state += uint64(b) + 1
			if state%amount == 0 && byte(state) != b {
				h.flips[u.at+int64(i)] ^= b ^ byte(state)
				h.hit[u.frame] = true
			}
		}
	}
}

// loseSlices turns lost slices into padding.
func loseSlices(d *planned, total int64, h *harm) func(nal) {
	rng := rand.New(rand.NewPCG(d.seed, 2))
	certain := rng.Int64N(total) // at least one is lost
	channel := newGilbertElliott(d.spec.Params, rng)
	n := int64(-1)
	return func(s nal) {
		if n++; channel.lost() || n == certain {
			h.flips[s.header] ^= s.before ^ s.filler
			h.hit[s.frame] = true
		}
	}
}
