package double

import (
	"runtime"
	"testing"
	"unsafe"
)

// gpu is a context on the double for one test, which keeps its thread.
type gpu struct {
	t       testing.TB
	context uintptr
	shared  int // bytes of shared memory that launches add
}

// openGPU makes the primary context current on this thread.
func openGPU(t testing.TB) *gpu {
	t.Helper()
	runtime.LockOSThread()
	g := &gpu{t: t}
	g.do("cuInit", 0)
	g.do("cuDevicePrimaryCtxRetain", word(&g.context), 0)
	g.do("cuCtxSetCurrent", g.context)
	t.Cleanup(func() {
		if Active() {
			Reset()
			Restore()
		}
		call("cuDevicePrimaryCtxReset_v2", 0)
		call("cuDevicePrimaryCtxRelease_v2", 0)
		call("cuCtxSetCurrent", 0)
		runtime.UnlockOSThread()
	})
	return g
}

func word[T any](p *T) unsafe.Pointer { return unsafe.Pointer(p) }

// do calls the driver and ends the test if that fails.
func (g *gpu) do(name string, words ...any) {
	g.t.Helper()
	if r := call(name, words...); r != 0 {
		g.t.Fatalf("%s gives %d", name, r)
	}
}

func (g *gpu) alloc(bytes int) uintptr {
	g.t.Helper()
	var p uintptr
	g.do("cuMemAlloc_v2", word(&p), bytes)
	return p
}

func (g *gpu) stream() uintptr {
	g.t.Helper()
	var s uintptr
	g.do("cuStreamCreate", word(&s), 1)
	return s
}

func (g *gpu) event() uintptr {
	g.t.Helper()
	var e uintptr
	g.do("cuEventCreate", word(&e), 2)
	return e
}

// upload puts values into new device memory.
func upload[T any](g *gpu, v []T) uintptr {
	g.t.Helper()
	n := len(v) * int(unsafe.Sizeof(v[0]))
	p := g.alloc(n)
	g.do("cuMemcpyHtoD_v2", p, word(&v[0]), n)
	return p
}

// download reads n values from device memory, after all work.
func download[T any](g *gpu, p uintptr, n int) []T {
	g.t.Helper()
	g.do("cuCtxSynchronize")
	v := make([]T, n)
	g.do("cuMemcpyDtoH_v2", word(&v[0]), p, n*int(unsafe.Sizeof(v[0])))
	return v
}

// load compiles PTX and gives the CUresult and the JIT's log.
func (g *gpu) load(ptx string) (module uintptr, result int, log string) {
	image := append([]byte(ptx), 0)
	buffer := make([]byte, 1024)
	options := []int32{5, 6}
	values := struct {
		log  unsafe.Pointer
		size int
	}{word(&buffer[0]), len(buffer)}
	result = call("cuModuleLoadDataEx", word(&module), word(&image[0]), 2, word(&options[0]), word(&values))
	n := 0
	for n < len(buffer) && buffer[n] != 0 {
		n++
	}
	return module, result, string(buffer[:n])
}

func (g *gpu) function(ptx, entry string) uintptr {
	g.t.Helper()
	m, r, log := g.load(ptx)
	if r != 0 {
		g.t.Fatalf("load gives %d: %s", r, log)
	}
	var f uintptr
	name := append([]byte(entry), 0)
	g.do("cuModuleGetFunction", word(&f), m, word(&name[0]))
	return f
}

type shape [3]int

// launch queues a kernel whose parameters have 8 bytes each.
func (g *gpu) launch(f uintptr, grid, block shape, stream any, params ...uintptr) int {
	pointers := make([]unsafe.Pointer, len(params)+1)
	for i := range params {
		pointers[i] = word(&params[i])
	}
	return call("cuLaunchKernel", f, grid[0], grid[1], grid[2], block[0], block[1], block[2], g.shared, stream, word(&pointers[0]), 0)
}
