//go:build cuda

package cuda

// #include <cuda.h>
// static CUresult svc_host_alloc(void **p, size_t n) { return cuMemHostAlloc(p, n, CU_MEMHOSTALLOC_PORTABLE); }
import "C"

import (
	"fmt"
	"sync"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
)

// allocate gives device memory, aligned to 256 bytes at least.
func (g *gpu) allocate(bytes int) (cu.DevicePtr, error) {
	p, err := cu.MemAlloc(int64(bytes))
	if err != nil {
		return 0, fmt.Errorf("%s of device memory: %w", megabytes(int64(bytes)), g.failed(err))
	}
	return p, nil
}

// free gives device memory back; 0 is none.
func free(p cu.DevicePtr) {
	if p != 0 {
		_ = cu.MemFree(p)
	}
}

// pinned is host memory that stays where it is, so that the GPU copies to and
// from it while the host goes on. It is C memory: Go's collector does not know it.
type pinned struct{ at unsafe.Pointer }

func (g *gpu) pin(bytes int) (pinned, error) {
	var p pinned
	if result := C.svc_host_alloc(&p.at, C.size_t(bytes)); result != 0 {
		return pinned{}, fmt.Errorf("%s of pinned host memory: %w", megabytes(int64(bytes)), g.failed(resultOf(cu.Success, int(result))))
	}
	return p, nil
}

func (p *pinned) free() {
	if p.at != nil {
		_ = cu.MemFreeHost(p.at)
		p.at = nil
	}
}

// bytes are the first n bytes.
func (p pinned) bytes(n int) []byte { return unsafe.Slice((*byte)(p.at), n) }

const choresPage = 4096 // bytes that chores.place takes at most

// chores is the GPU's own queue, for small things that are done when the call returns.
type chores struct {
	gpu    *gpu
	mu     sync.Mutex
	stream cu.Stream
	page   pinned
}

func (c *chores) open(g *gpu) (err error) {
	c.gpu = g
	if c.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
		return fmt.Errorf("stream: %w", g.failed(err))
	}
	c.page, err = g.pin(choresPage)
	return err
}

func (c *chores) close() {
	if c.stream != (cu.Stream{}) {
		_ = c.stream.Destroy()
	}
	c.page.free()
}

// place puts what the kernels are told into device memory.
func (c *chores) place(dst cu.DevicePtr, what []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	copy(c.page.bytes(choresPage), what)
	if err := c.gpu.toDevice(device.ForPlans, c.stream, dst, c.page.at, len(what)); err != nil {
		return err
	}
	return c.gpu.failed(c.stream.Synchronize())
}

// zero clears device memory.
func (c *chores) zero(dst cu.DevicePtr, bytes int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := cu.MemsetD8Async(dst, 0, int64(bytes), c.stream); err != nil {
		return c.gpu.failed(err)
	}
	return c.gpu.failed(c.stream.Synchronize())
}

// asBytes is the memory of a structure that holds no Go pointer.
func asBytes[T any](p *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)) }
