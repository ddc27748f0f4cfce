//go:build cuda

package cuda_test

import (
	"log/slog"
	"testing"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cpu"
	"github.com/streamvet/streamvet/engine/device/cuda"
	"github.com/streamvet/streamvet/engine/device/cuda/double"
	"github.com/streamvet/streamvet/engine/frame"
)

var quiet = slog.New(slog.DiscardHandler)

func open() (device.Device, error) { return cuda.Open(cuda.Options{Logger: quiet}) }

// rig is an open GPU with a stream and the other things that a source has.
type rig struct {
	t testing.TB
	device.Device
	stream device.Stream
}

// onDouble is for tests that count what the driver does, or have it fail.
func onDouble(t testing.TB) {
	t.Helper()
	if !double.Active() {
		t.Skip("the driver is a real one")
	}
}

// newRig begins with all counters of the double at zero.
func newRig(t testing.TB) *rig {
	t.Helper()
	if double.Active() {
		double.Reset()
		t.Cleanup(double.Reset)
	}
	d := closing(t, open)
	return &rig{t, d, closing(t, d.NewStream)}
}

func (r *rig) tensor() device.Tensor {
	r.t.Helper()
	return closing(r.t, func() (device.Tensor, error) { return r.NewTensor(tensorShape, plan.Type) })
}

func (r *rig) plan() device.Plan {
	r.t.Helper()
	return closing(r.t, func() (device.Plan, error) { return r.NewPlan(r.stream, plan) })
}

func (r *rig) meter() device.Meter {
	r.t.Helper()
	return closing(r.t, func() (device.Meter, error) { return r.NewMeter(r.stream) })
}

func (r *rig) uploader() device.Uploader {
	r.t.Helper()
	return closing(r.t, func() (device.Uploader, error) { return r.NewUploader(r.stream) })
}

func (r *rig) readback(bytes int, p device.Purpose) device.Readback {
	r.t.Helper()
	return closing(r.t, func() (device.Readback, error) { return r.NewReadback(bytes, p) })
}

// closing gives what make makes, which it closes when the test ends.
func closing[T interface{ Close() error }](t testing.TB, make func() (T, error)) T {
	t.Helper()
	made, err := make()
	check(t, err)
	t.Cleanup(func() {
		if err := made.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return made
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// plan is of the pictures that most tests here are made of.
var (
	plan = device.PlanConfig{
		Width: 48, Height: 32, Format: frame.Format{BitDepth: 8, ChromaShiftX: 1, ChromaShiftY: 1},
		Channels: device.RGB, Filter: device.Area, OutWidth: 12, OutHeight: 8, Type: device.U8,
	}
	tensorShape = device.Shape{N: 2, C: 3, H: 8, W: 12}
)

// grey is a picture of one level in host memory.
func grey(t testing.TB, level byte, width, height int) *frame.Video {
	t.Helper()
	f := &frame.Video{Width: width, Height: height, Format: plan.Format}
	d := closing(t, func() (device.Device, error) { return cpu.Open(cpu.Options{}) })
	for i := range f.Planes {
		w, h := width, height
		if i > 0 {
			w, h = f.Format.ChromaSize(w, h)
		}
		x := closing(t, func() (device.Tensor, error) { return d.NewTensor(device.Shape{N: 1, C: 1, H: h, W: w}, device.U8) })
		f.Planes[i] = frame.Plane{Data: x.Ptr(), Pitch: w}
		fill(x, level)
	}
	f.Arm(nil)
	return f
}

// watched is f with a release that is counted.
func watched(f *frame.Video, released *int) *frame.Video {
	g := &frame.Video{Planes: f.Planes, Mem: f.Mem, Format: f.Format, Width: f.Width, Height: f.Height}
	g.Arm(func(*frame.Video) { *released++ })
	return g
}

func fill(x device.Tensor, level byte) {
	b := unsafe.Slice((*byte)(x.Ptr()), x.Shape().Elements())
	for i := range b {
		b[i] = level
	}
}
