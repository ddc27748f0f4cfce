// Package conformance is the test that every device must pass: the same bits as
// the reference bodies of package kernels for pictures of every kind, measures
// that mean what frame.Measures says, and an orderly life from open to close.
package conformance

import (
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cpu"
	"github.com/streamvet/streamvet/engine/frame"
)

// Run tests the device that open makes.
func Run(t *testing.T, open func() (device.Device, error)) {
	t.Run("close", func(t *testing.T) { closes(t, open) })
	open = lend(t, open)
	t.Run("tensors have the bits of the reference", func(t *testing.T) { tensorsMatch(t, open) })
	t.Run("tensors hold what was asked for", func(t *testing.T) { tensorsMean(t, open) })
	t.Run("rows do not touch each other", func(t *testing.T) { rowsKeepApart(t, open) })
	t.Run("measures have the bits of the reference", func(t *testing.T) { measuresMatch(t, open) })
	t.Run("measures agree with their description", func(t *testing.T) { measuresMean(t, open) })
	t.Run("measures of known pictures", func(t *testing.T) { measuresKnown(t, open) })
	t.Run("measures where the work is cut", func(t *testing.T) { measuresCut(t, open) })
	t.Run("planes anywhere in memory", func(t *testing.T) { planesAnywhere(t, open) })
	t.Run("words beyond their depth", func(t *testing.T) { wordsBeyondDepth(t, open) })
	t.Run("pictures at random", func(t *testing.T) { picturesAtRandom(t, open) })
	t.Run("the meter compares with the picture before", func(t *testing.T) { meterRemembers(t, open) })
	t.Run("the meter is a bounded queue", func(t *testing.T) { meterQueues(t, open) })
	t.Run("the meter adapts to other pictures", func(t *testing.T) { meterAdapts(t, open) })
	t.Run("pictures are given back", func(t *testing.T) { picturesReturn(t, open) })
	t.Run("uploads are the pictures", func(t *testing.T) { uploadsMatch(t, open) })
	t.Run("uploads say what the pictures say", func(t *testing.T) { uploadsDescribe(t, open) })
	t.Run("uploads outlive what they are of", func(t *testing.T) { uploadsLast(t, open) })
	t.Run("uploads that make no sense are refused", func(t *testing.T) { uploadsRefused(t, open) })
	t.Run("readbacks bring the bytes", func(t *testing.T) { readbacksMatch(t, open) })
	t.Run("readbacks that make no sense are refused", func(t *testing.T) { readbacksRefused(t, open) })
	t.Run("streams wait for each other", func(t *testing.T) { streamsOrder(t, open) })
	t.Run("misfits are refused", func(t *testing.T) { misfitsRefused(t, open) })
	t.Run("plans that make no sense are refused", func(t *testing.T) { plansRefused(t, open) })
}

// lend opens one device for all tests: a GPU takes its time to open.
func lend(t *testing.T, open func() (device.Device, error)) func() (device.Device, error) {
	t.Helper()
	d, err := open()
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close of the device: %v", err)
		}
	})
	return func() (device.Device, error) { return lent{d}, nil }
}

// lent is a device that who borrowed it does not close.
type lent struct{ device.Device }

func (lent) Close() error { return nil }

// rig is a device under test with what a test needs around it. Every method
// fails the test instead of returning an error.
type rig struct {
	testing.TB
	device.Device
	stream device.Stream
}

func newRig(t testing.TB, open func() (device.Device, error)) *rig {
	t.Helper()
	d, err := open()
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	s, err := d.NewStream()
	if err != nil {
		t.Fatalf("stream: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close of the stream: %v", err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("close of the device: %v", err)
		}
	})
	return &rig{TB: t, Device: d, stream: s}
}

func openReference() (device.Device, error) { return cpu.Open(cpu.Options{Form: cpu.Reference}) }

