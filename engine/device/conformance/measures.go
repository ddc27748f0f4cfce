package conformance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// eachTrack calls f for pairs of pictures of all formats and sizes.
func eachTrack(t *testing.T, f func(t *testing.T, before, p *picture)) {
	for name, format := range formats {
		for i, size := range sizes {
			for kind, paint := range map[string]func(uint64) content{"noise": noise, "scene": scene} {
				t.Run(fmt.Sprintf("%s %dx%d %s", name, size[0], size[1], kind), func(t *testing.T) {
					before := newPicture(t, size[0], size[1], format, 2*(i%3)).paint(paint(1))
					f(t, before, newPicture(t, size[0], size[1], format, 5*(i%2)).paint(paint(2)))
				})
			}
		}
	}
}

func measuresMatch(t *testing.T, open func() (device.Device, error)) {
	eachTrack(t, func(t *testing.T, before, p *picture) {
		same(t, newRig(t, open).measure(before.Video, p.Video), newRig(t, openReference).measure(before.Video, p.Video))
	})
}

func measuresMean(t *testing.T, open func() (device.Device, error)) {
	eachTrack(t, func(t *testing.T, before, p *picture) {
		same(t, newRig(t, open).measure(before.Video, p.Video), describe(p, before))
		same(t, newRig(t, open).measure(p.Video), describe(p, nil))
	})
}

// same reports the fields that differ.
func same(t testing.TB, got, want frame.Measures) {
	t.Helper()
	if got == want {
		return
	}
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if a, b := g.Field(i).Interface(), w.Field(i).Interface(); a != b {
			t.Errorf("%s is %v, want %v", g.Type().Field(i).Name, a, b)
		}
	}
}

// measuresKnown compares single measures with numbers that a pencil gives.
func measuresKnown(t *testing.T, open func() (device.Device, error)) {
	still := func(c content) []content { return []content{c} }
	for name, k := range map[string]struct {
		w, h  int
		track []content
		check func(t *testing.T, m *frame.Measures)
	}{
		"a constant picture": {64, 48, still(constant(90, 100, 200)), func(t *testing.T, m *frame.Measures) {
			equal(t, "Sum", m.Sum, 64*48*90)
			equal(t, "SumSq", m.SumSq, 64*48*90*90)
			equal(t, "Histogram[22]", uint64(m.Histogram[22]), 64*12)
			equal(t, "USum", m.USum, 32*24*100)
			equal(t, "VMax", uint64(m.VMax), 200)
			equal(t, "NoiseHistogram[0]", uint64(m.NoiseHistogram[0]), 12)
			equal(t, "BandFlat", uint64(m.BandFlat), uint64(m.BandSamples))
			equal(t, "GridV[575]", uint64(m.GridV[575]), 200)
			zero(t, m.Laplacian, m.GradientSq1, m.GradientSq4, uint64(m.CombPixels), uint64(m.EdgeBlocks), uint64(m.BorderTop))
		}},
		"one changed block": {64, 48, []content{constant(50, 128, 128), luma(blockAt(16, 32, 50, 53))}, func(t *testing.T, m *frame.Measures) {
			equal(t, "SAD", m.SAD, 256*3)
			equal(t, "BlocksChanged", fmt.Sprint(m.BlocksChanged), "[1 1 1 0]")
			equal(t, "BlockDiffMax", m.BlockDiffMax, 3*256)
		}},
		"one damaged block": {64, 48, still(luma(blockAt(16, 16, 50, 70))), func(t *testing.T, m *frame.Measures) {
			equal(t, "EdgeBlocks", m.EdgeBlocks, 5) // the block and those that share a side with it
		}},
		"a block off the grid": {64, 48, still(luma(blockAt(20, 20, 50, 70))), func(t *testing.T, m *frame.Measures) {
			equal(t, "EdgeBlocks", m.EdgeBlocks, 0)
		}},
		"a comb": {64, 48, still(luma(func(_, y int) float64 { return 60 + 40*float64(y%2) })), func(t *testing.T, m *frame.Measures) {
			equal(t, "CombPixels", m.CombPixels, 64*46) // not the first and last row
			equal(t, "CombColumns", m.CombColumns, 0)
		}},
		"stripes": {64, 48, still(luma(func(x, _ int) float64 { return 60 + 40*float64(x%2) })), func(t *testing.T, m *frame.Measures) {
			equal(t, "CombPixels", m.CombPixels, 0)
			equal(t, "CombColumns", m.CombColumns, 62*48)
		}},
		"squares of 8": {64, 48, still(luma(func(x, y int) float64 { return 80 + 12*float64((x/8+y/8)%2) })), func(t *testing.T, m *frame.Measures) {
			equal(t, "EdgeColumns", fmt.Sprint(m.EdgeColumns), fmt.Sprint([16]int{0: 3 * 48 * 12, 8: 4 * 48 * 12}))
			equal(t, "EdgeRows", fmt.Sprint(m.EdgeRows), fmt.Sprint([16]int{0: 2 * 64 * 12, 8: 3 * 64 * 12}))
		}},
		"letterbox": {64, 48, still(luma(bars)), func(t *testing.T, m *frame.Measures) {
			equal(t, "borders", fmt.Sprint(m.BorderLeft, m.BorderTop, m.BorderRight, m.BorderBottom), "0 6 0 7")
		}},
		"a step between plateaus": {64, 40, still(luma(func(x, _ int) float64 { return 60 + 2*float64(x/32) })), func(t *testing.T, m *frame.Measures) {
			equal(t, "BandSamples", m.BandSamples, 10*47+6*64) // rows 0..36 across; rows 8..28 down
			equal(t, "BandSteps", fmt.Sprint(m.BandSteps), "[0 10 0 0]")
			equal(t, "BandFlat", m.BandFlat, 10*(15+15)+6*64) // columns 8..22 and 40..54; all downwards
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var track []*frame.Video
			for _, c := range k.track {
				track = append(track, newPicture(t, k.w, k.h, formats["yuv420p"], 0).paint(c).Video)
			}
			m := newRig(t, open).measure(track...)
			k.check(t, &m)
		})
	}
	t.Run("noise of a known sigma", func(t *testing.T) { noiseKnown(t, open) })
	t.Run("edges of a known width", func(t *testing.T) { edgesKnown(t, open) })
}

