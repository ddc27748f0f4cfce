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

type plan struct {
	device  *cpuDevice
	config  device.PlanConfig
	numbers kernels.Plan
	picture *kernels.Picture // of the Put in progress; an object of its own, as in meter
	scratch unsafe.Pointer   // nil after Close
}

func (d *cpuDevice) NewPlan(_ device.Stream, c device.PlanConfig) (device.Plan, error) {
	if d.closed.Load() {
		return nil, device.ErrClosed
	}
	numbers, err := kernels.NewPlan(c)
	if err != nil {
		return nil, fmt.Errorf("device: plan: %w", err)
	}
	p := &plan{device: d, config: c, numbers: numbers, picture: &kernels.Picture{}}
	p.picture.SetGeometry(c.Width, c.Height, c.Format)
	numbersC, pictureC := (*C.struct_sv_plan)(unsafe.Pointer(&p.numbers)), (*C.struct_sv_picture)(unsafe.Pointer(p.picture))
	if p.scratch, err = allocate(int(C.sv_put_scratch(numbersC, pictureC))); err != nil {
		return nil, fmt.Errorf("device: plan: %w", err)
	}
	C.sv_put_begin(numbersC, pictureC, p.scratch)
	d.open.Add(1)
	return p, nil
}

func (p *plan) Put(f *frame.Video, dst device.Tensor, n int) error {
	if p.scratch == nil {
		return device.ErrClosed
	}
	t, err := p.target(dst, n)
	if err != nil {
		return fmt.Errorf("device: put: %w", err)
	}
	if err := p.picture.Set(f, frame.MemHost); err != nil {
		return fmt.Errorf("device: put: %w", err)
	}
	if err := kernels.CheckPicture(&p.config, f); err != nil {
		return fmt.Errorf("device: put: %w", err)
	}
	C.sv_cpu_put(p.device.form.code(), (*C.struct_sv_plan)(unsafe.Pointer(&p.numbers)),
		(*C.struct_sv_picture)(unsafe.Pointer(p.picture)), t.row(n), p.scratch)
	return nil
}

// target checks that dst is a tensor of this backend with a row n for the plan.
func (p *plan) target(dst device.Tensor, n int) (*tensor, error) {
	t, ok := dst.(*tensor)
	if !ok {
		return nil, errors.New("the tensor is of another device")
	}
	if t.memory == nil {
		return nil, device.ErrClosed
	}
	return t, kernels.CheckRow(&p.config, t.shape, t.dtype, n)
}

func (p *plan) Close() error {
	if p.scratch == nil {
		return nil
	}
	free(p.scratch)
	p.scratch = nil
	p.device.open.Add(-1)
	return nil
}
