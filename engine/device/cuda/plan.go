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

type plan struct {
	gpu        *gpu
	stream     *stream
	config     device.PlanConfig
	kernel     kernel
	parameters *cells
	picture    kernels.Picture // of the Put in progress
	told       cu.DevicePtr    // a toldPlan; 0 after Close
}

// toldPlan is what the kernel is told once.
type toldPlan struct {
	plan     kernels.Plan
	geometry kernels.Picture
}

func (g *gpu) NewPlan(s device.Stream, c device.PlanConfig) (device.Plan, error) {
	p := &plan{gpu: g, config: c, parameters: newCells()}
	if err := p.open(s); err != nil {
		return nil, fmt.Errorf("device: plan: %w", err)
	}
	return p, nil
}

func (p *plan) open(s device.Stream) (err error) {
	if p.stream, err = p.gpu.streamOf(s); err != nil {
		return err
	}
	var told toldPlan
	if told.plan, err = kernels.NewPlan(p.config); err != nil {
		return err
	}
	p.kernel = p.gpu.kernel(kernels.PutLaunch(p.config))
	told.geometry.SetGeometry(p.config.Width, p.config.Height, p.config.Format)
	if err := p.stream.enter(); err != nil {
		return err
	}
	defer p.gpu.leave()
	if p.told, err = p.gpu.allocate(int(unsafe.Sizeof(told))); err != nil {
		return err
	}
	if err := p.gpu.chores.place(p.told, asBytes(&told)); err != nil {
		free(p.told)
		return err
	}
	p.gpu.opened()
	return nil
}

func (p *plan) Put(f *frame.Video, dst device.Tensor, n int) error {
	if p.told == 0 {
		return device.ErrClosed
	}
	if err := p.put(f, dst, n); err != nil {
		return fmt.Errorf("device: put: %w", err)
	}
	return nil
}

func (p *plan) put(f *frame.Video, dst device.Tensor, n int) error {
	t, err := p.target(dst, n)
	if err != nil {
		return err
	}
	if err := p.picture.Set(f, frame.MemDevice); err != nil {
		return err
	}
	if err := kernels.CheckPicture(&p.config, f); err != nil {
		return err
	}
	if err := p.stream.enter(); err != nil {
		return err
	}
	defer p.gpu.leave()
	geometry := p.told + cu.DevicePtr(unsafe.Offsetof(toldPlan{}.geometry))
	at, pitch := p.picture.Planes()
	err = p.kernel.queue(p.stream, p.parameters.set(uint64(p.told), uint64(geometry),
		uint64(uintptr(at[0])), uint64(uintptr(at[1])), uint64(uintptr(at[2])),
		uint64(pitch[0]), uint64(pitch[1]), uint64(pitch[2]), uint64(t.row(n))))
	if err != nil {
		return err
	}
	p.stream.keep(f.Retain())
	return nil
}

// target checks that dst is a tensor of this GPU with a row n for the plan.
func (p *plan) target(dst device.Tensor, n int) (*tensor, error) {
	t, ok := dst.(*tensor)
	if !ok || t.gpu != p.gpu {
		return nil, errors.New("the tensor is of another device")
	}
	if t.memory == 0 {
		return nil, device.ErrClosed
	}
	return t, kernels.CheckRow(&p.config, t.shape, t.dtype, n)
}

func (p *plan) Close() error {
	if p.told == 0 {
		return nil
	}
	p.gpu.enterToFree()
	defer p.gpu.leave()
	p.stream.settle()
	free(p.told)
	p.told = 0
	p.gpu.gone()
	return nil
}
