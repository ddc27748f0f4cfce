//go:build cuda

package cuda_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cuda/double"
	"github.com/streamvet/streamvet/engine/device/kernels"
	"github.com/streamvet/streamvet/engine/frame"
)

type closer interface{ Close() error }

// Every allocation of every step fails in turn: the error says so, and nothing is left behind.
func TestNoMemoryAnywhere(t *testing.T) {
	onDouble(t)
	r := newRig(t)
	f := grey(t, 50, 48, 32)
	for name, step := range map[string]func() (closer, error){
		"open":     func() (closer, error) { return open() },
		"tensor":   func() (closer, error) { return r.NewTensor(tensorShape, plan.Type) },
		"plan":     func() (closer, error) { return r.NewPlan(r.stream, plan) },
		"meter":    func() (closer, error) { return r.NewMeter(r.stream) },
		"readback": func() (closer, error) { return r.NewReadback(1000, device.ForOutputs) },
		"upload": func() (closer, error) {
			u, err := r.NewUploader(r.stream)
			if err != nil {
				return nil, err
			}
			g, err := u.Upload(f)
			if err == nil {
				g.Release()
			}
			return u, errors.Join(err, u.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := double.Counters().Live
			for n := 1; ; n++ {
				double.FailAllocation(n)
				c, err := step()
				if err == nil {
					check(t, c.Close())
					if n == 1 {
						t.Error("nothing was allocated")
					}
					return
				}
				if text := err.Error(); !errors.Is(err, device.ErrMemory) || errors.Is(err, device.ErrLost) || !strings.Contains(text, "are free") || !strings.Contains(text, "Remedy") {
					t.Errorf("without allocation %d: %v", n, err)
				}
				if live := double.Counters().Live; live != before {
					t.Errorf("without allocation %d: %+v is left, before there was %+v", n, live, before)
				}
			}
		})
	}
}

func TestTensorLargerThanTheGPU(t *testing.T) {
	onDouble(t)
	r := newRig(t)
	double.LimitMemory(1 << 20)
	x, err := r.NewTensor(device.Shape{N: 2, C: 3, H: 1000, W: 1000}, device.F32)
	if !errors.Is(err, device.ErrMemory) || !strings.Contains(err.Error(), "24 MB") {
		t.Errorf("24 MB on a GPU of 1 MB: %v, %v", x, err)
	}
	r.tensor()
	if free, total, err := r.Memory(); err != nil || total != 1<<20 || free <= 0 || free >= total {
		t.Errorf("memory: %d of %d, %v", free, total, err)
	}
}

// A launch that fails is an error of that call alone.
func TestLaunchFails(t *testing.T) {
	onDouble(t)
	r := newRig(t)
	x, u, m, p := r.tensor(), r.uploader(), r.meter(), r.plan()
	f, err := u.Upload(grey(t, 50, 48, 32))
	check(t, err)
	defer f.Release()
	launches := len(kernels.MeasureLaunches(48, 32, plan.Format))
	released := make([]int, 2*(launches+1)) // of each picture
	for n := 1; n <= launches+1; n++ {
		double.FailLaunch("*", n, double.OutOfResources)
		count := released[2*n-2 : 2*n]
		a, b := watched(f, &count[0]), watched(f, &count[1])
		measured, put := m.Measure(a), p.Put(b, x, 0)
		a.Release()
		b.Release()
		if (measured != nil) != (n <= launches) || (put != nil) != (n == launches+1) {
			t.Errorf("launch %d fails: measure says %v, put says %v", n, measured, put)
		}
		if err := errors.Join(measured, put); errors.Is(err, device.ErrLost) || !strings.Contains(err.Error(), "LaunchOutOfResources") {
			t.Errorf("launch %d fails: %v", n, err)
		}
		if n > 1 && count[0] != 0 {
			t.Errorf("launch %d fails: the picture is released under the kernels before it", n)
		}
	}
	var got frame.Measures
	if ready, err := m.Next(&got, true); !ready || err != nil || got.Min != 50 { // of the last turn
		t.Errorf("after the failures: %v, %v, a picture of level %d", ready, err, got.Min)
	}
	if m.Pending() != 0 {
		t.Errorf("%d measures are pending", m.Pending())
	}
	m.Reset()
	check(t, r.stream.Sync())
	for i, n := range released {
		if n != 1 {
			t.Errorf("picture %d was given back %d times", i, n)
		}
	}
}

