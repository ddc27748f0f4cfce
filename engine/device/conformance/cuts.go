package conformance

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/kernels"
	"github.com/streamvet/streamvet/engine/frame"
)

// A backend cuts a picture into pieces that are worked on at the same time: strips,
// tiles, vectors. These tests look at pictures that end just before and just after
// such cuts, at the longest sides, and at samples that vectors cannot load.

// cutSizes lie around multiples of 16, 64 and 128, and around those plus the
// samples beside a piece that its measures look at.
var cutSizes = [][2]int{
	{128, 64}, {129, 64}, {128, 65}, {136, 63}, {137, 16}, {264, 66}, {265, 63}, {511, 18}, {513, 19},
	{1, 137}, {137, 1}, {31, 17}, {33, 19},
}

// measuresCut compares measures with the reference where the work is cut.
func measuresCut(t *testing.T, open func() (device.Device, error)) {
	for _, name := range []string{"nv12", "p010le", "yuv422p10le", "gray"} {
		for _, size := range cutSizes {
			w, h := size[0], size[1]
			for kind, c := range map[string]content{
				"scene": scene(3), "framed": framed(w, h), "black": speck(w, h), "zero": constant(0, 0, 0), "rim": rim(w, h), "grain": grain(9),
			} {
				t.Run(fmt.Sprintf("%s %dx%d %s", name, w, h, kind), func(t *testing.T) { measuresOf(t, open, w, h, formats[name], c) })
			}
		}
	}
	t.Run("the widest", func(t *testing.T) {
		measuresOf(t, open, kernels.SideMax, 3, formats["nv12"], framed(kernels.SideMax, 3))
	})
	t.Run("the tallest", func(t *testing.T) {
		measuresOf(t, open, 3, kernels.SideMax, formats["nv12"], framed(3, kernels.SideMax))
	})
}

func measuresOf(t *testing.T, open func() (device.Device, error), w, h int, f frame.Format, c content) {
	before, p := newPicture(t, w, h, f, 0).paint(noise(5)), newPicture(t, w, h, f, 3).paint(c)
	same(t, newRig(t, open).measure(before.Video, p.Video), newRig(t, openReference).measure(before.Video, p.Video))
}

// framed has bars on all four sides.
func framed(w, h int) content {
	return luma(func(x, y int) float64 {
		if x < w/3 || x >= w-w/5 || y < h/4 || y >= h-h/7 {
			return float64(20 + (x+y)%8)
		}
		return float64(60 + (7*x+13*y)%100)
	})
}

// speck is black but for one sample, which is no bar by its spread alone.
func speck(w, h int) content {
	return luma(func(x, y int) float64 {
		if x == w-w/4-1 && y == h/3 {
			return 30
		}
		return 16
	})
}

// rim stands out on all sides, where there is nothing to compare it with.
func rim(w, h int) content {
	return luma(func(x, y int) float64 {
		if x == 0 || y == 0 || x == w-1 || y == h-1 {
			return 200
		}
		return 60
	})
}

// grain is noise of a level that falls into the middle of its histogram.
func grain(seed uint64) content {
	r := rand.New(rand.NewPCG(seed, 4))
	return luma(func(int, int) float64 { return 120 + 8*r.NormFloat64() })
}

