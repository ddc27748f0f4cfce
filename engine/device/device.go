// Package device is where pictures become tensors and measures. It holds the
// interfaces only; device/cpu implements them always, device/cuda (behind the
// build tag cuda) on a GPU. One conformance suite, device/conformance, holds both
// to the same bits.
package device

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/streamvet/streamvet/engine/frame"
)

var (
	// ErrClosed is returned by what is used after Close.
	ErrClosed = errors.New("device: closed")
	// ErrMemory is in the error of what the device has no memory for. The device
	// goes on.
	ErrMemory = errors.New("device: out of memory")
	// ErrLost is in every error of a device that will not come back in this process:
	// the GPU fell off the bus, or a kernel made it unusable.
	ErrLost = errors.New("device: lost")
)

// Device makes what a source and a model need. All methods may be called from
// any goroutine; what they return belongs to one goroutine at a time.
type Device interface {
	// Name tells people what it is: "cpu (avx512)", "NVIDIA L4 (cuda 0)".
	Name() string
	// Mem is where its tensors lie.
	Mem() frame.MemKind
	// HostReads tells whether the host can read tensors at their addresses: on the
	// CPU, and on the test double of a GPU's driver.
	HostReads() bool
	// Context is the CUcontext that FFmpeg's decoders are given; 0 on the CPU.
	Context() uintptr
	// NewTensor allocates a tensor for life; its memory is zeroed.
	NewTensor(Shape, DType) (Tensor, error)
	// NewStream makes a queue of work; one a decoder and one a session.
	NewStream() (Stream, error)
	// NewEvent makes a mark in a queue of work.
	NewEvent() (Event, error)
	// NewPlan prepares the conversion of pictures of one geometry and format; its
	// work goes to s.
	NewPlan(s Stream, c PlanConfig) (Plan, error)
	// NewMeter makes the measuring state of one video track; its work goes to s.
	NewMeter(s Stream) (Meter, error)
	// NewUploader makes the way for pictures of host memory to the device's; its
	// work goes to s. On the CPU it hands pictures through.
	NewUploader(s Stream) (Uploader, error)
	// NewReadback makes the way for results of at most so many bytes to the host;
	// they are counted as p.
	NewReadback(bytes int, p Purpose) (Readback, error)
	// Copies is what crossed the bus so far; all zero on the CPU.
	Copies() Copies
	// Memory is what is free and what there is of the device's memory, in bytes;
	// 0, 0 on the CPU, which does not ration it.
	Memory() (free, total int64, err error)
	// Close frees what the device holds itself. Tensors, plans and meters must
	// have been closed before. It is idempotent.
	Close() error
}

// Stream is a queue of work that runs in order: a CUDA stream. On the CPU all
// work is done when the call that queues it returns, and a Stream does nothing.
type Stream interface {
	// Handle is the CUstream that FFmpeg and ONNX Runtime are given; 0 on the CPU.
	Handle() uintptr
	// Record marks the end of the work queued so far with e.
	Record(e Event) error
	// Wait lets later work of this queue begin only after e; the host does not wait.
	Wait(e Event) error
	// Sync waits on the host until all queued work is done.
	Sync() error
	Close() error
}

// Event is a mark in a Stream.
type Event interface {
	// Done tells whether the work before the mark is done; true if there was none.
	Done() (bool, error)
	Close() error
}

// DType is the element type of a tensor.
type DType uint8

const (
	U8 DType = iota + 1
	F16
	F32
)

// Bytes is the size of one element.
func (t DType) Bytes() int { return [...]int{0, 1, 2, 4}[t] }

func (t DType) String() string { return [...]string{"invalid", "u8", "f16", "f32"}[t] }

// Shape is NCHW.
type Shape struct{ N, C, H, W int }

// Elements is the number of elements.
func (s Shape) Elements() int { return s.N * s.C * s.H * s.W }

// BytesMax bounds a tensor, and what is read back of one: it is beyond any machine,
// and keeps the product of sides from overflowing.
const BytesMax = 1 << 40

// Bytes is the size of a tensor of elements t, or why there is none.
func (s Shape) Bytes(t DType) (int, error) {
	if t < U8 || t > F32 {
		return 0, fmt.Errorf("device: tensor of element type %d: u8, f16 and f32 are known", t)
	}
	bytes := t.Bytes()
	for _, side := range [...]int{s.N, s.C, s.H, s.W} {
		if side < 1 || side > BytesMax/bytes {
			return 0, fmt.Errorf("device: tensor of %dx%dx%dx%d %v: every side must be positive and the whole below 2^40 bytes", s.N, s.C, s.H, s.W, t)
		}
		bytes *= side
	}
	return bytes, nil
}

// Tensor is a dense NCHW array in the device's memory, for ONNX Runtime to bind to.
type Tensor interface {
	// Ptr is the address of element 0: host C memory or a device pointer.
	Ptr() unsafe.Pointer
	Mem() frame.MemKind
	Shape() Shape
	DType() DType
	Close() error
}

// Filter is how a picture is resampled.
type Filter uint8

const (
	// Area is the exact weighted mean over each output sample's footprint.
	Area Filter = iota
	// Bilinear is half-pixel-centred with clamped edges.
	Bilinear
	// None copies samples one to one (native resolution). The output is padded
	// to the tensor's size by repeating the last column and row.
	None
)

// Channels is what a tensor holds of a picture.
type Channels uint8

const (
	// Luma is the luma sample in 8-bit units, limited range left as it is.
	Luma Channels = iota
	// RGB is planar R, G, B in 0..255 before normalisation.
	RGB
)

// PlanConfig fixes one conversion: of pictures of this geometry, format and
// colour into one row of tensors of this shape and type.
type PlanConfig struct {
	Width, Height int
	Format        frame.Format
	Colour        frame.Colour
	Channels      Channels
	Filter        Filter
	// Letterbox keeps the aspect ratio and fills the rest with Pad (before
	// normalisation, 0..255). Not with Filter None.
	Letterbox bool
	Pad       float32
	// Mean and Std normalise: out = (v/255 - Mean[c]) / Std[c]. A zero Std means 1.
	// With U8 tensors they must be zero: out = round(v).
	Mean, Std [3]float32
	// OutWidth, OutHeight and Type are the tensor's.
	OutWidth, OutHeight int
	Type                DType
}

// Plan converts pictures into rows of tensors. One goroutine at a time.
type Plan interface {
	// Put converts f into row n of dst. It refuses pictures and tensors that do not
	// fit the plan. On the CPU the row is written when Put returns; on a GPU the
	// work is queued and Put keeps a reference to f until it is done.
	Put(f *frame.Video, dst Tensor, n int) error
	Close() error
}

// Meter measures the pictures of one video track, in order. One goroutine.
type Meter interface {
	// Measure queues the measuring of f against the picture before it. It takes a
	// reference of its own to f and keeps it as long as it needs.
	Measure(f *frame.Video) error
	// Next writes the measures of the oldest measured picture not yet taken. If
	// that is not ready it waits when wait is true, else it returns false. It also
	// returns false when nothing is pending.
	Next(m *frame.Measures, wait bool) (bool, error)
	// Pending is how many pictures were measured and not yet taken by Next.
	Pending() int
	// Reset forgets the previous picture (after a cut in the timeline).
	Reset()
	Close() error
}
