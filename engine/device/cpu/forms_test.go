package cpu_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/conformance"
	"github.com/streamvet/streamvet/engine/device/cpu"
	"github.com/streamvet/streamvet/engine/frame"
)

// FuzzForms compares every form with the reference on random pictures.
func FuzzForms(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		for _, form := range forms[1:] {
			if form.Runs() {
				conformance.Random(t, func() (device.Device, error) { return cpu.Open(cpu.Options{Form: form}) }, seed)
			}
		}
	})
}

// bench is a device with two pictures of natural statistics, in memory of its own.
type bench struct {
	testing.TB
	device.Device
	pictures [2]*frame.Video
}

func newBench(t testing.TB, form cpu.Form, w, h int, format frame.Format) *bench {
	t.Helper()
	d, err := cpu.Open(cpu.Options{Form: form})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bench{TB: t, Device: d}
	for i := range b.pictures {
		b.pictures[i] = b.picture(uint64(i), w, h, format)
	}
	return b
}

func (b *bench) tensor(s device.Shape, t device.DType) device.Tensor {
	b.Helper()
	x, err := b.NewTensor(s, t)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { x.Close() })
	return x
}

// picture is planar; its rows are padded as decoders pad them.
func (b *bench) picture(seed uint64, w, h int, format frame.Format) *frame.Video {
	b.Helper()
	r := rand.New(rand.NewPCG(seed, 4))
	f := &frame.Video{Width: w, Height: h, Format: format}
	f.Arm(nil)
	size := format.SampleBytes()
	for i := range f.Planes {
		pw, ph := w, h
		if i > 0 {
			pw, ph = format.ChromaSize(w, h)
		}
		pitch := (pw*size + 63) &^ 63
		x := b.tensor(device.Shape{N: 1, C: 1, H: ph, W: pitch}, device.U8)
		f.Planes[i] = frame.Plane{Data: x.Ptr(), Pitch: pitch}
		samples := unsafe.Slice((*byte)(x.Ptr()), pitch*ph)
		for y := range ph {
			for x := range pw {
				v := 40 + x/13 + y/11 + 60*(x/97%2) + r.IntN(5)
				samples[y*pitch+x*size] = byte(v)
				if size == 2 {
					samples[y*pitch+x*size], samples[y*pitch+x*size+1] = byte(v<<2), byte(v>>6)
				}
			}
		}
	}
	return f
}

