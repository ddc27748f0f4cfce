// Package cpu is the device that every machine has: tensors are C memory, and
// the kernels run on the calling goroutine, in the fastest form that the
// processor knows. All forms give the same bits (package kernels).
package cpu

// #cgo CXXFLAGS: -std=c++17 -O3
// #include "cpu.h"
import "C"

import (
	"fmt"
	"sync/atomic"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// Form is one way to run the kernels. The zero value is the best one that the
// processor knows.
type Form uint8

const (
	Auto      Form = iota
	Reference      // the bodies of package kernels, sample by sample: slow, for comparison
	Baseline       // what every 64-bit x86 processor runs
	AVX2
	AVX512 // AVX-512 with BW and VNNI
)

func (f Form) String() string {
	return [...]string{"auto", "reference", "baseline", "avx2", "avx512"}[f]
}

// code is the form as the C side numbers it.
func (f Form) code() C.int { return C.int(f) - 1 }

// Runs tells whether this processor runs the form.
func (f Form) Runs() bool { return f <= AVX512 && (f == Auto || C.sv_form_runs(f.code()) != 0) }

// Options are for tests and measurements; the zero value is what to use.
type Options struct {
	Form Form
}

type cpuDevice struct {
	form   Form
	open   atomic.Int64 // tensors, plans, meters and the like, not yet closed
	closed atomic.Bool
}

// Open makes the device. It fails only for a form that the processor lacks.
func Open(o Options) (device.Device, error) {
	if !o.Form.Runs() {
		return nil, fmt.Errorf("device: this processor does not run the %d form of the kernels", o.Form)
	}
	if o.Form == Auto {
		for o.Form = AVX512; !o.Form.Runs(); o.Form-- {
		}
	}
	return &cpuDevice{form: o.Form}, nil
}

func (d *cpuDevice) Name() string { return fmt.Sprintf("cpu (%v)", d.form) }

func (d *cpuDevice) Mem() frame.MemKind { return frame.MemHost }

func (d *cpuDevice) HostReads() bool               { return true }
func (d *cpuDevice) Context() uintptr              { return 0 }
func (d *cpuDevice) Copies() device.Copies         { return device.Copies{} }
func (d *cpuDevice) Memory() (int64, int64, error) { return 0, 0, nil }

func (d *cpuDevice) NewStream() (device.Stream, error) {
	if d.closed.Load() {
		return nil, device.ErrClosed
	}
	return stream{}, nil
}

func (d *cpuDevice) NewEvent() (device.Event, error) {
	if d.closed.Load() {
		return nil, device.ErrClosed
	}
	return event{}, nil
}

// Close fails when something of the device is still open: that memory is lost.
func (d *cpuDevice) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	if n := d.open.Load(); n != 0 {
		return fmt.Errorf("device: closed while %d tensors, plans, meters or the like are open", n)
	}
	return nil
}

// stream and event do nothing: work is done when the call that asks for it returns.
type stream struct{}

func (stream) Handle() uintptr           { return 0 }
func (stream) Record(device.Event) error { return nil }
func (stream) Wait(device.Event) error   { return nil }
func (stream) Sync() error               { return nil }
func (stream) Close() error              { return nil }

type event struct{}

func (event) Done() (bool, error) { return true, nil }
func (event) Close() error        { return nil }