// reach gives f as the device can read it, for the length of the test.
func (r *rig) reach(f *frame.Video) *frame.Video {
	r.Helper()
	if f.Mem == r.Mem() {
		return f
	}
	u := r.uploader()
	g, err := u.Upload(f)
	if err != nil {
		r.Fatalf("upload: %v", err)
	}
	r.Cleanup(g.Release)
	if err := u.Close(); err != nil {
		r.Fatalf("close of an uploader: %v", err)
	}
	return g
}

func (r *rig) uploader() device.Uploader {
	r.Helper()
	u, err := r.NewUploader(r.stream)
	if err != nil {
		r.Fatalf("uploader: %v", err)
	}
	r.Cleanup(func() {
		if err := u.Close(); err != nil {
			r.Errorf("close of an uploader: %v", err)
		}
	})
	return u
}

func (r *rig) tensor(s device.Shape, t device.DType) device.Tensor {
	r.Helper()
	x, err := r.NewTensor(s, t)
	if err != nil {
		r.Fatalf("tensor: %v", err)
	}
	r.Cleanup(func() {
		if err := x.Close(); err != nil {
			r.Errorf("close of a tensor: %v", err)
		}
	})
	return x
}

// content is a copy of the tensor once the queued work is done.
func (r *rig) content(x device.Tensor) []byte {
	r.Helper()
	n := x.Shape().Elements() * x.DType().Bytes()
	return r.read(r.stream, r.readback(n), x, 0, n)
}

func (r *rig) readback(bytes int) device.Readback {
	r.Helper()
	b, err := r.NewReadback(bytes, device.ForEvidence)
	if err != nil {
		r.Fatalf("readback: %v", err)
	}
	r.Cleanup(func() {
		if err := b.Close(); err != nil {
			r.Errorf("close of a readback: %v", err)
		}
	})
	return b
}

// read gives a copy of n bytes of x.
func (r *rig) read(s device.Stream, b device.Readback, x device.Tensor, offset, n int) []byte {
	r.Helper()
	if err := b.Copy(s, x, offset, n); err != nil {
		r.Fatalf("readback of %d bytes at %d: %v", n, offset, err)
	}
	bytes, err := b.Wait()
	if err != nil {
		r.Fatalf("readback of %d bytes at %d: %v", n, offset, err)
	}
	return append([]byte(nil), bytes...)
}

func (r *rig) plan(c device.PlanConfig) device.Plan {
	r.Helper()
	p, err := r.NewPlan(r.stream, c)
	if err != nil {
		r.Fatalf("plan %+v: %v", c, err)
	}
	r.Cleanup(func() {
		if err := p.Close(); err != nil {
			r.Errorf("close of a plan: %v", err)
		}
	})
	return p
}

// put converts f by c into a tensor of one row and gives its content.
func (r *rig) put(c device.PlanConfig, f *frame.Video) []byte {
	r.Helper()
	x := r.tensor(shapeOf(c, 1), c.Type)
	if err := r.plan(c).Put(r.reach(f), x, 0); err != nil {
		r.Fatalf("put: %v", err)
	}
	return r.content(x)
}

func shapeOf(c device.PlanConfig, rows int) device.Shape {
	s := device.Shape{N: rows, C: 1, H: c.OutHeight, W: c.OutWidth}
	if c.Channels == device.RGB {
		s.C = 3
	}
	return s
}

func (r *rig) meter() device.Meter {
	r.Helper()
	m, err := r.NewMeter(r.stream)
	if err != nil {
		r.Fatalf("meter: %v", err)
	}
	r.Cleanup(func() {
		if err := m.Close(); err != nil {
			r.Errorf("close of a meter: %v", err)
		}
	})
	return m
}

// measure gives the measures of the last picture of a track.
func (r *rig) measure(track ...*frame.Video) frame.Measures {
	r.Helper()
	m := r.meter()
	var out frame.Measures
	for _, f := range track {
		if err := m.Measure(r.reach(f)); err != nil {
			r.Fatalf("measure: %v", err)
		}
		if ready, err := m.Next(&out, true); err != nil || !ready {
			r.Fatalf("next: %v, %v", ready, err)
		}
	}
	return out
}
