package inject

import (
	"math/rand/v2"
	"time"
)

// lossUnitBytes is what one lost packet takes away: a packet of a transport
// stream, and as much of the coded pictures in other containers.
const lossUnitBytes = 188

// payloadKinds damage the encoded pictures. Headers of the container, parameter
// sets and the first coded picture stay whole, so that the file can be opened.
func payloadKinds() []Kind {
	kinds := []Kind{
		{Name: "packet_loss", Summary: "lost packets of 188 bytes, in bursts (Gilbert-Elliott)", Example: "packet_loss:rate=0.02,burst=7@2-6",
			Params: []Param{{Name: "rate", Default: 0.02, Min: 1e-6, Max: 0.9, Help: "share of the packets that are lost"},
				{Name: "burst", Default: 4, Min: 1, Max: 10000, Unit: "packets", Help: "mean length of a burst"}},
			damage: losePackets},
		{Name: "bit_errors", Summary: "flipped bits, or runs of wrong bytes", Example: "bit_errors:per_second=20@2-6",
			Params: []Param{{Name: "per_second", Default: 10, Min: 0.01, Max: 1e5, Help: "errors a second"},
				{Name: "bytes", Max: 64, Whole: true, Unit: "bytes", Help: "length of a run of wrong bytes; 0 flips one bit"}},
			damage: flipBits},
	}
	for i := range kinds {
		kinds[i].Medium, kinds[i].Length = Payload, time.Second
	}
	return kinds
}

// harm is what is to be done to an encoded file.
type harm struct {
	lost  map[int64]bool // units, by key
	flips map[int64]byte // by offset in the file: bits to turn
	hit   map[int64]bool // pictures that it concerns
}

// damageMethod chooses harm to the units of a range; total is how many there are.
// It gets them one by one, in the order of the file.
type damageMethod func(d *planned, rate Rate, total int64, h *harm) func(unit)

// losePackets follows the model of Gilbert and Elliott: a good state that loses
// nothing and a bad one that loses everything.
func losePackets(d *planned, _ Rate, total int64, h *harm) func(unit) {
	rng := rand.New(rand.NewPCG(d.seed, 2))
	p := d.spec.Params
	leave := 1 / p["burst"]
	enter := min(p["rate"]*leave/(1-p["rate"]), 1)
	certain := rng.Int64N(total) // at least one is lost
	bad, n := false, int64(-1)
	return func(u unit) {
		n++
		if bad {
			bad = rng.Float64() >= leave
		} else {
			bad = rng.Float64() < enter
		}
		if bad || n == certain {
			h.lost[u.key] = true
			h.hit[u.frame] = true
		}
	}
}

// flipBits spreads the errors evenly over the units.
func flipBits(d *planned, rate Rate, total int64, h *harm) func(unit) {
	rng := rand.New(rand.NewPCG(d.seed, 2))
	errors := max(int64(d.spec.Params["per_second"]*rate.Seconds(d.span.length())), 1)
	length := int64(d.spec.Params["bytes"])
	n := int64(-1)
	return func(u unit) {
		n++
		share := (n+1)*errors/total - n*errors/total
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
