package conformance

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// Random compares the device with the reference on a random track of two
// pictures and a random conversion, all drawn from seed: for fuzzing.
func Random(t testing.TB, open func() (device.Device, error), seed uint64) {
	r := rand.New(rand.NewPCG(seed, 3))
	side := func() int { return 1 + r.IntN([]int{8, 48, 300}[r.IntN(3)]) }
	format := frame.Format{
		BitDepth:    []uint8{8, 8, 8, 10, 12, 16}[r.IntN(6)],
		HighAligned: r.IntN(2) == 0, Interleaved: r.IntN(2) == 0, Mono: r.IntN(6) == 0,
		ChromaShiftX: uint8(r.IntN(3)), ChromaShiftY: uint8(r.IntN(3)),
	}
	w, h := side(), side()
	draw := func() *picture {
		c := noise(r.Uint64())
		if r.IntN(3) > 0 {
			c = scene(r.Uint64())
		}
		p := newPicture(t, w, h, format, r.IntN(40)).paint(c)
		p.Colour = frame.Colour{Matrix: frame.MatrixBT709, FullRange: seed%2 == 0}
		return p
	}
	before, p := draw(), draw()
	want := newRig(t, openReference).measure(before.Video, p.Video)
	same(t, newRig(t, open).measure(before.Video, p.Video), want)

	c := device.PlanConfig{
		Width: w, Height: h, Format: format, Colour: p.Colour, Channels: device.Channels(r.IntN(2)),
		Filter: device.Filter(r.IntN(3)), OutWidth: side(), OutHeight: side(), Type: device.DType(1 + r.IntN(3)),
	}
	if c.Filter == device.None {
		c.OutWidth, c.OutHeight = w+r.IntN(40), h+r.IntN(40)
	} else {
		c.Letterbox, c.Pad = r.IntN(2) == 0, float32(r.IntN(256))
	}
	if c.Type != device.U8 {
		c.Mean, c.Std = [3]float32{r.Float32(), r.Float32(), 0}, [3]float32{0.1 + r.Float32(), 0.2, 0}
	}
	if !slices.Equal(newRig(t, open).put(c, p.Video), newRig(t, openReference).put(c, p.Video)) {
		t.Errorf("seed %d: %+v: the tensor differs from the reference", seed, c)
	}
	if t.Failed() {
		t.Logf("seed %d: %dx%d %+v", seed, w, h, format)
	}
}
