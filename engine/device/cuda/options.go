// Package cuda is the device that is an NVIDIA GPU. It is behind the build tag
// cuda, since it compiles against NVIDIA's cuda.h; without the tag Open says how
// to get it. A program with it starts everywhere: the driver is loaded by the
// first Open or List (folder driver).
package cuda

import "log/slog"

// Options say which GPU is opened.
type Options struct {
	Ordinal int          // as the driver numbers them, from 0
	Logger  *slog.Logger // nil is slog.Default()
}

// Info describes a GPU.
type Info struct {
	Ordinal      int
	Name         string // "NVIDIA L4"
	Memory       int64  // bytes
	Major, Minor int    // its compute capability
	Driver       string // version of the driver: "550.163.01", or of its CUDA: "CUDA 12.4"
}

// Reading is what a Monitor reads.
type Reading struct {
	GPUPercent     int   // of the last second or so in which kernels ran; -1: not known
	DecoderPercent int   // of NVDEC's capacity in use; -1: not known
	MemoryUsed     int64 // bytes, by all processes
	MemoryTotal    int64 // bytes; 0: not known
	VideoClock     int   // MHz at most of the decoders; 0: not known
}
