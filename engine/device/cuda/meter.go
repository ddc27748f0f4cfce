//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/kernels"
	"github.com/streamvet/streamvet/engine/frame"
)

// pendingMax bounds the measures that wait for Next; Measure refuses more.
const pendingMax = 16

const measuresBytes = int(unsafe.Sizeof(frame.Measures{}))

type meter struct {
	gpu    *gpu
	stream *stream
	closed bool

	previous *frame.Video       // held by a reference of ours; nil at the beginning
	pictures [2]kernels.Picture // of the previous picture and the one in progress
	now      int                // which of them is in progress

	kernels     []kernel // for pictures like fit; nil before the first
	fit         geometry
	parameters  *cells
	memory      cu.DevicePtr // a toldMeter
	scratch     cu.DevicePtr
	results     pinned // as many frame.Measures as memory has
	ready       [pendingMax]cu.Event
	first, used int // of the ring of results
}

// geometry is what the kernels of a meter are chosen for.
type geometry struct {
	width, height int
	format        frame.Format
}

// toldMeter is the device memory of a meter.
type toldMeter struct {
	measures [pendingMax]frame.Measures
	geometry kernels.Picture
}

func (g *gpu) NewMeter(s device.Stream) (device.Meter, error) {
	m := &meter{gpu: g, parameters: newCells()}
	if err := m.open(s); err != nil {
		return nil, fmt.Errorf("device: meter: %w", err)
	}
	return m, nil
}

func (m *meter) open(s device.Stream) (err error) {
	if m.stream, err = m.gpu.streamOf(s); err != nil {
		return err
	}
	if err := m.stream.enter(); err != nil {
		return err
	}
	defer m.gpu.leave()
	if err := m.allocate(); err != nil {
		m.free()
		return err
	}
	m.gpu.opened()
	return nil
}

func (m *meter) allocate() (err error) {
	if m.memory, err = m.gpu.allocate(int(unsafe.Sizeof(toldMeter{}))); err != nil {
		return err
	}
	if m.results, err = m.gpu.pin(pendingMax * measuresBytes); err != nil {
		return err
	}
	for i := range m.ready {
		if m.ready[i], err = newMark(); err != nil {
			return fmt.Errorf("event: %w", m.gpu.failed(err))
		}
	}
	return nil
}

func (m *meter) free() {
	free(m.memory)
	free(m.scratch)
	m.results.free()
	for i := range m.ready {
		if m.ready[i] != (cu.Event{}) {
			_ = cu.DestroyEvent(&m.ready[i])
		}
	}
}

func (m *meter) Measure(f *frame.Video) error {
	if m.closed {
		return device.ErrClosed
	}
	if m.used == pendingMax {
		return fmt.Errorf("device: measure: %d measures wait to be taken by Next", m.used)
	}
	if err := m.measure(f); err != nil {
		return fmt.Errorf("device: measure: %w", err)
	}
	return nil
}

func (m *meter) measure(f *frame.Video) error {
	picture, before := &m.pictures[m.now], &m.pictures[1-m.now]
	if err := picture.Set(f, frame.MemDevice); err != nil {
		return err
	}
	if err := m.stream.enter(); err != nil {
		return err
	}
	defer m.gpu.leave()
	if err := m.adapt(geometry{f.Width, f.Height, f.Format}); err != nil {
		return err
	}
	if m.previous == nil || !picture.SameGeometry(before) {
		before = nil
	}
	if err := m.queue(picture, before); err != nil {
		m.stream.keep(f.Retain()) // some of the kernels may read it
		return err
	}
	m.used++
	m.forget()
	m.previous = f.Retain()
	m.now = 1 - m.now
	return nil
}

