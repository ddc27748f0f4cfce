//go:build cuda

package cuda

import (
	"fmt"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
)

type event struct {
	gpu    *gpu
	mark   cu.Event
	closed bool
}

// newMark makes an event for order alone; whoever waits for it sleeps.
func newMark() (cu.Event, error) { return cu.MakeEvent(cu.DisableTiming | cu.BlockingSyncEvent) }

func (g *gpu) NewEvent() (device.Event, error) {
	if err := g.enter(); err != nil {
		return nil, fmt.Errorf("device: event: %w", err)
	}
	defer g.leave()
	mark, err := newMark()
	if err != nil {
		return nil, fmt.Errorf("device: event: %w", g.failed(err))
	}
	g.opened()
	return &event{gpu: g, mark: mark}, nil
}

func (e *event) Done() (bool, error) {
	if e.closed {
		return false, device.ErrClosed
	}
	if err := e.gpu.enter(); err != nil {
		return false, fmt.Errorf("device: event: %w", err)
	}
	defer e.gpu.leave()
	done, err := e.gpu.done(e.mark)
	if err != nil {
		return false, fmt.Errorf("device: event: %w", err)
	}
	return done, nil
}

// done tells whether the work before a mark is done.
func (g *gpu) done(mark cu.Event) (bool, error) {
	err := mark.Query()
	if err == cu.NotReady {
		return false, nil
	}
	return err == nil, g.failed(err)
}

func (e *event) Close() error {
	if e.closed {
		return nil
	}
	e.closed = true
	e.gpu.enterToFree()
	defer e.gpu.leave()
	_ = cu.DestroyEvent(&e.mark)
	e.gpu.gone()
	return nil
}
