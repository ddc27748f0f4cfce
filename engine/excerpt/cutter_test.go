package excerpt

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
)

// heard is a window, kept.
type heard struct {
	rows     [][]float32
	samples  int
	from, to time.Duration // of the middle
}

func keep(w Window) heard {
	h := heard{samples: w.Samples, from: w.At(0), to: w.At(w.Samples)}
	for _, r := range w.Rows {
		h.rows = append(h.rows, slices.Clone(r))
	}
	return h
}

// block is sound of a track at a time.
func block(rate int, at time.Duration, channels ...[]float32) *frame.Audio {
	a := &frame.Audio{SampleRate: rate, Channels: len(channels), PTS: at}
	copy(a.Samples[:], channels)
	return a
}

// cut gives all windows of a track that comes in blocks of such lengths, by turns.
func cut(t testing.TB, k *Cutter, rate int, at time.Duration, channels [][]float32, lengths ...int) (all []heard) {
	t.Helper()
	for from, i := 0, 0; from < len(channels[0]); i++ {
		to := min(from+lengths[i%len(lengths)], len(channels[0]))
		var part [][]float32
		for _, c := range channels {
			part = append(part, c[from:to])
		}
		for w := range k.Windows(block(rate, at+duration(int64(from), int64(rate)), part...)) {
			all = append(all, keep(w))
		}
		from = to
	}
	return all
}

func rest(k *Cutter) (all []heard) {
	for w := range k.Rest() {
		all = append(all, keep(w))
	}
	return all
}

func mustNew(t testing.TB, c Config, rate, channels int) *Cutter {
	t.Helper()
	k, err := New(c, rate, channels)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i+1) / float32(n)
	}
	return x
}

func noise(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.Float64()*2 - 1)
	}
	return x
}

// Every window has the samples around its middle, and silence where there are none.
func TestWindowsCoverTheTrack(t *testing.T) {
	c := Config{Rate: 8000, Window: 1600, Hop: 1000}
	for _, n := range []int{1, 299, 300, 301, 999, 1000, 1001, 1300, 1301, 2000, 4321} {
		for _, length := range []int{1, 7, 1024, 100000} {
			x, y := ramp(n), noise(n, 3)
			k := mustNew(t, c, 8000, 2)
			all := append(cut(t, k, 8000, time.Second, [][]float32{x, y}, length), rest(k)...)
			if len(all) != (n+c.Hop-1)/c.Hop {
				t.Errorf("%d samples in blocks of %d: %d windows", n, length, len(all))
			}
			at := 0
			for i, h := range all {
				if h.samples != min(c.Hop, n-at) || h.from != time.Second+duration(int64(at), 8000) || h.to != time.Second+duration(int64(at+h.samples), 8000) {
					t.Errorf("%d samples: window %d speaks for %d from %v to %v", n, i, h.samples, h.from, h.to)
				}
				for ch, track := range [][]float32{x, y} {
					for s, v := range h.rows[ch] {
						want, from := float32(0), at-c.Lead()+s
						if from >= 0 && from < n {
							want = track[from]
						}
						if v != want {
							t.Fatalf("%d samples in blocks of %d: window %d, channel %d, sample %d is %v, want %v", n, length, i, ch, s, v, want)
						}
					}
				}
				at += c.Hop
			}
		}
	}
}

// How a track is cut into blocks changes no bit, at any rate.
func TestBlocksDoNotMatter(t *testing.T) {
	c := Config{Rate: 32000, Window: 4096, Hop: 3200}
	for _, rate := range []int{8000, 11025, 22050, 32000, 44100, 44099, 48000, 96000, 192000} {
		x, y := noise(rate/2, 1), noise(rate/2, 2)
		k := mustNew(t, c, rate, 2)
		want := append(cut(t, k, rate, 0, [][]float32{x, y}, rate), rest(k)...)
		for _, lengths := range [][]int{{1024}, {1, 2, 3, 1000}, {4095, 4096, 4097}} {
			k := mustNew(t, c, rate, 2)
			got := append(cut(t, k, rate, 0, [][]float32{x, y}, lengths...), rest(k)...)
			if !slices.EqualFunc(got, want, func(a, b heard) bool {
				return a.from == b.from && a.samples == b.samples && slices.EqualFunc(a.rows, b.rows, slices.Equal[[]float32])
			}) {
				t.Errorf("%d Hz in blocks of %v: other windows", rate, lengths)
			}
		}
	}
}

