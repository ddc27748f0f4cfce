package cpu

// #include "cpu.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/kernels"
	"github.com/streamvet/streamvet/engine/frame"
)

// pendingMax bounds the measures that wait for Next; Measure refuses more.
const pendingMax = 16

type meter struct {
	device *cpuDevice
	closed bool

	previous *frame.Video // held by a reference of ours; nil at the beginning
	now      int          // which of shared.pictures is in progress
	shared   *shared

	scratch unsafe.Pointer
	width   int // what scratch is for
	format  frame.Format

	first, used int // of shared.ring
}

// shared is what C sees of a meter. It is an object of its own, since cgo looks
// through all of the object that a pointer leads into for Go pointers.
type shared struct {
	pictures [2]kernels.Picture // of the previous picture and the one in progress
	ring     [pendingMax]frame.Measures
}

func (d *cpuDevice) NewMeter(device.Stream) (device.Meter, error) {
	if d.closed.Load() {
		return nil, device.ErrClosed
	}
	d.open.Add(1)
	return &meter{device: d, shared: new(shared)}, nil
}

func (m *meter) Measure(f *frame.Video) error {
	if m.closed {
		return device.ErrClosed
	}
	if m.used == pendingMax {
		return fmt.Errorf("device: measure: %d measures wait to be taken by Next", m.used)
	}
	picture, before := &m.shared.pictures[m.now], &m.shared.pictures[1-m.now]
	if err := picture.Set(f, frame.MemHost); err != nil {
		return fmt.Errorf("device: measure: %w", err)
	}
	if err := m.fit(f, picture); err != nil {
		return fmt.Errorf("device: measure: %w", err)
	}
	if m.previous == nil || !picture.SameGeometry(before) {
		before = nil
	}
	out := &m.shared.ring[(m.first+m.used)%pendingMax]
	C.sv_cpu_measure(m.device.form.code(), (*C.struct_sv_measures)(unsafe.Pointer(out)),
		(*C.struct_sv_picture)(unsafe.Pointer(picture)), (*C.struct_sv_picture)(unsafe.Pointer(before)), m.scratch)
	m.used++
	m.Reset()
	m.previous = f.Retain()
	m.now = 1 - m.now
	return nil
}

// fit makes scratch for pictures like f; its height does not matter.
func (m *meter) fit(f *frame.Video, p *kernels.Picture) error {
	if m.scratch != nil && f.Width == m.width && f.Format == m.format {
		return nil
	}
	free(m.scratch)
	var err error
	m.scratch, err = allocate(int(C.sv_measure_scratch((*C.struct_sv_picture)(unsafe.Pointer(p)))))
	m.width, m.format = f.Width, f.Format
	return err
}

func (m *meter) Next(out *frame.Measures, _ bool) (bool, error) {
	if m.closed {
		return false, device.ErrClosed
	}
	if out == nil {
		return false, errors.New("device: next: nowhere to write the measures")
	}
	if m.used == 0 {
		return false, nil
	}
	*out = m.shared.ring[m.first]
	m.first = (m.first + 1) % pendingMax
	m.used--
	return true, nil
}

func (m *meter) Pending() int { return m.used }

func (m *meter) Reset() {
	if m.previous != nil {
		m.previous.Release()
		m.previous = nil
	}
}

func (m *meter) Close() error {
	if m.closed {
		return nil
	}
	m.Reset()
	free(m.scratch)
	m.scratch, m.closed, m.used = nil, true, 0
	m.device.open.Add(-1)
	return nil
}