// adapt chooses the kernels for pictures of a geometry and tells them what it is.
func (m *meter) adapt(g geometry) error {
	if m.kernels != nil && g == m.fit {
		return nil
	}
	m.kernels = nil
	m.stream.settle() // the kernels of the pictures before read what changes now
	free(m.scratch)
	m.scratch = 0
	if n := kernels.ScratchBytes(g.width, g.height, g.format); n > 0 {
		var err error
		if m.scratch, err = m.gpu.allocate(n); err != nil {
			return err
		}
	}
	var told kernels.Picture
	told.SetGeometry(g.width, g.height, g.format)
	if err := m.gpu.chores.place(m.geometry(), asBytes(&told)); err != nil {
		return err
	}
	for _, l := range kernels.MeasureLaunches(g.width, g.height, g.format) {
		m.kernels = append(m.kernels, m.gpu.kernel(l))
	}
	m.fit = g
	return nil
}

func (m *meter) geometry() cu.DevicePtr {
	return m.memory + cu.DevicePtr(unsafe.Offsetof(toldMeter{}.geometry))
}

// queue has the picture measured, and the measures brought to the host.
func (m *meter) queue(picture, before *kernels.Picture) error {
	slot := (m.first + m.used) % pendingMax
	measures := m.memory + cu.DevicePtr(slot*measuresBytes)
	at, pitch := picture.Planes()
	var luma, lumaPitch uint64
	if before != nil {
		at, pitch := before.Planes()
		luma, lumaPitch = uint64(uintptr(at[0])), uint64(pitch[0])
	}
	parameters := m.parameters.set(uint64(measures), uint64(m.scratch), uint64(m.geometry()),
		uint64(uintptr(at[0])), uint64(uintptr(at[1])), uint64(uintptr(at[2])),
		uint64(pitch[0]), uint64(pitch[1]), uint64(pitch[2]), luma, lumaPitch)
	for i := range m.kernels {
		if err := m.kernels[i].queue(m.stream, parameters); err != nil {
			return err
		}
	}
	if err := m.gpu.toHost(device.ForMeasures, m.stream.queue, m.result(slot), measures, measuresBytes); err != nil {
		return err
	}
	return m.gpu.failed(m.ready[slot].Record(m.stream.queue))
}

// result is where the measures of a slot come to.
func (m *meter) result(slot int) unsafe.Pointer { return unsafe.Add(m.results.at, slot*measuresBytes) }

func (m *meter) Next(out *frame.Measures, wait bool) (bool, error) {
	switch {
	case m.closed:
		return false, device.ErrClosed
	case out == nil:
		return false, errors.New("device: next: nowhere to write the measures")
	case m.used == 0:
		return false, nil
	}
	if ready, err := m.arrived(wait); err != nil {
		return false, fmt.Errorf("device: next: %w", err)
	} else if !ready {
		return false, nil
	}
	*out = *(*frame.Measures)(m.result(m.first))
	m.first = (m.first + 1) % pendingMax
	m.used--
	return true, nil
}

// arrived tells whether the oldest measures are here; with wait they are.
func (m *meter) arrived(wait bool) (bool, error) {
	if err := m.stream.enter(); err != nil {
		return false, err
	}
	defer m.gpu.leave()
	if wait {
		err := m.ready[m.first].Synchronize()
		return err == nil, m.gpu.failed(err)
	}
	return m.gpu.done(m.ready[m.first])
}

func (m *meter) Pending() int { return m.used }

func (m *meter) Reset() {
	if m.previous == nil {
		return
	}
	m.gpu.enterToFree()
	defer m.gpu.leave()
	m.forget()
}

// forget gives the previous picture back once the kernels are done with it.
func (m *meter) forget() {
	if m.previous != nil {
		m.stream.keep(m.previous)
		m.previous = nil
	}
}

func (m *meter) Close() error {
	if m.closed {
		return nil
	}
	m.closed, m.used = true, 0
	m.gpu.enterToFree()
	defer m.gpu.leave()
	m.stream.settle()
	if m.previous != nil {
		m.previous.Release()
		m.previous = nil
	}
	m.free()
	m.gpu.gone()
	return nil
}
