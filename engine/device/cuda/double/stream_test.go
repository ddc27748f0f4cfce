package double

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// plus adds b to the n words at a, in place.
const plus = header + `
.visible .entry t(.param .u64 t_a, .param .u64 t_n, .param .u64 t_b)
{` + registers + `
	ld.param.u64 %rd1, [t_a];
	ld.param.u32 %r9, [t_n];
	ld.param.u32 %r8, [t_b];
	mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x;
	mad.lo.s32 %r4, %r1, %r2, %r3;
	setp.ge.u32 %p1, %r4, %r9;
	@%p1 ret;
	mul.wide.u32 %rd2, %r4, 4;
	add.s64 %rd3, %rd1, %rd2;
	ld.global.u32 %r5, [%rd3];
	add.s32 %r6, %r5, %r8;
	st.global.u32 [%rd3], %r6;
	ret;
}`

func (g *gpu) plus(f uintptr, stream any, a uintptr, n int, b uint32) {
	g.t.Helper()
	if r := g.launch(f, shape{(n + 63) / 64, 1, 1}, shape{64, 1, 1}, stream, a, uintptr(n), uintptr(b)); r != 0 {
		g.t.Fatalf("launch gives %d", r)
	}
}

func (g *gpu) pinned(n int) []uint32 {
	g.t.Helper()
	var p unsafe.Pointer
	g.do("cuMemHostAlloc", word(&p), 4*n, 0)
	g.t.Cleanup(func() { call("cuMemFreeHost", uintptr(p)) })
	return unsafe.Slice((*uint32)(p), n)
}

func TestNewMemoryIsPoisoned(t *testing.T) {
	g := openGPU(t)
	if got := download[uint32](g, g.alloc(8), 2); !slices.Equal(got, []uint32{0xcdcdcdcd, 0xcdcdcdcd}) {
		t.Errorf("got %x", got)
	}
}

// Work runs as late as is legal, so what comes too early or is not waited for shows.

func TestCopiesFromThisHost(t *testing.T) {
	g := openGPU(t)
	s, device := g.stream(), upload(g, []uint32{1})
	copied := func(host []uint32) uint32 { // changes the host's memory before the copy is waited for
		g.do("cuMemcpyHtoDAsync_v2", device, unsafe.Pointer(&host[0]), 4, s)
		host[0]++
		g.do("cuStreamSynchronize", s)
		return download[uint32](g, device, 1)[0]
	}
	pinned := g.pinned(1)
	pinned[0] = 5
	if got := copied(pinned); got != 6 {
		t.Errorf("from pinned memory: got %d, want 6, for it is read when the copy runs", got)
	}
	if got := copied([]uint32{7}); got != 7 {
		t.Errorf("from other memory: got %d, want 7, for it is read when the call returns", got)
	}
}

func TestCopiesToThisHost(t *testing.T) {
	g := openGPU(t)
	s, device := g.stream(), upload(g, []uint32{7})
	pinned, other := g.pinned(1), []uint32{0}
	g.do("cuMemcpyDtoHAsync_v2", unsafe.Pointer(&pinned[0]), device, 4, s)
	if pinned[0] != 0 {
		t.Error("a copy to pinned memory was done when the call returned")
	}
	g.do("cuMemcpyDtoHAsync_v2", unsafe.Pointer(&other[0]), device, 4, s)
	if other[0] != 7 || pinned[0] != 7 {
		t.Errorf("a copy to other memory waits: got %d, and %d of the copy before", other[0], pinned[0])
	}
}

func TestStreamsWaitForEventsAlone(t *testing.T) {
	g := openGPU(t)
	a, b, f := g.stream(), g.stream(), g.function(plus, "t")
	device, host, e := upload(g, []uint32{7}), g.pinned(1), g.event()
	g.plus(f, a, device, 1, 100)
	g.do("cuEventRecord", e, a)
	g.do("cuMemcpyDtoHAsync_v2", unsafe.Pointer(&host[0]), device, 4, b)
	g.do("cuStreamSynchronize", b)
	if host[0] != 7 {
		t.Errorf("without a wait: got %d, want 7", host[0])
	}
	g.do("cuStreamWaitEvent", b, e, 0)
	g.do("cuMemcpyDtoHAsync_v2", unsafe.Pointer(&host[0]), device, 4, b)
	g.do("cuStreamSynchronize", b)
	if host[0] != 107 {
		t.Errorf("with a wait: got %d, want 107", host[0])
	}
}

func TestQuestionsBringWorkForward(t *testing.T) {
	g := openGPU(t)
	s, f, device, e := g.stream(), g.function(plus, "t"), upload(g, []uint32{0}), g.event()
	for range 3 {
		g.plus(f, s, device, 1, 1)
	}
	g.do("cuEventRecord", e, s)
	for i, want := range []int{600, 600, 600, 0} { // not ready: 600
		if r := call("cuEventQuery", e); r != want {
			t.Errorf("question %d: %d, want %d", i, r, want)
		}
	}
	g.do("cuStreamQuery", s)
}

func TestNullStream(t *testing.T) {
	g := openGPU(t)
	f, device := g.function(plus, "t"), upload(g, []uint32{1})
	var blocking uintptr
	g.do("cuStreamCreate", word(&blocking), 0)
	g.plus(f, blocking, device, 1, 1)
	g.plus(f, 0, device, 1, 10) // waits for the blocking stream
	g.plus(f, g.stream(), device, 1, 100)
	host := g.pinned(1)
	g.do("cuMemcpyDtoHAsync_v2", unsafe.Pointer(&host[0]), device, 4, blocking) // waits for the NULL stream
	g.do("cuStreamSynchronize", blocking)
	if host[0] != 12 {
		t.Errorf("got %d, want 12", host[0])
	}
}

// A kernel that runs after its memory was freed does not find it.
func TestUseAfterFree(t *testing.T) {
	g := openGPU(t)
	f, device := g.function(plus, "t"), upload(g, []uint32{1})
	g.plus(f, g.stream(), device, 1, 1)
	g.do("cuMemFree_v2", device) // waits, as the driver does
	g.plus(f, g.stream(), device, 1, 1)
	if r := call("cuCtxSynchronize"); r != IllegalAddress {
		t.Errorf("got %d, want %d", r, IllegalAddress)
	}
}

// A function of the host runs even if nobody asks for it. sem_post adds one to the
// word that it is given.
func TestHostFunctionRunsByItself(t *testing.T) {
	g := openGPU(t)
	done := g.pinned(8)
	g.do("cuLaunchHostFunc", g.stream(), uintptr(must("sem_post")), unsafe.Pointer(&done[0]))
	for deadline := time.Now().Add(30 * time.Second); atomic.LoadUint32(&done[0]) == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it never ran")
		}
	}
}

func TestContexts(t *testing.T) {
	g := openGPU(t)
	failed := make(chan int)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		var p uintptr
		failed <- call("cuMemAlloc_v2", word(&p), 16)
	}()
	if r := <-failed; r != 201 {
		t.Errorf("without a context: %d, want 201", r)
	}
	var own, popped uintptr
	g.do("cuCtxCreate_v2", word(&own), 0, 0)
	var s uintptr
	g.do("cuStreamCreate", word(&s), 1)
	g.do("cuCtxPopCurrent_v2", word(&popped))
	if popped != own {
		t.Errorf("popped %#x, want %#x", popped, own)
	}
	if r := call("cuStreamSynchronize", s); r != 400 {
		t.Errorf("a stream of another context: %d, want 400", r)
	}
	g.do("cuCtxDestroy_v2", own)
	g.do("cuCtxPushCurrent_v2", own)
	if r := call("cuCtxSynchronize"); r != 709 {
		t.Errorf("a context that is gone: %d, want 709", r)
	}
	g.do("cuCtxPopCurrent_v2", word(&popped))
	for _, name := range []string{"cuStreamSynchronize", "cuEventQuery", "cuModuleUnload", "cuStreamDestroy_v2"} {
		if r := call(name, 0xdead0); r != 400 {
			t.Errorf("%s of rubbish: %d, want 400", name, r)
		}
	}
}

