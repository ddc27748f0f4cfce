package excerpt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
)

// resampled is a track at the rate of the network, as windows have it.
func resampled(t testing.TB, x []float32, from, to int) (y []float32) {
	t.Helper()
	k := mustNew(t, Config{Rate: to, Window: 1000, Hop: 1000}, from, 1)
	for _, h := range append(cut(t, k, from, 0, [][]float32{x}, 1024), rest(k)...) {
		y = append(y, h.rows[0][:h.samples]...)
	}
	return y
}

// byFFmpeg is the same by FFmpeg's own resampler.
func byFFmpeg(t testing.TB, x []float32, from, to int) []float32 {
	t.Helper()
	ffmpeg := os.Getenv("STREAMVET_FFMPEG")
	if ffmpeg == "" {
		t.Fatal(`STREAMVET_FFMPEG is not set: run make setup, then eval "$(scripts/env.sh)"`)
	}
	var in, out, failed bytes.Buffer
	if err := binary.Write(&in, binary.LittleEndian, x); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(ffmpeg, "-v", "error", "-f", "f32le", "-ar", fmt.Sprint(from), "-ac", "1", "-i", "-", "-f", "f32le", "-ar", fmt.Sprint(to), "-")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &failed
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, failed.String())
	}
	y := make([]float32, out.Len()/4)
	if err := binary.Read(&out, binary.LittleEndian, y); err != nil {
		t.Fatal(err)
	}
	return y
}

// Networks hear what `ffmpeg -ar` makes, which they may have been trained on: the
// difference is the order of sums. (FFmpeg mirrors the sound at both ends.)
func TestResampledAsByFFmpeg(t *testing.T) {
	for _, rate := range []int{8000, 11025, 16000, 22050, 24000, 44100, 48000, 88200, 96000, 192000, 44099} {
		x := noise(rate, 9)
		for i := range x {
			x[i] /= 2
		}
		got, want := resampled(t, x, rate, 32000), byFFmpeg(t, x, rate, 32000)
		if len(got) != 32000 || len(want) < 31900 {
			t.Fatalf("%d Hz: a second has %d samples, by FFmpeg %d", rate, len(got), len(want))
		}
		worst := 0.0
		for i := 500; i < 31500; i++ {
			worst = max(worst, math.Abs(float64(got[i]-want[i])))
		}
		if worst > 2e-5 {
			t.Errorf("%d Hz: the largest difference is %.2g", rate, worst)
		}
	}
}

// A tone keeps its phase and level: sample n is what plays at n/rate.
func TestTonesKeepTheirPlace(t *testing.T) {
	for _, from := range []int{8000, 44100, 48000, 44099} {
		for _, hertz := range []float64{50, 440, 3000} {
			x := make([]float32, from)
			for i := range x {
				x[i] = float32(0.5 * math.Sin(2*math.Pi*hertz*float64(i)/float64(from)))
			}
			y := resampled(t, x, from, 32000)
			for i := 1000; i < 31000; i++ {
				want := 0.5 * math.Sin(2*math.Pi*hertz*float64(i)/32000)
				if math.Abs(float64(y[i])-want) > 1e-3 {
					t.Fatalf("%v Hz from %d: sample %d is %v, want %v", hertz, from, i, y[i], want)
				}
			}
		}
	}
}

// What the lower rate cannot carry does not come back as another tone.
func TestNoAliases(t *testing.T) {
	x := make([]float32, 48000)
	for i := range x {
		x[i] = float32(0.5 * math.Sin(2*math.Pi*18000*float64(i)/48000))
	}
	for i, v := range resampled(t, x, 48000, 32000)[1000:31000] {
		if math.Abs(float64(v)) > 5e-4 {
			t.Fatalf("sample %d is %v", i, v)
		}
	}
}

// A second of stereo at 48 kHz, in blocks as AAC has them.
// What the processor's lanes give is what Go's sum gives, to the bit, of any length.
func TestDotIsSum(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	a, b := make([]float32, 70), make([]float32, 70)
	for n := range len(a) {
		for i := range a {
			a[i], b[i] = rng.Float32()-.5, float32(rng.NormFloat64())
		}
		for _, m := range []int{n, len(b)} {
			got, want := dot(a[1:1+min(n, 69)], b[:m]), sum(a[1:1+min(n, 69)], b[:m])
			if math.Float32bits(got) != math.Float32bits(want) {
				t.Fatalf("%d and %d values: %v, want %v", n, m, got, want)
			}
		}
	}
}

func BenchmarkSecond(b *testing.B) {
	for _, rate := range []int{32000, 44100, 48000} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			x := noise(1024, 4)
			k := mustNew(b, Config{Rate: 32000, Window: 40960, Hop: 32000}, rate, 2)
			at := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				for range rate / 1024 {
					for range k.Windows(block(rate, duration(at, int64(rate)), x, x)) {
					}
					at += 1024
				}
			}
		})
	}
}
