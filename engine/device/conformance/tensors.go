package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// conversions of a picture of w by h: every filter, both kinds of channels, all
// types, smaller and larger, with and without letterbox and normalisation.
func conversions(w, h int) []device.PlanConfig {
	mean, std := [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	return []device.PlanConfig{
		{Channels: device.Luma, Filter: device.None, OutWidth: w, OutHeight: h, Type: device.U8},
		{Channels: device.Luma, Filter: device.None, OutWidth: w + 13, OutHeight: h + 5, Type: device.F32, Mean: mean, Std: std},
		{Channels: device.RGB, Filter: device.None, OutWidth: w + 1, OutHeight: h + 2, Type: device.U8},
		{Channels: device.RGB, Filter: device.Area, OutWidth: max(w/6, 1), OutHeight: max(h/6, 1), Type: device.U8},
		{Channels: device.RGB, Filter: device.Area, OutWidth: 29, OutHeight: 31, Type: device.F32, Letterbox: true, Pad: 114, Mean: mean, Std: std},
		{Channels: device.Luma, Filter: device.Area, OutWidth: w*2 + 1, OutHeight: h + 3, Type: device.F16},
		{Channels: device.RGB, Filter: device.Bilinear, OutWidth: 48, OutHeight: 27, Type: device.F32},
		{Channels: device.Luma, Filter: device.Bilinear, OutWidth: 45, OutHeight: 64, Type: device.U8, Letterbox: true, Pad: 16},
	}
}

// eachConversion calls f for all formats, sizes and conversions.
func eachConversion(t *testing.T, f func(t *testing.T, c device.PlanConfig, p *picture)) {
	for name, format := range formats {
		for i, size := range sizes {
			w, h := size[0], size[1]
			c := frame.Colour{Matrix: frame.Matrix(i % 4), FullRange: i%2 == 1}
			for k, conversion := range conversions(w, h) {
				t.Run(fmt.Sprintf("%s %dx%d %d", name, w, h, k), func(t *testing.T) {
					p := newPicture(t, w, h, format, 3*(i%3)).paint(noise(uint64(i)))
					p.Colour = c
					conversion.Width, conversion.Height, conversion.Format, conversion.Colour = w, h, format, c
					f(t, conversion, p)
				})
			}
		}
	}
}

func tensorsMatch(t *testing.T, open func() (device.Device, error)) {
	eachConversion(t, func(t *testing.T, c device.PlanConfig, p *picture) {
		want := newRig(t, openReference).put(c, p.Video)
		got := newRig(t, open).put(c, p.Video)
		if i := firstDifference(got, want); i >= 0 {
			t.Fatalf("byte %d of %d is %d, the reference has %d", i, len(want), got[i], want[i])
		}
	})
}

func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func tensorsMean(t *testing.T, open func() (device.Device, error)) {
	eachConversion(t, func(t *testing.T, c device.PlanConfig, p *picture) {
		if c.Type == device.F16 {
			c.Type = device.F32 // the narrower type is the reference's business
		}
		got := newRig(t, open).put(c, p.Video)
		s := shapeOf(c, 1)
		for i := range s.Elements() {
			ch, y, x := i/(s.H*s.W), i/s.W%s.H, i%s.W
			want, slack := ideal(c, p, ch, x, y)
			var v float64
			if c.Type == device.U8 {
				v, slack = float64(got[i]), slack+0.5
			} else {
				v = denormalise(c, ch, float64(math.Float32frombits(binary.LittleEndian.Uint32(got[4*i:]))))
			}
			if math.Abs(v-want) > slack+1e-3 {
				t.Fatalf("channel %d at (%d,%d) is %.3f, want %.3f within %.3f", ch, x, y, v, want, slack)
			}
		}
	})
}

// denormalise gives back the value in 0..255.
func denormalise(c device.PlanConfig, ch int, v float64) float64 {
	std := float64(c.Std[ch])
	if std == 0 {
		std = 1
	}
	return (v*std + float64(c.Mean[ch])) * 255
}

// ideal is the value in 0..255 at a place of the tensor, in real numbers, and by
// how much the fixed-point weights may miss it.
func ideal(c device.PlanConfig, p *picture, ch, x, y int) (v, slack float64) {
	w, h, left, top := box(c)
	x, y = x-left, y-top
	if x < 0 || y < 0 || x >= w || y >= h {
		return float64(c.Pad), 0.01
	}
	var yuv [3]float64
	for i := range 3 {
		if i > 0 && (p.Format.Mono || c.Channels == device.Luma) {
			yuv[i] = 128
			continue
		}
		var s float64
		yuv[i], s = resample(c, p, i, x, y, w, h)
		slack = max(slack, s)
	}
	if c.Channels == device.Luma {
		return min(yuv[0], 255), slack
	}
	return toRGB(c, yuv)[ch], 4 * slack // no row of the matrix amplifies by more in all
}

func box(c device.PlanConfig) (w, h, left, top int) {
	w, h = c.OutWidth, c.OutHeight
	if c.Letterbox {
		if c.Width*h > w*c.Height {
			h = max(w*c.Height/c.Width, 1)
		} else {
			w = max(h*c.Width/c.Height, 1)
		}
	}
	return w, h, (c.OutWidth - w) / 2, (c.OutHeight - h) / 2
}

func resample(c device.PlanConfig, p *picture, plane, x, y, w, h int) (v, slack float64) {
	unit := float64(int(1) << (p.Format.BitDepth - 8))
	pw, ph := p.size(plane)
	at := func(x, y int) float64 {
		return float64(p.at(plane, min(max(x, 0), pw-1), min(max(y, 0), ph-1))) / unit
	}
	if c.Filter == device.None {
		x, y = min(x, p.Width-1), min(y, p.Height-1)
		if plane > 0 {
			x, y = x>>p.Format.ChromaShiftX, y>>p.Format.ChromaShiftY
		}
		return at(x, y), 0
	}
	sx, sy := float64(pw)/float64(w), float64(ph)/float64(h)
	if c.Filter == device.Bilinear {
		fx, fy := (float64(x)+0.5)*sx-0.5, (float64(y)+0.5)*sy-0.5
		x0, y0 := math.Floor(fx), math.Floor(fy)
		ax, ay := fx-x0, fy-y0
		i, j := int(x0), int(y0)
		return (1-ay)*((1-ax)*at(i, j)+ax*at(i+1, j)) + ay*((1-ax)*at(i, j+1)+ax*at(i+1, j+1)), 255.0 * 2 / 2048
	}
	sum, weight := 0.0, 0.0
	for j := int(float64(y) * sy); float64(j) < float64(y+1)*sy; j++ {
		wy := min(float64(j+1), float64(y+1)*sy) - max(float64(j), float64(y)*sy)
		for i := int(float64(x) * sx); float64(i) < float64(x+1)*sx; i++ {
			wx := min(float64(i+1), float64(x+1)*sx) - max(float64(i), float64(x)*sx)
			sum, weight = sum+wx*wy*at(i, j), weight+wx*wy
		}
	}
	// Edges of the footprint are rounded to 1/256 sample.
	return sum / weight, 255 * (2.0/256/sx + 2.0/256/sy)
}

// toRGB is the inverse of the YCbCr definition of ITU-R BT.601, 709 and 2020.
func toRGB(c device.PlanConfig, yuv [3]float64) [3]float64 {
	kr, kb := 0.299, 0.114
	switch {
	case c.Colour.Matrix == frame.MatrixBT709, c.Colour.Matrix == frame.MatrixUnknown && c.Height >= 720:
		kr, kb = 0.2126, 0.0722
	case c.Colour.Matrix == frame.MatrixBT2020:
		kr, kb = 0.2627, 0.0593
	}
	y, cb, cr := (yuv[0]-16)/219, (yuv[1]-128)/224, (yuv[2]-128)/224
	if c.Colour.FullRange {
		unit := float64(int(1) << (c.Format.BitDepth - 8))
		most := float64(int(1)<<c.Format.BitDepth-1) / unit
		y, cb, cr = yuv[0]/most, (yuv[1]-128)/most, (yuv[2]-128)/most
	}
	r, b := y+2*(1-kr)*cr, y+2*(1-kb)*cb
	g := (y - kr*r - kb*b) / (1 - kr - kb)
	var out [3]float64
	for i, v := range [3]float64{r, g, b} {
		out[i] = 255 * min(max(v, 0), 1)
	}
	return out
}

// rowsKeepApart puts pictures into the rows of one tensor, in any order.
func rowsKeepApart(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	c := device.PlanConfig{
		Width: 40, Height: 30, Format: formats["yuv420p"], Channels: device.RGB, Filter: device.Area,
		OutWidth: 20, OutHeight: 10, Type: device.U8,
	}
	x, p := r.tensor(shapeOf(c, 4), c.Type), r.plan(c)
	for _, n := range []int{3, 0, 2} {
		grey := float64(40 * (n + 1))
		if err := p.Put(r.reach(newPicture(t, 40, 30, c.Format, 0).paint(constant(grey, 128, 128)).Video), x, n); err != nil {
			t.Fatal(err)
		}
	}
	row := shapeOf(c, 1).Elements()
	for i, v := range r.content(x) {
		want := 0.0 // row 1 was never put: tensors begin zeroed
		if n := i / row; n != 1 {
			want = math.Round(float64(40*(n+1)-16) * 255 / 219)
		}
		if float64(v) != want {
			t.Fatalf("element %d of row %d is %d, want %v", i%row, i/row, v, want)
		}
	}
}
