package cpu

// #include <stdlib.h>
// #include <string.h>
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

const alignment = 64 // of tensors and scratch: a cache line, and the widest vector

type tensor struct {
	device *cpuDevice
	shape  device.Shape
	dtype  device.DType
	memory unsafe.Pointer // nil after Close
}

func (d *cpuDevice) NewTensor(s device.Shape, t device.DType) (device.Tensor, error) {
	if d.closed.Load() {
		return nil, device.ErrClosed
	}
	bytes, err := s.Bytes(t)
	if err != nil {
		return nil, err
	}
	memory, err := allocate(bytes)
	if err != nil {
		return nil, fmt.Errorf("device: tensor of %dx%dx%dx%d %v: %w", s.N, s.C, s.H, s.W, t, err)
	}
	d.open.Add(1)
	return &tensor{device: d, shape: s, dtype: t, memory: memory}, nil
}

func (t *tensor) Ptr() unsafe.Pointer { return t.memory }
func (t *tensor) Mem() frame.MemKind  { return frame.MemHost }
func (t *tensor) Shape() device.Shape { return t.shape }
func (t *tensor) DType() device.DType { return t.dtype }

func (t *tensor) Close() error {
	if t.memory == nil {
		return nil
	}
	C.free(t.memory)
	t.memory = nil
	t.device.open.Add(-1)
	return nil
}

// row is the address of row n, which the caller has checked.
func (t *tensor) row(n int) unsafe.Pointer {
	return unsafe.Add(t.memory, n*t.shape.C*t.shape.H*t.shape.W*t.dtype.Bytes())
}

// allocate gives zeroed, aligned C memory, to be freed by C.free.
func allocate(bytes int) (unsafe.Pointer, error) {
	var p unsafe.Pointer
	if C.posix_memalign(&p, alignment, C.size_t(bytes)) != 0 {
		return nil, fmt.Errorf("no memory for %d bytes", bytes)
	}
	C.memset(p, 0, C.size_t(bytes))
	return p, nil
}

func free(p unsafe.Pointer) { C.free(p) }
