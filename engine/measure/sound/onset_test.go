package sound

import (
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure"
)

// onsetsOf gives the onsets of a signal that comes in blocks of so many samples,
// the n-th of them damaged; -1: none is.
func onsetsOf(t *testing.T, x signal, block, damaged int) (out []measure.Onset) {
	t.Helper()
	s, err := New(nil, testRate, 1)
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < len(x); from += block {
		a := &frame.Audio{Channels: 1, SampleRate: testRate, PTS: time.Duration(from) * time.Second / testRate}
		a.Samples[0] = x[from:min(from+block, len(x))]
		if from/block == damaged {
			a.Evidence.CorruptPackets = 1
		}
		s.Observe(nil, a)
		out = append(out, s.Onsets()...)
	}
	return out
}

func TestOnsetsOfSound(t *testing.T) {
	tone := seconds(6).tone(1000, 0.3)
	beep := func(at ...float64) signal {
		out := seconds(6)
		for _, from := range at {
			copy(out[out.at(from):out.at(from+0.1)], tone)
		}
		return out
	}
	sum := func(a, b signal) signal {
		out := a.copy()
		for i, v := range b {
			out[i] += v
		}
		return out
	}
	for _, c := range []struct {
		name string
		x    signal
		want []float64 // seconds
	}{
		{"beeps out of silence", beep(1, 2.0037, 3.5), []float64{1, 2.0037, 3.5}},
		{"beeps above noise", sum(beep(1, 2.0037, 3.5), seconds(6).noise(0.02, 1)), []float64{1, 2.0037, 3.5}},
		{"beeps above a tone, as ffmpeg's sine makes them", sum(beep(1.003, 2.007, 3), seconds(6).tone(440, 0.15)), []float64{1.003, 2.007, 3}},
		{"blows", seconds(6).noise(0.3, 2).strike(1.5, 0.1), []float64{1.5, 3, 4.5}},
		{"too quiet", beep(1, 2).gain(0, 6, 0.005), nil},
		{"steady noise", seconds(6).noise(0.1, 3), nil},
		{"a tone that begins slowly", seconds(6).tone(300, 0.3).each(0, 3, func(at, v float64) float64 { return v * at / 3 }), nil},
		{"too near to each other", beep(1, 1.12), []float64{1}},
		{"the start of the track", beep(0), nil},
	} {
		for _, block := range []int{480, 1024, 137} {
			got := onsetsOf(t, c.x, block, -1)
			if len(got) != len(c.want) {
				t.Errorf("%s, blocks of %d: %+v, want them at %v", c.name, block, got, c.want)
				continue
			}
			for i, o := range got {
				if off := o.At.Seconds() - c.want[i]; off < -0.006 || off > 0.006 || o.Strength < attackRise {
					t.Errorf("%s, blocks of %d: %+v, want it at %v s", c.name, block, o, c.want[i])
				}
			}
		}
	}
	if got := onsetsOf(t, beep(1, 3), 480, 95); len(got) != 1 || got[0].At.Round(10*time.Millisecond) != 3*time.Second {
		t.Errorf("after damage: %+v", got)
	}
}