func (b *bench) meter() device.Meter {
	b.Helper()
	m, err := b.NewMeter(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	return m
}

// measurer measures the two pictures by turns.
func (b *bench) measurer() func() {
	m := b.meter()
	var out frame.Measures
	i := 0
	return func() {
		if err := m.Measure(b.pictures[i]); err != nil {
			b.Fatal(err)
		}
		if ready, err := m.Next(&out, true); err != nil || !ready {
			b.Fatal(ready, err)
		}
		i = 1 - i
	}
}

func (b *bench) putter(c device.PlanConfig) func() {
	f := b.pictures[0]
	c.Width, c.Height, c.Format, c.Colour = f.Width, f.Height, f.Format, f.Colour
	p, err := b.NewPlan(nil, c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Close() })
	s := device.Shape{N: 4, C: 1, H: c.OutHeight, W: c.OutWidth}
	if c.Channels == device.RGB {
		s.C = 3
	}
	x, i := b.tensor(s, c.Type), 0
	return func() {
		if err := p.Put(b.pictures[i&1], x, i&3); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

var (
	yuv420p     = frame.Format{BitDepth: 8, ChromaShiftX: 1, ChromaShiftY: 1}
	yuv420p10le = frame.Format{BitDepth: 10, ChromaShiftX: 1, ChromaShiftY: 1}
)

// puts are what detectors and evidence ask for.
var puts = map[string]device.PlanConfig{
	"luma none u8":         {Channels: device.Luma, Filter: device.None, OutWidth: 1920, OutHeight: 1088, Type: device.U8},
	"luma none f32":        {Channels: device.Luma, Filter: device.None, OutWidth: 1920, OutHeight: 1088, Type: device.F32},
	"rgb area u8 320x180":  {Channels: device.RGB, Filter: device.Area, OutWidth: 320, OutHeight: 180, Type: device.U8},
	"rgb area f32 224x224": {Channels: device.RGB, Filter: device.Area, OutWidth: 224, OutHeight: 224, Type: device.F32},
	"rgb area f32 640x360": {Channels: device.RGB, Filter: device.Area, OutWidth: 640, OutHeight: 360, Type: device.F32},
	"rgb bilinear f32 224": {Channels: device.RGB, Filter: device.Bilinear, OutWidth: 224, OutHeight: 224, Type: device.F32},
}

func TestFramesCostNoAllocation(t *testing.T) {
	b := newBench(t, cpu.Auto, 192, 108, yuv420p)
	if n := testing.AllocsPerRun(50, b.measurer()); n != 0 {
		t.Errorf("%v allocations to measure a picture", n)
	}
	put := b.putter(device.PlanConfig{Channels: device.RGB, OutWidth: 32, OutHeight: 18, Type: device.U8})
	if n := testing.AllocsPerRun(50, put); n != 0 {
		t.Errorf("%v allocations to put a picture", n)
	}
}

// A picture of the largest size: sums reach their bounds.
func TestLargestPicture(t *testing.T) {
	if testing.Short() {
		t.Skip("half a gigabyte")
	}
	const side = 16384
	b := newBench(t, cpu.Auto, 1, 1, yuv420p)
	f := &frame.Video{Width: side, Height: side, Format: frame.Format{BitDepth: 8, Mono: true}}
	f.Arm(nil)
	x := b.tensor(device.Shape{N: 1, C: 1, H: side, W: side}, device.U8)
	f.Planes[0] = frame.Plane{Data: x.Ptr(), Pitch: side}
	samples := unsafe.Slice((*byte)(x.Ptr()), side*side)
	for i := range samples {
		samples[i] = byte(-(i & 1)) // columns of 0 and 255: the largest steps, squares and noise
	}
	m := b.meter()
	var out frame.Measures
	if err := m.Measure(f); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Next(&out, true); err != nil {
		t.Fatal(err)
	}
	pixels := uint64(side * side)
	for name, v := range map[string][2]uint64{
		"Sum": {out.Sum, pixels / 2 * 255}, "SumSq": {out.SumSq, pixels / 2 * 65025},
		"GradientSq1":    {out.GradientSq1, side * (side - 1) * 65025},
		"Laplacian":      {out.Laplacian, (side - 2) * (side - 2) * 510},
		"CombColumns":    {uint64(out.CombColumns), side * (side - 2)},
		"EdgeColumns[3]": {out.EdgeColumns[3], pixels / 16 * 32},
		"Histogram[63]":  {uint64(out.Histogram[63]), pixels / 8},
	} {
		if v[0] != v[1] {
			t.Errorf("%s is %d, want %d", name, v[0], v[1])
		}
	}
	row := b.tensor(device.Shape{N: 1, C: 1, H: 1, W: 1}, device.F32)
	p, err := b.NewPlan(nil, device.PlanConfig{Width: side, Height: side, Format: f.Format, OutWidth: 1, OutHeight: 1, Type: device.F32})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Put(f, row, 0); err != nil {
		t.Fatal(err)
	}
	if got := *(*float32)(row.Ptr()); got < 0.49999 || got > 0.50001 {
		t.Errorf("the mean of 2^28 samples is %v, want 0.5", got)
	}
}

func BenchmarkMeasure(b *testing.B) {
	for name, format := range map[string]frame.Format{"8 bit": yuv420p, "10 bit": yuv420p10le} {
		for _, form := range forms[1:] {
			if form.Runs() {
				b.Run(fmt.Sprintf("1080p %s %v", name, form), func(b *testing.B) {
					run(b, newBench(b, form, 1920, 1080, format).measurer())
				})
			}
		}
	}
}

func BenchmarkPut(b *testing.B) {
	for name, c := range puts {
		for _, form := range forms[1:] {
			if form.Runs() {
				b.Run(fmt.Sprintf("1080p %s %v", name, form), func(b *testing.B) {
					run(b, newBench(b, form, 1920, 1080, yuv420p).putter(c))
				})
			}
		}
	}
}

// run reports processor time too: on a busy machine the clock says little.
func run(b *testing.B, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ReportAllocs()
	before := threadTime(b)
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64((threadTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func threadTime(b *testing.B) time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
