package sound

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

// FuzzObserve feeds blocks of any bits as samples, of any size, rate and
// timestamps. Scores must be numbers within 0..1 that speak for some time.
func FuzzObserve(f *testing.F) {
	f.Add(uint32(48000), uint8(2), []byte{1, 2, 3, 4, 0, 0, 192, 127, 0, 0, 128, 255}, int64(0), uint16(480))
	f.Add(uint32(8000), uint8(1), []byte{0, 0, 128, 63}, int64(time.Hour), uint16(64))
	f.Add(uint32(192000), uint8(16), []byte{255, 255, 127, 127, 0, 0, 0, 0}, int64(-5), uint16(65535))
	f.Add(uint32(11025), uint8(6), []byte{}, int64(math.MaxInt64), uint16(1000))
	f.Fuzz(func(t *testing.T, rate uint32, channels uint8, bits []byte, jump int64, size uint16) {
		s, err := New(everything(), int(rate%200000), int(channels))
		if err != nil {
			return
		}
		samples := make([]float32, int(size)+4096)
		for i := range samples {
			if len(bits) >= 4 {
				k := (4 * i) % (len(bits) - 3)
				samples[i] = math.Float32frombits(binary.LittleEndian.Uint32(bits[k:]))
			}
		}
		var pts time.Duration
		for n := range 8 {
			a := &frame.Audio{Channels: int(channels), SampleRate: int(rate % 200000), PTS: pts, Integer: n%2 == 0}
			block := samples[:min(len(samples), int(size)/(n+1))]
			for c := range int(channels) {
				a.Samples[c] = block[:max(len(block)-c, 0)]
			}
			a.Loudness = frame.Loudness{Valid: true, ShortTerm: math.Float64frombits(uint64(jump)), TruePeak: math.Inf(n%3 - 1)}
			check(t, s.Observe(nil, a))
			pts += time.Duration(len(block)) * time.Second / time.Duration(a.SampleRate)
			if n == 4 {
				pts += time.Duration(jump)
			}
		}
		check(t, s.Flush(nil))
	})
}

func check(t *testing.T, scores []verdict.Score) {
	t.Helper()
	for _, s := range scores {
		if !(s.Value >= 0 && s.Value <= 1) || math.IsNaN(s.Reading) || math.IsInf(s.Reading, 0) || s.Duration <= 0 {
			t.Fatalf("score %+v", s)
		}
	}
}