// Timestamps that jump end what came before, and begin anew with silence before it.
func TestJumps(t *testing.T) {
	c := Config{Rate: 8000, Window: 1600, Hop: 1000}
	for _, step := range []time.Duration{-300 * time.Millisecond, 21 * time.Millisecond, time.Hour} {
		k := mustNew(t, c, 8000, 1)
		x := noise(1500, 5)
		all := cut(t, k, 8000, 0, [][]float32{x}, 500)
		second := duration(1500, 8000) + step
		all = append(all, cut(t, k, 8000, second, [][]float32{x}, 500)...)
		all = append(all, rest(k)...)
		if len(all) != 4 {
			t.Fatalf("a step of %v: %d windows", step, len(all))
		}
		for i, h := range all[2:] {
			if h.from != all[i].from+second || h.samples != all[i].samples || !slices.Equal(h.rows[0], all[i].rows[0]) {
				t.Errorf("a step of %v: window %d is not as that of the first stretch", step, i)
			}
		}
		if all[1].samples != 500 {
			t.Errorf("the first stretch ends with %d samples", all[1].samples)
		}
	}
	// Rounded timestamps are no jump.
	k := mustNew(t, c, 8000, 1)
	n := len(cut(t, k, 8000, 0, [][]float32{noise(1500, 5)}, 500))
	n += len(cut(t, k, 8000, duration(1500, 8000)+20*time.Millisecond, [][]float32{noise(1500, 5)}, 500))
	if n += len(rest(k)); n != 3 {
		t.Errorf("a step of 20 ms: %d windows of 3000 samples", n)
	}
}

// A mix has one row, the mean of the channels, whatever the rate and the blocks; what
// is no number in one of them is silence there.
func TestMix(t *testing.T) {
	c := Config{Rate: 8000, Window: 1600, Hop: 1000, Mix: true}
	for _, rate := range []int{8000, 44100} {
		x, y, z := noise(rate/2, 1), noise(rate/2, 2), noise(rate/2, 3)
		both := make([]float32, len(x))
		for i := range both {
			if i%10 == 0 {
				y[i] = float32(math.NaN())
				both[i] = (x[i] + 0 + z[i]) / 3
			} else {
				both[i] = (x[i] + y[i] + z[i]) / 3
			}
		}
		k := mustNew(t, c, rate, 1)
		want := append(cut(t, k, rate, 0, [][]float32{both}, 1024), rest(k)...)
		k = mustNew(t, c, rate, 3)
		got := append(cut(t, k, rate, 0, [][]float32{x, y, z}, 1, 2, 5000), rest(k)...)
		if len(got) != 4 || !slices.EqualFunc(got, want, func(a, b heard) bool {
			return len(a.rows) == 1 && a.from == b.from && a.samples == b.samples && slices.Equal(a.rows[0], b.rows[0])
		}) {
			t.Errorf("%d Hz: %d windows, which are not those of the mean", rate, len(got))
		}
	}
}

// What is no number, or far beyond full scale, is bounded.
func TestDamagedSamples(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, rate := range []int{8000, 16000} {
		k := mustNew(t, Config{Rate: 8000, Window: 100, Hop: 100}, rate, 1)
		x := make([]float32, 100)
		x[10], x[20], x[30], x[40] = nan, inf, -inf, 1e30
		all := append(cut(t, k, rate, 0, [][]float32{x}, 100), rest(k)...)
		for _, h := range all {
			for i, v := range h.rows[0] {
				if !(v >= -2*sampleMax && v <= 2*sampleMax) {
					t.Errorf("%d Hz: sample %d is %v", rate, i, v)
				}
			}
		}
		if rate == 8000 && (all[0].rows[0][10] != 0 || all[0].rows[0][20] != sampleMax || all[0].rows[0][30] != -sampleMax) {
			t.Errorf("samples %v", all[0].rows[0][:41])
		}
	}
}