func TestLaunchesThatAreRefused(t *testing.T) {
	g := openGPU(t)
	f := g.function(plus, "t")
	one := shape{1, 1, 1}
	for name, c := range map[string]struct{ grid, block shape }{
		"too many threads": {one, shape{64, 17, 1}},
		"no threads":       {one, shape{0, 1, 1}},
		"too deep":         {one, shape{1, 1, 65}},
		"a grid too high":  {shape{1, 65536, 1}, one},
	} {
		if r := g.launch(f, c.grid, c.block, 0, 0, 0, 0); r != 1 {
			t.Errorf("%s: %d, want 1", name, r)
		}
	}
	if r := g.launch(f, one, one, 0xdead0, 0, 0, 0); r != 400 {
		t.Errorf("no such stream: %d, want 400", r)
	}
	if r := g.launch(f, one, one, 0, 0, 0); r != 1 { // a null pointer follows the last parameter
		t.Errorf("a parameter too few: %d, want 1", r)
	}
}

// Many threads, a stream each, in a ring: each waits for its neighbour's last round.
func TestManyThreads(t *testing.T) {
	g := openGPU(t)
	const threads, rounds, n = 12, 25, 1000
	f := g.function(plus, "t")
	var streams, events, cells [threads]uintptr
	for i := range threads {
		streams[i], events[i], cells[i] = g.stream(), g.event(), upload(g, make([]uint32, n))
	}
	var wg sync.WaitGroup
	results := make([][]uint32, threads)
	errs := make(chan error, threads)
	for i := range threads {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			do := func(name string, words ...any) {
				if r := call(name, words...); r != 0 {
					select {
					case errs <- fmt.Errorf("%s gives %d", name, r):
					default:
					}
				}
			}
			do("cuCtxSetCurrent", g.context)
			var scratch uintptr
			for round := range rounds {
				do("cuMemAlloc_v2", word(&scratch), 4*n)
				do("cuMemsetD32Async", scratch, round, n, streams[i])
				do("cuStreamWaitEvent", streams[i], events[(i+1)%threads], 0)
				if r := g.launch(f, shape{16, 1, 1}, shape{64, 1, 1}, streams[i], cells[i], n, 1); r != 0 {
					do("a launch", r)
				}
				do("cuEventRecord", events[i], streams[i])
				if round%3 == 0 {
					do("cuEventSynchronize", events[(i+1)%threads])
				}
				do("cuMemFree_v2", scratch)
			}
			results[i] = make([]uint32, n)
			do("cuMemcpyDtoHAsync_v2", word(&results[i][0]), cells[i], 4*n, streams[i])
			do("cuCtxSetCurrent", 0)
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	for i, r := range results {
		if slices.Min(r) != rounds || slices.Max(r) != rounds {
			t.Errorf("thread %d: from %d to %d, want %d everywhere", i, slices.Min(r), slices.Max(r), rounds)
		}
	}
}

// A copy into memory that was freed in another context, which does not wait for this
// one's streams, fails.
func TestCopyToFreedMemory(t *testing.T) {
	g := openGPU(t)
	device := g.alloc(64)
	g.do("cuMemsetD8Async", device, 1, 64, g.stream())
	var other uintptr
	g.do("cuCtxCreate_v2", word(&other), 0, 0)
	g.do("cuMemFree_v2", device)
	g.do("cuCtxDestroy_v2", other)
	g.do("cuCtxSetCurrent", g.context)
	if r := call("cuCtxSynchronize"); r != IllegalAddress {
		t.Errorf("got %d, want %d", r, IllegalAddress)
	}
}

// Addresses are never used twice, yet what is freed costs nothing.
func TestManyAllocations(t *testing.T) {
	g := openGPU(t)
	seen := map[uintptr]bool{}
	kept := g.alloc(100)
	for range 70_000 { // more than a process may have mappings
		p := g.alloc(5000)
		if seen[p] {
			t.Fatal("an address came back")
		}
		seen[p] = true
		g.do("cuMemFree_v2", p)
	}
	g.do("cuMemFree_v2", kept)
}