func blockAt(left, top int, ground, level float64) func(x, y int) float64 {
	return func(x, y int) float64 {
		if x >= left && x < left+16 && y >= top && y < top+16 {
			return level
		}
		return ground
	}
}

func bars(x, y int) float64 {
	if y < 6 || y >= 48-7 {
		return 16 + float64(x%3)
	}
	return 60 + float64(x)
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s is %s, want %s", what, g, w)
	}
}

func zero(t *testing.T, values ...uint64) {
	t.Helper()
	for i, v := range values {
		if v != 0 {
			t.Errorf("value %d is %d, want 0", i, v)
		}
	}
}

// noiseKnown reads the sigma of white noise back: 0.2089 times the mean of the mask.
func noiseKnown(t *testing.T, open func() (device.Device, error)) {
	for _, sigma := range []float64{3, 6, 12} {
		r := rand.New(rand.NewPCG(7, 7))
		p := newPicture(t, 320, 240, formats["gray"], 0).paint(luma(func(int, int) float64 { return 120.5 + sigma*r.NormFloat64() }))
		m := newRig(t, open).measure(p.Video)
		sum := 0.0
		for i, n := range m.NoiseHistogram {
			sum += (2*float64(i) + 1) * float64(n)
		}
		if got := 0.2089 * sum / float64(m.NoiseBlocks); math.Abs(got-sigma) > 0.05*sigma {
			t.Errorf("noise of sigma %v is measured as %.2f", sigma, got)
		}
	}
}

// edgesKnown tells sharp edges from blurred ones by the ratio of gradients.
func edgesKnown(t *testing.T, open func() (device.Device, error)) {
	for _, k := range []struct {
		width int // of the ramp, samples
		ratio float64
	}{{1, 4}, {4, 11}, {16, 14.75}} {
		ramp := func(x, _ int) float64 { return 40 + 160*min(max(float64(x-60)/float64(k.width), 0), 1) }
		p := newPicture(t, 128, 32, formats["gray"], 0).paint(luma(ramp))
		m := newRig(t, open).measure(p.Video)
		if got := float64(m.GradientSq4) / float64(m.GradientSq1); math.Abs(got-k.ratio) > 0.01 {
			t.Errorf("a ramp over %d samples: gradients at 4 are %.2f times those at 1, want %.2f", k.width, got, k.ratio)
		}
	}
}