func TestNothingHeard(t *testing.T) {
	k := mustNew(t, Config{Rate: 8000, Window: 100, Hop: 100}, 16000, 1)
	if all := rest(k); all != nil {
		t.Errorf("%d windows of nothing", len(all))
	}
	if all := append(cut(t, k, 16000, 0, [][]float32{{1, 1, 1}}, 1), rest(k)...); len(all) != 1 || all[0].samples != 1 || all[0].to > duration(3, 16000) {
		t.Errorf("windows of three samples: %v", all)
	}
	if all := rest(k); all != nil {
		t.Errorf("the rest came twice: %v", all)
	}
	for range k.Windows(block(44100, 0, make([]float32, 1000))) {
		t.Error("a window of another rate")
	}
}

// FuzzCutter holds that whatever comes, the middles of a stretch's windows follow one
// another and last as long as the sound, less than a sample of the network's apart.
func FuzzCutter(f *testing.F) {
	f.Add(uint16(48000), uint16(40960), uint16(32000), []byte{200, 1, 0, 50, 255, 3})
	f.Add(uint16(44099), uint16(1), uint16(1), []byte{1, 1, 1})
	f.Add(uint16(8000), uint16(300), uint16(299), []byte{0, 128, 0, 130})
	f.Fuzz(func(t *testing.T, rate, window, hop uint16, script []byte) {
		c := Config{Rate: 32000, Window: int(window)%5000 + 1, Hop: int(hop)%(int(window)%5000+1) + 1}
		k, err := New(c, int(rate), 2)
		if err != nil {
			if rate >= RateMin {
				t.Fatal(err)
			}
			return
		}
		at, from, to := time.Duration(0), time.Duration(0), time.Duration(0) // now; of the stretch; heard
		check := func(w Window) {
			if w.At(0) != to || w.Samples < 1 || w.Samples > c.Hop || len(w.Rows) != 2 || len(w.Rows[0]) != c.Window || len(w.Rows[1]) != c.Window {
				t.Fatalf("a window from %v on of %d samples, after %v", w.At(0), w.Samples, to)
			}
			to = w.At(w.Samples)
		}
		ended := func() {
			if missing := at - to; missing < 0 || missing > 2*duration(1, 32000)+2 {
				t.Fatalf("%v of %v were not heard", missing, at-from)
			}
		}
		for _, b := range script[:min(len(script), 50)] {
			if b >= 250 { // a jump
				for w := range k.Rest() {
					check(w)
				}
				ended()
				at += time.Duration(b) * time.Millisecond
				from, to = at, at
			}
			x := noise(int(b)*7, uint64(b))
			for w := range k.Windows(block(int(rate), at, x, x)) {
				check(w)
			}
			at += duration(int64(len(x)), int64(rate))
		}
		for w := range k.Rest() {
			check(w)
		}
		ended()
	})
}

func TestConfig(t *testing.T) {
	good := Config{Rate: 32000, Window: 40960, Hop: 32000}
	if good.Lead() != 4480 {
		t.Errorf("lead %d", good.Lead())
	}
	for _, c := range []struct {
		Config
		rate, channels int
	}{{good, 7999, 1}, {good, 192001, 1}, {good, 48000, 0}, {good, 48000, frame.ChannelsMax + 1},
		{Config{}, 48000, 1}, {Config{32000, 100, 101, false}, 48000, 1}, {Config{32000, 100, 0, true}, 48000, 1}, {Config{0, 100, 100, false}, 48000, 1}} {
		if _, err := New(c.Config, c.rate, c.channels); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
