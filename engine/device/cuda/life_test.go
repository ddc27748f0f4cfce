//go:build cuda

package cuda_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cuda"
	"github.com/streamvet/streamvet/engine/device/cuda/double"
	"github.com/streamvet/streamvet/engine/frame"
)

func TestOpenedGPU(t *testing.T) {
	r := newRig(t)
	if double.Active() && r.Name() != "streamvet test double (cuda 0)" {
		t.Errorf("its name is %q", r.Name())
	}
	if r.Context() == 0 || r.stream.Handle() == 0 {
		t.Error("FFmpeg and ONNX Runtime are given no context or no stream")
	}
	if r.Mem() != frame.MemDevice || r.HostReads() != double.Active() {
		t.Errorf("memory of kind %v; the host reads it: %v", r.Mem(), r.HostReads())
	}
}

// All that was allocated is given back, and the context with it.
func TestCloseGivesAllBack(t *testing.T) {
	onDouble(t)
	double.Reset()
	before := double.Counters().Live
	_, _, err := life(t)
	check(t, err)
	if live := double.Counters().Live; live != before {
		t.Errorf("%+v is left, before there was %+v", live, before)
	}
	if c := double.Counters(); c.Errors != 0 || c.Missing != 0 {
		t.Errorf("the driver refused %d calls, and %d it does not have", c.Errors, c.Missing)
	}
}

func TestCloseTellsWhatIsStillOpen(t *testing.T) {
	onDouble(t)
	before := double.Counters().Live
	d, err := open()
	check(t, err)
	x, err := d.NewTensor(tensorShape, plan.Type)
	check(t, err)
	if err := d.Close(); err == nil || !strings.Contains(err.Error(), "1 tensors") {
		t.Errorf("close with a tensor open: %v", err)
	}
	check(t, x.Close())
	if live := double.Counters().Live; live != before {
		t.Errorf("%+v is left, before there was %+v", live, before)
	}
}

// Pictures are kept while the GPU has work to do on them. The double does it when
// somebody waits, and not before.
func TestPicturesStayForTheKernels(t *testing.T) {
	onDouble(t)
	r := newRig(t)
	x, u, m, p := r.tensor(), r.uploader(), r.meter(), r.plan()
	f, err := u.Upload(grey(t, 50, 48, 32))
	check(t, err)
	defer f.Release()
	released := 0
	for name, step := range map[string]func(*frame.Video) error{
		"put": func(g *frame.Video) error { return p.Put(g, x, 0) },
		"measure": func(g *frame.Video) error {
			err := m.Measure(g)
			m.Reset()
			return err
		},
	} {
		released = 0
		g := watched(f, &released)
		check(t, step(g))
		g.Release()
		if released != 0 {
			t.Errorf("%s: the picture is released before it was read", name)
		}
		check(t, r.stream.Sync())
		if released != 1 {
			t.Errorf("%s: the picture is not released after it was read", name)
		}
	}
}

// A stream keeps few pictures, and each of them once.
func TestStreamKeepsFewPictures(t *testing.T) {
	r := newRig(t)
	x, u, p := r.tensor(), r.uploader(), r.plan()
	f, err := u.Upload(grey(t, 50, 48, 32))
	check(t, err)
	defer f.Release()
	released := 0
	for i := range 12 {
		g := watched(f, &released)
		for range 3 {
			check(t, p.Put(g, x, 0))
		}
		if double.Active() && i < 4 && released > 0 {
			t.Fatalf("with %d pictures the first was waited for: each is kept more than once", i)
		}
		g.Release()
		if kept := i + 1 - released; kept > 4 {
			t.Fatalf("%d pictures are kept", kept)
		}
	}
	check(t, r.stream.Sync())
	if released != 12 {
		t.Errorf("%d of 12 pictures were given back", released)
	}
}

func TestUploadedPictures(t *testing.T) {
	onDouble(t)
	r := newRig(t)
	u := r.uploader()
	pictures := func() uint64 { return double.Counters().Live.Allocations }
	none := pictures()
	var out []*frame.Video
	for {
		f, err := u.Upload(grey(t, byte(len(out)), 48, 32))
		if err != nil {
			if len(out) != 8 || !strings.Contains(err.Error(), "8 uploaded pictures were not released") {
				t.Errorf("with %d pictures in use: %v", len(out), err)
			}
			break
		}
		out = append(out, f)
	}
	var all sync.WaitGroup
	for _, f := range out {
		all.Go(f.Release) // from any goroutine
	}
	all.Wait()
	bytes := double.Counters().Live.Bytes
	for range 20 {
		f, err := u.Upload(grey(t, 9, 48, 32))
		check(t, err)
		f.Release()
	}
	if now := double.Counters().Live.Bytes; now != bytes {
		t.Errorf("20 pictures take the memory from %d to %d bytes", bytes, now)
	}
	// Another size: the memory of the first goes.
	wide, err := u.Upload(grey(t, 9, 500, 40))
	check(t, err)
	if n := pictures() - none; n != 1 {
		t.Errorf("%d pictures are in memory, want the one that is in use", n)
	}
	check(t, u.Close())
	wide.Release()
	if n := pictures() - none; n != 0 {
		t.Errorf("%d pictures are left of a closed uploader", n)
	}
	if _, err := u.Upload(grey(t, 9, 48, 32)); !errors.Is(err, device.ErrClosed) {
		t.Errorf("a closed uploader: %v", err)
	}
}

