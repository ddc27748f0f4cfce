package sound

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/verdict"
)

// everything runs every measure at its defaults, each under its own name.
func everything() []measure.Detector {
	var all []measure.Detector
	for _, name := range Measures() {
		all = append(all, measure.Detector{Name: name, Measure: name, Defects: []verdict.Defect{verdict.Defect(name)}})
	}
	return all
}

// replay observes the samples in blocks that size gives and flushes.
func replay(t testing.TB, d []measure.Detector, rate int, integer bool, channels [][]float32, size func() int) []verdict.Score {
	t.Helper()
	s, err := New(d, rate, len(channels))
	if err != nil {
		t.Fatal(err)
	}
	var out []verdict.Score
	for at := 0; at < len(channels[0]); {
		n := min(size(), len(channels[0])-at)
		a := &frame.Audio{Channels: len(channels), SampleRate: rate, Integer: integer, Index: int64(at)}
		a.PTS = time.Duration(at) * time.Second / time.Duration(rate)
		for c := range channels {
			a.Samples[c] = channels[c][at : at+n]
		}
		out = s.Observe(out, a)
		at += n
	}
	return s.Flush(out)
}

func TestBlocksNeverChangeScores(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, f := range []struct{ rate, channels int }{{48000, 2}, {44100, 1}, {8000, 2}, {11025, 3}, {22050, 6}, {96000, 2}} {
		channels := programme(f.rate, f.channels, 12, random)
		want := replay(t, everything(), f.rate, true, channels, func() int { return f.rate })
		if len(want) < 1000 {
			t.Fatalf("%d Hz: only %d scores", f.rate, len(want))
		}
		for range 4 {
			got := replay(t, everything(), f.rate, true, channels, func() int { return 64 + random.IntN(1<<random.IntN(15)) })
			// Blocks may interleave detectors otherwise; each one's scores must be the same.
			if !slices.Equal(byDetector(got), byDetector(want)) {
				t.Fatalf("%d Hz, %d channels: other blocks gave other scores", f.rate, f.channels)
			}
		}
	}
}

func byDetector(s []verdict.Score) []verdict.Score {
	s = slices.Clone(s)
	slices.SortStableFunc(s, func(a, b verdict.Score) int { return strings.Compare(a.Detector, b.Detector) })
	return s
}

// programme is noise in bursts with a hole, a click, flat tops and hum: something for every measure.
func programme(rate, channels, seconds int, random *rand.Rand) [][]float32 {
	out := make([][]float32, channels)
	for c := range out {
		out[c] = make([]float32, rate*seconds)
		var low float64
		for i := range out[c] {
			at := float64(i) / float64(rate)
			low += 0.2 * (random.NormFloat64()*0.3 - low)
			v := low + 0.02*math.Sin(2*math.Pi*50*at)
			switch {
			case at > 2 && at < 2.03, at > 3 && at < 5.5, c == 1 && at > 10:
				v = 0
			case at > 6 && at < 7:
				v = min(max(v*8, -0.8), 0.8)
			case i == rate*9:
				v += 0.7
			}
			out[c][i] = float32(v)
		}
	}
	return out
}

func TestNewRefuses(t *testing.T) {
	ok := measure.Detector{Name: "quiet", Measure: "silence", Defects: []verdict.Defect{verdict.Silence}}
	for _, c := range []struct {
		name     string
		change   func(*measure.Detector)
		rate, ch int
		want     string
	}{
		{"measure", func(d *measure.Detector) { d.Measure = "hush" }, 48000, 2, `no such closed form: "hush" (known for sound: silence, dropout`},
		{"parameter", func(d *measure.Detector) { d.Params = map[string]float64{"lvl": 1} }, 48000, 2, `no parameter "lvl" (it has: break_db, break_dbfs`},
		{"value", func(d *measure.Detector) { d.Params = map[string]float64{"span_db": math.NaN()} }, 48000, 2, "span_db is NaN"},
		{"defects", func(d *measure.Detector) { d.Defects = nil }, 48000, 2, "scores exactly one defect, the manifest names 0"},
		{"rate", func(*measure.Detector) {}, 4000, 2, "4000 Hz"},
		{"channels", func(*measure.Detector) {}, 48000, 17, "17 channels"},
	} {
		d := ok
		c.change(&d)
		_, err := New([]measure.Detector{d}, c.rate, c.ch)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", c.name, err, c.want)
		}
	}
}

// observe gives the scores of one block of silence.
func observe(s *Sound, pts time.Duration, samples int) []verdict.Score {
	a := &frame.Audio{Channels: 1, SampleRate: 48000, PTS: pts}
	a.Samples[0] = make([]float32, samples)
	return s.Observe(nil, a)
}

func TestTimestamps(t *testing.T) {
	s, err := New([]measure.Detector{{Name: "s", Measure: "dc_offset", Defects: []verdict.Defect{verdict.DCOffset}}}, 48000, 1)
	if err != nil {
		t.Fatal(err)
	}
	const window = 500 * time.Millisecond
	at := func(what string, got []verdict.Score, want ...time.Duration) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %d scores, want %d", what, len(got), len(want))
		}
		for i, sc := range got {
			if sc.PTS != want[i] || sc.Duration != window {
				t.Errorf("%s: score at %v for %v, want it at %v", what, sc.PTS, sc.Duration, want[i])
			}
		}
	}
	at("begins late", observe(s, 7*time.Second, 36000), 7*time.Second)
	at("rounding of the container", observe(s, 7*time.Second+753*time.Millisecond, 12000), 7500*time.Millisecond)
	at("a jump drops what is not full", observe(s, 20*time.Second, 24000+100), 20*time.Second)
	at("and back", observe(s, 3*time.Second, 24000), 3*time.Second)
	if got := s.Observe(nil, &frame.Audio{Channels: 2, SampleRate: 48000}); got != nil {
		t.Errorf("a block of another format gave %v", got)
	}
}

func TestWaveform(t *testing.T) {
	s, err := New(nil, 48000, 1)
	if err != nil {
		t.Fatal(err)
	}
	a := &frame.Audio{Channels: 1, SampleRate: 48000, PTS: time.Second}
	a.Samples[0] = make([]float32, 1000)
	for i := range 480 {
		a.Samples[0][i] = []float32{0.5, -0.25}[i%2]
	}
	s.Observe(nil, a)
	got := s.Waveform()
	if len(got) != 2 {
		t.Fatalf("%d peaks, want 2: 1000 samples hold two of 480", len(got))
	}
	want := Peak{PTS: time.Second, Duration: 10 * time.Millisecond, Min: -0.25, Max: 0.5, RMS: float32(math.Sqrt((0.25 + 0.0625) / 2))}
	if got[0] != want || got[1].Max != 0 || got[1].PTS != 1010*time.Millisecond {
		t.Errorf("got %+v", got)
	}
}
