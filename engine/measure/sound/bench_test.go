package sound

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/verdict"
)

// BenchmarkSecond is the cost of one second of 48 kHz stereo for all detectors.
func BenchmarkSecond(b *testing.B) { benchmark(b, everything()) }

// BenchmarkEach is the same for one detector, with the cutter that all share.
func BenchmarkEach(b *testing.B) {
	b.Run("none", func(b *testing.B) { benchmark(b, nil) })
	for _, d := range everything() {
		b.Run(d.Name, func(b *testing.B) { benchmark(b, []measure.Detector{d}) })
	}
}

func benchmark(b *testing.B, d []measure.Detector) {
	const rate, block = 48000, 1024
	channels := programme(rate, 2, 12, rand.New(rand.NewPCG(1, 2)))
	s, err := New(d, rate, 2)
	if err != nil {
		b.Fatal(err)
	}
	var out []verdict.Score
	a := frame.Audio{Channels: 2, SampleRate: rate}
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		for n := 0; n < rate; n += block {
			if at+block > len(channels[0]) {
				at = 0
			}
			a.Samples[0], a.Samples[1] = channels[0][at:at+block], channels[1][at:at+block]
			a.PTS = time.Duration(a.Index) * time.Second / rate
			out = s.Observe(out[:0], &a)
			at += block
			a.Index += block
		}
	}
}

func TestNoAllocationPerBlock(t *testing.T) {
	const rate, block = 48000, 1024
	channels := programme(rate, 2, 12, rand.New(rand.NewPCG(1, 2)))
	s, err := New(everything(), rate, 2)
	if err != nil {
		t.Fatal(err)
	}
	var out []verdict.Score
	a := frame.Audio{Channels: 2, SampleRate: rate}
	a.Loudness.Valid = true
	pass := func() {
		for at := 0; at+block <= len(channels[0]); at += block {
			a.Samples[0], a.Samples[1] = channels[0][at:at+block], channels[1][at:at+block]
			a.PTS = time.Duration(a.Index) * time.Second / rate
			out = s.Observe(out[:0], &a)
			a.Index += block
		}
	}
	pass()
	if n := testing.AllocsPerRun(2, pass); n > 0 {
		t.Errorf("%v allocations in 12 s", n)
	}
}