// With all pictures in use, some of them by kernels alone, the next upload waits for those.
func TestUploadWaitsForTheKernels(t *testing.T) {
	r := newRig(t)
	x, u, p := r.tensor(), r.uploader(), r.plan()
	for i := range 16 {
		f, err := u.Upload(grey(t, byte(i), 48, 32))
		if err != nil {
			t.Fatalf("upload %d: %v", i, err)
		}
		if i < 5 {
			defer f.Release()
			continue
		}
		check(t, p.Put(f, x, 0))
		f.Release()
	}
}

// Things of one GPU do not go to another, nor do they go to a stream that is closed.
func TestStrangersAreRefused(t *testing.T) {
	r, other := newRig(t), newRig(t)
	x, p, b := r.tensor(), r.plan(), r.readback(8, device.ForOutputs)
	e := closing(t, other.NewEvent)
	f, err := r.uploader().Upload(grey(t, 9, 48, 32))
	check(t, err)
	defer f.Release()
	gone, err := r.NewStream()
	check(t, err)
	check(t, gone.Close())
	for name, call := range map[string]func() error{
		"a plan for no stream":             func() error { _, err := r.NewPlan(nil, plan); return err },
		"a plan for another's stream":      func() error { _, err := r.NewPlan(other.stream, plan); return err },
		"a meter for a closed stream":      func() error { _, err := r.NewMeter(gone); return err },
		"an uploader for another's stream": func() error { _, err := r.NewUploader(other.stream); return err },
		"another's event":                  func() error { return r.stream.Record(e) },
		"no event":                         func() error { return r.stream.Wait(nil) },
		"another's tensor":                 func() error { return p.Put(f, other.tensor(), 0) },
		"a readback of another's tensor":   func() error { return b.Copy(r.stream, other.tensor(), 0, 8) },
		"a readback on another's stream":   func() error { return b.Copy(other.stream, x, 0, 8) },
		"a sync of a closed stream":        gone.Sync,
		"an unknown purpose":               func() error { _, err := r.NewReadback(8, 77); return err },
	} {
		if call() == nil {
			t.Errorf("%s was taken", name)
		}
	}
	check(t, p.Put(f, x, 0))
}

// Sources run beside each other, each with a stream of its own.
func TestManyGoroutines(t *testing.T) {
	r := newRig(t)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for range 3 {
				if err := track(r, grey(t, byte(20+30*i), 48, 32), uint32(20+30*i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	check(t, r.stream.Sync())
}

// track measures a picture ten times, as a source would.
func track(d device.Device, host *frame.Video, level uint32) (err error) {
	s, err := d.NewStream()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	u, err := d.NewUploader(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, u.Close()) }()
	m, err := d.NewMeter(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	for range 10 {
		f, err := u.Upload(host)
		if err != nil {
			return err
		}
		err = m.Measure(f)
		f.Release()
		if err != nil {
			return err
		}
		var got frame.Measures
		if ready, err := m.Next(&got, true); err != nil || !ready || got.Min != level || got.Max != level {
			return fmt.Errorf("next: %v, %w, levels %d to %d, want %d", ready, err, got.Min, got.Max, level)
		}
	}
	return nil
}

func TestMonitor(t *testing.T) {
	onDouble(t)
	double.Reset()
	t.Cleanup(double.Reset)
	m := cuda.NewMonitor(cuda.Options{Logger: quiet})
	r := newRig(t)
	before := m.Read()
	r.tensor()
	double.Set("NVML_DECODER", "77")
	if now := m.Read(); now.DecoderPercent != 77 || now.GPUPercent < 0 || now.MemoryTotal == 0 || now.MemoryUsed <= before.MemoryUsed {
		t.Errorf("it reads %+v, and read %+v", now, before)
	}
	check(t, errors.Join(m.Close(), m.Close()))
	if now := m.Read(); now != (cuda.Reading{GPUPercent: -1, DecoderPercent: -1}) {
		t.Errorf("closed, it reads %+v", now)
	}
}