// planesAnywhere compares measures and tensors of planes whose rows begin at any
// address with the reference; the last are those of vectors, but for their end.
func planesAnywhere(t *testing.T, open func() (device.Device, error)) {
	for name, format := range formats {
		for _, k := range []struct{ w, pad, shift int }{{161, 0, 1}, {161, 1, 3}, {161, 5, 5}, {47, 1, 0}} {
			t.Run(fmt.Sprintf("%s %d of %d samples at %d", name, k.w, k.w+k.pad, k.shift), func(t *testing.T) {
				const h = 35
				size := format.SampleBytes()
				before, p := newPicture(t, k.w, h, format, k.pad).paint(scene(1)), newPicture(t, k.w, h, format, k.pad).paint(scene(2))
				r, reference := newRig(t, open), newRig(t, openReference)
				same(t, r.measure(r.placed(before, size), r.placed(p, k.shift*size)), reference.measure(before.Video, p.Video))
				for i, c := range conversions(k.w, h) {
					c.Width, c.Height, c.Format = k.w, h, format
					if got, want := r.put(c, r.placed(p, k.shift*size)), reference.put(c, p.Video); firstDifference(got, want) >= 0 {
						t.Errorf("conversion %d differs at byte %d", i, firstDifference(got, want))
					}
				}
			})
		}
	}
}

// wordsBeyondDepth compares with the reference pictures of a damaged file, whose
// words have bits above their depth.
func wordsBeyondDepth(t *testing.T, open func() (device.Device, error)) {
	for _, name := range []string{"yuv420p10le", "yuv444p12le", "gray10le"} {
		t.Run(name, func(t *testing.T) {
			draw := rand.New(rand.NewPCG(6, 6))
			p := newPicture(t, 70, 40, formats[name], 2)
			for i := range 3 {
				w, h := p.size(i)
				for y := range h {
					for x := range w {
						p.set(i, x, y, draw.IntN(1<<16)>>draw.IntN(8))
					}
				}
			}
			r, reference := newRig(t, open), newRig(t, openReference)
			same(t, r.measure(p.Video), reference.measure(p.Video))
			for k, c := range conversions(70, 40) {
				c.Width, c.Height, c.Format = 70, 40, p.Format
				if got, want := r.put(c, p.Video), reference.put(c, p.Video); firstDifference(got, want) >= 0 {
					t.Errorf("conversion %d differs at byte %d", k, firstDifference(got, want))
				}
			}
		})
	}
}

// placed gives p in the device's memory with the pitches that it has, each plane
// so many bytes after an aligned address. No uploader would lay it out like that; a
// decoder that crops may.
func (r *rig) placed(p *picture, shift int) *frame.Video {
	r.Helper()
	f := &frame.Video{Mem: r.Mem(), Format: p.Format, Width: p.Width, Height: p.Height, Colour: p.Colour}
	f.Arm(nil)
	for i, plane := range p.Planes {
		if plane.Data == nil {
			continue
		}
		w, h := p.size(min(i, 1))
		row := w * p.Format.SampleBytes()
		if i > 0 && p.Format.Interleaved {
			row *= 2
		}
		bytes := unsafe.Slice((*byte)(plane.Data), plane.Pitch*(h-1)+row)
		f.Planes[i] = frame.Plane{Data: unsafe.Add(r.bytes(bytes, shift), shift), Pitch: plane.Pitch}
	}
	return f
}

// bytes gives an aligned address in the device's memory, with b so many bytes
// after it. They get there as a picture that is put into a tensor.
func (r *rig) bytes(b []byte, shift int) unsafe.Pointer {
	r.Helper()
	const width = 64
	lines := newPicture(r.TB, width, (len(b)+shift+width-1)/width, formats["gray"], 0)
	for i, v := range b {
		lines.set(0, (i+shift)%width, (i+shift)/width, int(v))
	}
	c := device.PlanConfig{
		Width: width, Height: lines.Height, Format: lines.Format, Filter: device.None,
		OutWidth: width, OutHeight: lines.Height, Type: device.U8,
	}
	x := r.tensor(shapeOf(c, 1), c.Type)
	if err := r.plan(c).Put(r.reach(lines.Video), x, 0); err != nil {
		r.Fatalf("put: %v", err)
	}
	return x.Ptr()
}

// picturesAtRandom compares with the reference what nobody thought of.
func picturesAtRandom(t *testing.T, open func() (device.Device, error)) {
	for seed := range uint64(40) {
		Random(t, open, 1000+seed)
	}
}
