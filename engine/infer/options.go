package infer

import (
	"errors"
	"fmt"
	"log/slog"
)

// Provider is the part of ONNX Runtime that computes networks whose tensors lie on
// a GPU. Those of the host's memory are computed by the CPU's, whatever is chosen.
type Provider uint8

const (
	CPU  Provider = iota // needs a device whose tensors the host can read
	CUDA                 // cuDNN and cuBLAS
	// TensorRT compiles a network for the GPU: minutes at the first start and for
	// each new size of pictures, kept in the EngineCache. What it does not take runs
	// on CUDA.
	TensorRT
)

func (p Provider) String() string { return [...]string{"cpu", "cuda", "tensorrt"}[p] }

// Options say how networks run.
type Options struct {
	// IntraOpThreads is how many threads one run uses on the CPU; 0 is 1. Waiting
	// ones sleep: spinning costs twice the CPU where cores are shared.
	IntraOpThreads int
	// Provider computes networks on a GPU.
	Provider Provider
	// Graphs lets each batch size of a binding be captured as a CUDA graph when it is
	// bound, and launched as one later. While one is captured nobody else in the
	// process may allocate memory of that GPU.
	Graphs bool
	// EngineCache is the folder where TensorRT keeps engines and timings; "" for
	// none. It is made if it is missing. Engines are code: nobody else may write there.
	EngineCache string
	// MemoryLimit is how many bytes of the GPU's memory a session may take for
	// weights and intermediate results; 0 is no limit.
	MemoryLimit int64
	// Logger is told what is worth knowing of sessions; nil is silence.
	Logger *slog.Logger
}

// check fills in what was left out.
func (o *Options) check() error {
	switch {
	case o.IntraOpThreads < 0 || o.IntraOpThreads > 1024:
		return fmt.Errorf("%d threads for a run are not in 0..1024", o.IntraOpThreads)
	case o.Provider > TensorRT:
		return fmt.Errorf("provider %d is none", uint8(o.Provider))
	case o.MemoryLimit < 0:
		return errors.New("the memory limit is negative")
	}
	o.IntraOpThreads = max(1, o.IntraOpThreads)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}
