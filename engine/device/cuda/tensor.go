//go:build cuda

package cuda

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

type tensor struct {
	gpu    *gpu
	shape  device.Shape
	dtype  device.DType
	memory cu.DevicePtr // 0 after Close
}

func (g *gpu) NewTensor(s device.Shape, t device.DType) (device.Tensor, error) {
	bytes, err := s.Bytes(t)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (device.Tensor, error) {
		return nil, fmt.Errorf("device: tensor of %dx%dx%dx%d %v: %w", s.N, s.C, s.H, s.W, t, err)
	}
	if err := g.enter(); err != nil {
		return fail(err)
	}
	defer g.leave()
	memory, err := g.allocate(bytes)
	if err != nil {
		return fail(err)
	}
	if err := g.chores.zero(memory, bytes); err != nil {
		free(memory)
		return fail(err)
	}
	g.opened()
	return &tensor{gpu: g, shape: s, dtype: t, memory: memory}, nil
}

func (t *tensor) Ptr() unsafe.Pointer { return address(t.memory) }
func (t *tensor) Mem() frame.MemKind  { return frame.MemDevice }
func (t *tensor) Shape() device.Shape { return t.shape }
func (t *tensor) DType() device.DType { return t.dtype }

// bytes is the size of the whole.
func (t *tensor) bytes() int { return t.shape.Elements() * t.dtype.Bytes() }

// row is the address of row n.
func (t *tensor) row(n int) cu.DevicePtr {
	return t.memory + cu.DevicePtr(n*(t.bytes()/t.shape.N))
}

func (t *tensor) Close() error {
	if t.memory == 0 {
		return nil
	}
	t.gpu.enterToFree()
	defer t.gpu.leave()
	free(t.memory)
	t.memory = 0
	t.gpu.gone()
	return nil
}

// address is p as frame.Plane and device.Tensor have addresses. Nobody follows it on the host.
func address(p cu.DevicePtr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }
