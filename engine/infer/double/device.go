package double

// #include "runtime.h"
// #cgo LDFLAGS: -ldl
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// Device is one whose tensors lie in the double. It says that the host cannot read
// them. It makes tensors, streams and readbacks, and nothing else.
type Device struct {
	device.Device                // nil: what is not below is not there
	Tensors       []*Tensor      // those that were made and not closed, the latest last
	Outputs       device.Traffic // that was read back
}

// Open finds the double, which must have been built into a folder of LD_LIBRARY_PATH.
func Open() (*Device, error) {
	if msg := C.double_open(); msg != nil {
		return nil, errors.New(C.GoString(msg))
	}
	return &Device{}, nil
}

// Counts is what the double has seen since Begin.
type Counts struct {
	Launches  int // of kernels, and of what cuDNN and cuBLAS do
	Elsewhere int // work on other streams than that of Begin
	Graphs    int // launches of graphs
	Captures  int
	ToDevice  int // copies that libraries made
	ToHost    int
	Syncs     int // waits of the host
	Mallocs   int
	Handles   int     // of cuBLAS and cuDNN, made
	Plans     int     // of cuDNN, made
	First     uintptr // argument of the first launch
}

// Begin counts anew; s is where work is expected.
func (d *Device) Begin(s device.Stream) { C.double_begin(pointer(s.Handle())) }

func (d *Device) Counts() Counts {
	c := C.double_read()
	return Counts{
		Launches: int(c.launches), Elsewhere: int(c.elsewhere), Graphs: int(c.graphs), Captures: int(c.captures),
		ToDevice: int(c.to_device), ToHost: int(c.to_host), Syncs: int(c.syncs), Mallocs: int(c.allocations),
		Handles: int(c.handles), Plans: int(c.plans), First: uintptr(c.first),
	}
}

// FailMalloc lets allocations fail with a code of the CUDA runtime, after so many
// more; code 0 lets them be.
func (d *Device) FailMalloc(after, code int) {
	C.double_fault(C.DOUBLE_MALLOC, C.int(after), C.int(code))
}

// FailLaunch does so with launches.
func (d *Device) FailLaunch(after, code int) {
	C.double_fault(C.DOUBLE_LAUNCH, C.int(after), C.int(code))
}

// Lose lets every call fail after so many more launches.
func (d *Device) Lose(after, code int) {
	C.double_fault(C.DOUBLE_ALL, C.int(after), C.int(code))
}

func (d *Device) Name() string       { return "a double of a GPU" }
func (d *Device) Mem() frame.MemKind { return frame.MemDevice }
func (d *Device) HostReads() bool    { return false }
func (d *Device) Context() uintptr   { return 1 }
func (d *Device) Close() error       { return nil }

// Tensor is memory of the double.
type Tensor struct {
	device *Device
	memory unsafe.Pointer
	shape  device.Shape
	dtype  device.DType
}

func (d *Device) NewTensor(s device.Shape, t device.DType) (device.Tensor, error) {
	x := &Tensor{device: d, shape: s, dtype: t}
	if code := C.double_malloc(&x.memory, C.size_t(s.Elements()*t.Bytes())); code != 0 {
		return nil, failure(code)
	}
	clear(x.Bytes())
	d.Tensors = append(d.Tensors, x)
	return x, nil
}

// Bytes is what a real GPU would not show.
func (x *Tensor) Bytes() []byte {
	return unsafe.Slice((*byte)(x.memory), x.shape.Elements()*x.dtype.Bytes())
}

func (x *Tensor) Ptr() unsafe.Pointer { return x.memory }
func (x *Tensor) Mem() frame.MemKind  { return frame.MemDevice }
func (x *Tensor) Shape() device.Shape { return x.shape }
func (x *Tensor) DType() device.DType { return x.dtype }

func (x *Tensor) Close() error {
	if x.memory != nil {
		C.double_free(x.memory)
		x.memory = nil
		x.device.Tensors = slices.DeleteFunc(x.device.Tensors, func(y *Tensor) bool { return x == y })
	}
	return nil
}

type stream struct{ handle unsafe.Pointer }

func (d *Device) NewStream() (device.Stream, error) {
	var s stream
	C.double_stream(&s.handle)
	return s, nil
}

func (s stream) Handle() uintptr         { return uintptr(s.handle) }
func (stream) Record(device.Event) error { return nil }
func (stream) Wait(device.Event) error   { return nil }
func (s stream) Sync() error             { return failure(C.double_sync(s.handle)) }
func (stream) Close() error              { return nil }

// failure makes an error of a code of the runtime.
func failure(code C.int) error {
	switch code {
	case 0:
		return nil
	case 2:
		return fmt.Errorf("%w: code %d", device.ErrMemory, code)
	}
	return fmt.Errorf("%w: code %d", device.ErrLost, code)
}

// readback copies when it is waited for, as late as a GPU might.
type readback struct {
	device  *Device
	pending []byte
	host    []byte
}

func (d *Device) NewReadback(bytes int, _ device.Purpose) (device.Readback, error) {
	return &readback{device: d, host: make([]byte, bytes)}, nil
}

func (r *readback) Copy(_ device.Stream, src device.Tensor, offset, n int) error {
	if r.pending != nil {
		return errors.New("the copy before was not waited for")
	}
	r.pending = src.(*Tensor).Bytes()[offset : offset+n]
	r.device.Outputs.Calls++
	r.device.Outputs.Bytes += uint64(n)
	return nil
}

func (r *readback) Wait() ([]byte, error) {
	if r.pending == nil {
		return nil, errors.New("nothing was copied")
	}
	n := copy(r.host, r.pending)
	r.pending = nil
	return r.host[:n], nil
}

func (r *readback) Close() error { return nil }

// pointer is a handle of the double as C has it.
func pointer(handle uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&handle)) }
