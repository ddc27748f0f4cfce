package inject

import "time"

// lossUnitBytes is what one lost packet takes away: a packet of a transport
// stream, and as much of the coded pictures in other containers.
const lossUnitBytes = 188

// payloadKinds damage the encoded pictures. Headers of the container, parameter
// sets and the first coded picture stay whole, so that the file can be opened.
func payloadKinds() []Kind {
	burst := Param{Name: "burst", Default: 4, Min: 1, Max: 10000, Unit: "packets", Help: "mean length of a burst; 1: each is lost by itself, at random"}
	kinds := []Kind{
		{Name: "packet_loss", Summary: "lost packets of 188 bytes, in bursts (Gilbert-Elliott) or at random", Example: "packet_loss:rate=0.02,burst=7@2-6",
			Params: []Param{{Name: "rate", Default: 0.02, Min: 1e-6, Max: 0.9, Help: "share of the packets that are lost"}, burst},
			Levels: ladder("rate", 0.002, 0.005, 0.01, 0.02), damage: losePackets},
		{Name: "packet_burst", Summary: "runs of lost packets of 188 bytes", Example: "packet_burst:packets=16@2-6",
			Params: []Param{{Name: "packets", Default: 8, Min: 1, Max: 10000, Whole: true, Help: "length of a run"},
				{Name: "per_second", Default: 1, Min: 0.01, Max: 100, Help: "runs a second"}},
			Levels: ladder("packets", 2, 4, 8, 16), damage: loseBursts},
		{Name: "bit_errors", Summary: "flipped bits, or runs of wrong bytes", Example: "bit_errors:per_second=20@2-6",
			Params: []Param{{Name: "per_second", Default: 10, Min: 0.01, Max: 1e5, Help: "errors a second"},
				{Name: "bytes", Max: 64, Whole: true, Unit: "bytes", Help: "length of a run of wrong bytes; 0 flips one bit"}},
			Levels: ladder("per_second", 2, 5, 10, 20), damage: flipBits},
		{Name: "segment_loss", Summary: "segments cut out of coded pictures, after the data set BSCV (Liu et al., NeurIPS 2023)", Example: "segment_loss:p=2,l=0.4,s=4096@2-6",
			Params: []Param{{Name: "p", Default: 1, Min: 1, Max: 16, Whole: true, Unit: "of 16", Help: "coded pictures that are hit; BSCV has 1, 2 and 4"},
				{Name: "l", Default: 0.4, Max: 1, Help: "where in the picture's data the segment lies; BSCV has 0.2, 0.4 and 0.8"},
				{Name: "s", Default: 4096, Min: 16, Max: 1 << 20, Whole: true, Unit: "bytes", Help: "its size; BSCV has 2048, 4096 and 8192"}},
			Levels: []Params{{"p": 1, "l": 0.4, "s": 2048}, {"p": 1, "l": 0.4, "s": 4096}, {"p": 2, "l": 0.4, "s": 4096}, {"p": 4, "l": 0.4, "s": 4096}},
			damage: loseSegments},
		{Name: "stream_noise", Summary: "wrong bytes by the rule of FFmpeg's bitstream filter noise; headers are spared", Example: "stream_noise:amount=1e6@2-6",
			Params: []Param{{Name: "amount", Default: 1e6, Min: 1, Max: 1e9, Whole: true, Help: "about one byte in so many is wrong; usual are 0.5e6 to 4e6"}},
			Levels: ladder("amount", 4e6, 2e6, 1e6, 5e5), damage: addStreamNoise},
		{Name: "nal_loss", Summary: "coded slices lost as wholes, as RTP loses them; H.264 and MPEG-2 are coded in slices of that size", Example: "nal_loss:rate=0.01@2-6",
			Params: []Param{{Name: "rate", Default: 0.01, Min: 1e-6, Max: 0.9, Help: "share of the slices that are lost"},
				{Name: "burst", Default: 1, Min: 1, Max: 1000, Unit: "slices", Help: "mean length of a burst; 1: each is lost by itself, at random"},
				{Name: "bytes", Default: 1400, Min: 200, Max: 65000, Whole: true, Unit: "bytes", Help: "most bytes of a slice: what one RTP packet carries"}},
			Levels: ladder("rate", 0.002, 0.005, 0.01, 0.02), loseNALs: loseSlices, slices: func(p Params) int { return int(p["bytes"]) }},
	}
	for i := range kinds {
		kinds[i].Medium, kinds[i].Length = Payload, time.Second
	}
	return kinds
}
