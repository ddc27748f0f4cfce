package double

import "testing"

func TestCounters(t *testing.T) {
	g := openGPU(t)
	f, s := g.function(plus, "t"), g.stream()
	before := Counters().Live
	Reset()
	device := upload(g, make([]uint32, 2000))
	small := g.alloc(100)
	g.do("cuMemcpyDtoDAsync_v2", small, device, 100, s)
	for range 3 {
		g.plus(f, s, device, 2000, 1)
	}
	host := g.pinned(25)
	g.do("cuMemcpyDtoHAsync_v2", word(&host[0]), small, 100, s)
	g.do("cuStreamSynchronize", s)
	c := Counters()
	if c.ToDevice != (Traffic{1, 8000, 1}) || c.ToHost != (Traffic{1, 100, 0}) || c.OnDevice != (Traffic{1, 100, 0}) {
		t.Errorf("copies: %+v %+v %+v", c.ToDevice, c.ToHost, c.OnDevice)
	}
	if c.Launches != 3 || c.LaunchesOf["t"] != 3 || c.Errors != 0 || c.Missing != 0 {
		t.Errorf("launches: %d, %v; errors %d, missing %d", c.Launches, c.LaunchesOf, c.Errors, c.Missing)
	}
	// 2000 threads run all but the first ret, 48 more in the last block run up to it.
	if got, want := c.InstructionsOf["t"], uint64(3*(2000*14+48*9)); got != want {
		t.Errorf("instructions: %d, want %d", got, want)
	}
	if c.Waits != 2 { // the copy from memory that is not pinned by cuMemcpyHtoD, and the synchronisation
		t.Errorf("waits: %d, want 2", c.Waits)
	}
	g.do("cuMemFree_v2", device)
	g.do("cuMemFree_v2", small)
	c = Counters()
	if c.Live.Allocations != before.Allocations || c.Live.Bytes != before.Bytes ||
		c.Peak.Allocations != before.Allocations+2 || c.Peak.Bytes != before.Bytes+8100 {
		t.Errorf("memory: live %+v, peak %+v, before %+v", c.Live, c.Peak, before)
	}
}

func TestMemoryFaults(t *testing.T) {
	g := openGPU(t)
	var p uintptr
	FailAllocation(2)
	for i, want := range []int{0, OutOfMemory, 0} {
		if r := call("cuMemAlloc_v2", word(&p), 100); r != want {
			t.Errorf("allocation %d: %d, want %d", i, r, want)
		}
	}
	LimitMemory(1 << 20)
	var free, total uintptr
	g.do("cuMemGetInfo_v2", word(&free), word(&total))
	if total != 1<<20 || free != total-200 {
		t.Errorf("%d bytes of %d are free", free, total)
	}
	if r := call("cuMemAlloc_v2", word(&p), 1<<20); r != OutOfMemory {
		t.Errorf("more than there is: %d", r)
	}
	g.do("cuMemAlloc_v2", word(&p), 1<<20-200)
}

func TestKernelFaults(t *testing.T) {
	g := openGPU(t)
	f, device := g.function(plus, "t"), upload(g, []uint32{1})
	FailLaunch("t", 2, OutOfResources)
	for i, want := range []int{0, OutOfResources, 0} {
		if r := g.launch(f, shape{1, 1, 1}, shape{1, 1, 1}, 0, device, 1, 1); r != want {
			t.Errorf("launch %d: %d, want %d", i, r, want)
		}
	}
	g.do("cuCtxSynchronize")
	FaultKernel("*", 1, LaunchFailed)
	g.plus(f, 0, device, 1, 1)
	if r := call("cuCtxSynchronize"); r != LaunchFailed {
		t.Errorf("waiting: %d, want %d", r, LaunchFailed)
	}
	if r := call("cuCtxSynchronize"); r != LaunchFailed {
		t.Errorf("it did not stay: %d", r)
	}
	g.do("cuDevicePrimaryCtxReset_v2", 0)
	g.do("cuCtxSynchronize")
}

func TestLostDevice(t *testing.T) {
	g := openGPU(t)
	LoseDevice(3, ECCError)
	for i, want := range []int{0, 0, ECCError, ECCError} {
		if r := call("cuCtxSynchronize"); r != want {
			t.Errorf("call %d: %d, want %d", i, r, want)
		}
	}
	var c uintptr
	if r := call("cuDevicePrimaryCtxRetain", word(&c), 0); r != ECCError {
		t.Errorf("retain: %d", r)
	}
	Reset()
	Restore()
	g.do("cuCtxSynchronize")
}

func TestOtherMachines(t *testing.T) {
	g := openGPU(t)
	Devices(3)
	var n, d uintptr
	g.do("cuDeviceGetCount", word(&n))
	g.do("cuDeviceGet", word(&d), 2)
	if n != 3 || d != 2 {
		t.Errorf("%d devices, the third is %d", n, d)
	}
	if r := call("cuDeviceGet", word(&d), 3); r != 101 {
		t.Errorf("the fourth: %d, want 101", r)
	}
	Devices(0)
	if r := call("cuInit", 0); r != 100 {
		t.Errorf("no device: %d, want 100", r)
	}
	Devices(1)
	OldDriver(9, 2)
	if _, r, _ := g.load(plus); r != 222 {
		t.Errorf("PTX 6.3 on a driver of CUDA 9.2: %d, want 222", r)
	}
	var v uintptr
	g.do("cuDriverGetVersion", word(&v))
	if v != 9020 {
		t.Errorf("driver %d", v)
	}
}