// A kernel that reaches outside ends the GPU for this process: whoever waits is told,
// every later call fails, and all can be closed.
func TestKernelFaults(t *testing.T) {
	onDouble(t)
	t.Cleanup(double.Restore)
	r := newRig(t)
	x, u, m, p, b := r.tensor(), r.uploader(), r.meter(), r.plan(), r.readback(8, device.ForOutputs)
	host := grey(t, 50, 48, 32)
	f, err := u.Upload(host)
	check(t, err)
	released := 0
	g := watched(f, &released)
	double.FaultKernel("sv_measure_begin", 2, double.IllegalAddress)
	check(t, m.Measure(g))
	check(t, m.Measure(g))
	g.Release()
	f.Release()
	var got frame.Measures
	_, first := m.Next(&got, true)
	_, second := m.Next(&got, true)
	if err := errors.Join(first, second); !errors.Is(err, device.ErrLost) || !strings.Contains(err.Error(), "IllegalAddress") || !strings.Contains(err.Error(), "dmesg") {
		t.Errorf("the measures of a kernel that faulted: %v", err)
	}
	for name, call := range map[string]func() error{
		"measure":  func() error { return m.Measure(f) },
		"put":      func() error { return p.Put(f, x, 0) },
		"sync":     r.stream.Sync,
		"copy":     func() error { return b.Copy(r.stream, x, 0, 8) },
		"upload":   func() error { _, err := u.Upload(host); return err },
		"tensor":   func() error { _, err := r.NewTensor(tensorShape, plan.Type); return err },
		"stream":   func() error { _, err := r.NewStream(); return err },
		"event":    func() error { _, err := r.NewEvent(); return err },
		"plan":     func() error { _, err := r.NewPlan(r.stream, plan); return err },
		"meter":    func() error { _, err := r.NewMeter(r.stream); return err },
		"uploader": func() error { _, err := r.NewUploader(r.stream); return err },
		"readback": func() error { _, err := r.NewReadback(8, device.ForOutputs); return err },
		"memory":   func() error { _, _, err := r.Memory(); return err },
	} {
		if err := call(); !errors.Is(err, device.ErrLost) {
			t.Errorf("%s on a lost GPU: %v", name, err)
		}
	}
	check(t, errors.Join(m.Close(), r.stream.Close()))
	if released != 1 {
		t.Error("the picture was not given back")
	}
}

// The GPU goes away at every call of the driver in turn. Nothing hangs or panics, what
// fails says that it is lost, and all pictures come back.
func TestLostAtAnyCall(t *testing.T) {
	onDouble(t)
	t.Cleanup(double.Restore)
	for n := 1; ; n++ {
		double.Reset()
		double.LoseDevice(n, double.ECCError)
		taken, released, err := life(t)
		lost := errors.Is(err, device.ErrLost)
		if err != nil && !lost {
			t.Errorf("lost at call %d: %v", n, err)
		}
		if taken != released {
			t.Errorf("lost at call %d: %d of %d pictures were given back", n, released, taken)
		}
		double.Restore()
		if !lost {
			if n < 50 {
				t.Errorf("a life has %d calls", n)
			}
			return
		}
	}
}

// life uses all that a source uses, from open to close. It gives the errors of all
// steps until one fails, and of every close.
func life(t *testing.T) (taken, released int, err error) {
	end := func(c closer) { err = errors.Join(err, c.Close()) }
	d, err := open()
	if err != nil {
		return
	}
	defer end(d)
	s, err := d.NewStream()
	if err != nil {
		return
	}
	defer end(s)
	x, err := d.NewTensor(tensorShape, plan.Type)
	if err != nil {
		return
	}
	defer end(x)
	p, err := d.NewPlan(s, plan)
	if err != nil {
		return
	}
	defer end(p)
	u, err := d.NewUploader(s)
	if err != nil {
		return
	}
	defer end(u)
	m, err := d.NewMeter(s)
	if err != nil {
		return
	}
	defer end(m)
	b, err := d.NewReadback(8, device.ForOutputs)
	if err != nil {
		return
	}
	defer end(b)
	e, err := d.NewEvent()
	if err != nil {
		return
	}
	defer end(e)
	host := grey(t, 50, 48, 32)
	for range 3 {
		var f *frame.Video
		if f, err = u.Upload(host); err != nil {
			return
		}
		taken++
		g := watched(f, &released)
		_, queried := e.Done()
		var got frame.Measures
		measured := m.Measure(g)
		_, next := m.Next(&got, false)
		err = errors.Join(measured, p.Put(g, x, 0), s.Record(e), s.Wait(e), queried, next)
		g.Release()
		f.Release()
		if err != nil {
			return
		}
	}
	if err = b.Copy(s, x, 0, 8); err != nil {
		return
	}
	_, err = b.Wait()
	return
}
