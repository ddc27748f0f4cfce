//go:build cuda

package cuda

import (
	"errors"
	"fmt"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
)

type readback struct {
	gpu     *gpu
	purpose device.Purpose
	memory  pinned
	bytes   int // of memory
	copied  cu.Event
	pending int // bytes of the copy that Wait was not called for, 0 for none
	closed  bool
}

func (g *gpu) NewReadback(bytes int, p device.Purpose) (device.Readback, error) {
	if bytes < 1 || bytes > device.BytesMax || int(p) >= purposes {
		return nil, fmt.Errorf("device: readback of %d bytes for purpose %d: 1 to 2^40 are possible, for those of device.Purposes", bytes, p)
	}
	r := &readback{gpu: g, purpose: p, bytes: bytes}
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("device: readback: %w", err)
	}
	return r, nil
}

func (r *readback) open() (err error) {
	if err := r.gpu.enter(); err != nil {
		return err
	}
	defer r.gpu.leave()
	if r.memory, err = r.gpu.pin(r.bytes); err != nil {
		return err
	}
	if r.copied, err = newMark(); err != nil {
		r.memory.free()
		return fmt.Errorf("event: %w", r.gpu.failed(err))
	}
	r.gpu.opened()
	return nil
}

func (r *readback) Copy(s device.Stream, src device.Tensor, offset, n int) error {
	t, ok := src.(*tensor)
	switch {
	case r.closed || ok && t.memory == 0:
		return device.ErrClosed
	case !ok || t.gpu != r.gpu:
		return errors.New("device: readback: the tensor is of another device")
	case r.pending != 0:
		return errors.New("device: readback: the copy before was not waited for")
	case n < 1 || n > r.bytes || offset < 0 || offset > t.bytes()-n:
		return fmt.Errorf("device: readback of %d bytes at %d: there is room for %d, and the tensor has %d", n, offset, r.bytes, t.bytes())
	}
	if err := r.copy(s, t.memory+cu.DevicePtr(offset), n); err != nil {
		return fmt.Errorf("device: readback: %w", err)
	}
	r.pending = n
	return nil
}

func (r *readback) copy(on device.Stream, src cu.DevicePtr, n int) error {
	s, err := r.gpu.streamOf(on)
	if err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer r.gpu.leave()
	if err := r.gpu.toHost(r.purpose, s.queue, r.memory.at, src, n); err != nil {
		return err
	}
	return r.gpu.failed(r.copied.Record(s.queue))
}

func (r *readback) Wait() ([]byte, error) {
	switch {
	case r.closed:
		return nil, device.ErrClosed
	case r.pending == 0:
		return nil, errors.New("device: readback: nothing was copied")
	}
	if err := r.wait(); err != nil {
		return nil, fmt.Errorf("device: readback: %w", err)
	}
	n := r.pending
	r.pending = 0
	return r.memory.bytes(n), nil
}

func (r *readback) wait() error {
	if err := r.gpu.enter(); err != nil {
		return err
	}
	defer r.gpu.leave()
	return r.gpu.failed(r.copied.Synchronize())
}

func (r *readback) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.gpu.enterToFree()
	defer r.gpu.leave()
	_ = r.copied.Synchronize()
	r.memory.free()
	_ = cu.DestroyEvent(&r.copied)
	r.gpu.gone()
	return nil
}
