//go:build cuda

package cuda

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// gpu is the device. The driver's context is its primary one, which FFmpeg and
// ONNX Runtime use too.
type gpu struct {
	device  cu.Device
	name    string
	context cu.CUContext
	module  cu.Module
	kernels map[string]cu.Function // the entries of kernels.PTX
	chores  chores
	copies  counters
	double  bool // the driver is the test double: device memory is host memory
	log     *slog.Logger

	open   atomic.Int64 // tensors, streams, plans and the like, not yet closed
	users  atomic.Int64 // of the context: the device until Close, and all that holds memory
	closed atomic.Bool
	lost   atomic.Pointer[error]
}

// A context and a stream are one pointer each; the build fails here if that changes.
var (
	_ [unsafe.Sizeof(uintptr(0))]byte = [unsafe.Sizeof(cu.CUContext{})]byte{}
	_ [unsafe.Sizeof(uintptr(0))]byte = [unsafe.Sizeof(cu.Stream{})]byte{}
)

func (g *gpu) Name() string          { return g.name }
func (g *gpu) Mem() frame.MemKind    { return frame.MemDevice }
func (g *gpu) HostReads() bool       { return exports("streamvet_driver_double") }
func (g *gpu) Context() uintptr      { return *(*uintptr)(unsafe.Pointer(&g.context)) }
func (g *gpu) Copies() device.Copies { return g.copies.read() }

func (g *gpu) Memory() (free, total int64, err error) {
	if err := g.enter(); err != nil {
		return 0, 0, fmt.Errorf("device: memory: %w", err)
	}
	defer g.leave()
	free, total, err = cu.MemInfo()
	if err != nil {
		return 0, 0, fmt.Errorf("device: memory: %w", g.failed(err))
	}
	return free, total, nil
}

// enter keeps the goroutine on its thread, with the GPU's context current there,
// until leave. When it fails there is nothing to leave.
func (g *gpu) enter() error {
	if g.closed.Load() {
		return device.ErrClosed
	}
	if lost := g.lost.Load(); lost != nil {
		return *lost
	}
	runtime.LockOSThread()
	if err := cu.SetCurrentContext(g.context); err != nil {
		runtime.UnlockOSThread()
		return g.failed(err)
	}
	return nil
}

// enterToFree is enter for what must be given back in any state of the GPU: what
// fails on a lost one is of no consequence.
func (g *gpu) enterToFree() {
	runtime.LockOSThread()
	_ = cu.SetCurrentContext(g.context)
}

func (g *gpu) leave() { runtime.UnlockOSThread() }

// use counts something that needs the context to stay.
func (g *gpu) use() { g.users.Add(1) }

// drop takes back one use; the last one releases the context.
func (g *gpu) drop() {
	if g.users.Add(-1) > 0 {
		return
	}
	g.chores.close()
	if g.module != (cu.Module{}) {
		_ = g.module.Unload()
	}
	_ = g.device.ReleasePrimaryCtx()
}

// opened and gone count what Close wants to find closed.
func (g *gpu) opened() { g.open.Add(1); g.use() }
func (g *gpu) gone()   { g.open.Add(-1); g.drop() }

// Close fails when something of the device is still open. The context stays until
// that is closed too.
func (g *gpu) Close() error {
	if g.closed.Swap(true) {
		return nil
	}
	open := g.open.Load()
	g.enterToFree()
	defer g.leave()
	g.drop()
	if open != 0 {
		return fmt.Errorf("device: closed while %d tensors, plans, meters, streams or the like are open", open)
	}
	return nil
}
