package infer

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"bytes"
	"debug/elf"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
)

const gpuRemedy = "run `make setup` on the machine that has the GPU (or STREAMVET_GPU=1 make setup): it puts ONNX Runtime's " +
	"build for GPUs and NVIDIA's libraries into one folder"

// gpus is what a Library has found out of the GPUs that it runs networks on.
type gpus struct {
	mu       sync.Mutex
	prepared [TensorRT + 1]bool
	probed   map[int]bool // by ordinal
}

// prepareGPU makes sure that provider p can be loaded, once, and that GPU ordinal of
// a place runs a convolution: much of what can be wrong shows at the first one only.
func (l *Library) prepareGPU(p Provider, at Place) (ordinal int, err error) {
	l.gpus.mu.Lock()
	defer l.gpus.mu.Unlock()
	if !l.gpus.prepared[p] {
		if err := l.prepare(p); err != nil {
			return 0, err
		}
		l.gpus.prepared[p] = true
	}
	context := at.Device.Context()
	if ordinal = int(C.infer_ordinal(*(*unsafe.Pointer)(unsafe.Pointer(&context)))); ordinal < 0 {
		return 0, fmt.Errorf("%s has no CUDA context that the driver knows", at.Device.Name())
	}
	if l.gpus.probed[ordinal] {
		return ordinal, nil
	}
	if err := l.probe(at, ordinal); err != nil {
		return 0, fmt.Errorf("ONNX Runtime's CUDA provider does not run a convolution on %s: %w", at.Device.Name(), err)
	}
	if l.gpus.probed == nil {
		l.gpus.probed = map[int]bool{}
	}
	l.gpus.probed[ordinal] = true
	return ordinal, nil
}

// prepare looks at what cannot be loaded before it is, and loads what providers link.
func (l *Library) prepare(p Provider) error {
	files := []string{"libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"}
	if p == TensorRT {
		files = append(files, "libonnxruntime_providers_tensorrt.so")
	}
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(l.dir, file)); err != nil {
			return fmt.Errorf("provider %v: there is no %s in %s, so ONNX Runtime there is a build for the CPU: %s", p, file, l.dir, gpuRemedy)
		}
	}
	if err := isOfVersion(filepath.Join(l.dir, files[1]), l.version); err != nil {
		return err
	}
	if err := l.preload(p); err != nil {
		return err
	}
	const needed = 13000 // the version of CUDA that the provider is built with
	if v := int(C.infer_driver()); v < needed {
		return fmt.Errorf("provider %v: the NVIDIA driver serves CUDA %d.%d, ONNX Runtime %s needs %d.%d: install driver 580 or later",
			p, v/1000, v%1000/10, l.version, needed/1000, needed%1000/10)
	}
	return nil
}

// isOfVersion tells whether the CUDA provider in a file is of a version of ONNX
// Runtime. Nothing in ONNX Runtime asks, and it crashes with another; but the
// provider has its version among its constants. (That of TensorRT has not. It comes
// with the CUDA provider in every package.)
func isOfVersion(path, version string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("provider library %s: %w: %s", path, err, gpuRemedy)
	}
	defer f.Close()
	var constants []byte
	if section := f.Section(".rodata"); section != nil {
		if constants, err = section.Data(); err != nil {
			return fmt.Errorf("provider library %s: %w: %s", path, err, gpuRemedy)
		}
	}
	if !bytes.Contains(constants, []byte("\x00"+version+"\x00")) {
		return fmt.Errorf("provider library %s is not of version %s, as ONNX Runtime beside it is: take both from one build: %s", path, version, gpuRemedy)
	}
	return nil
}

// A network of one convolution: "x" f32[N,1,8,8], "score" f32[N].
//
//go:embed probe.onnx
var probeONNX []byte

// probe runs one convolution on a GPU.
func (l *Library) probe(at Place, ordinal int) error {
	spec := Spec{Name: "probe", ONNX: probeONNX, Input: "x", Type: device.F32, Channels: 1, Height: 8, Width: 8, Scores: []Score{{Name: "score"}}}
	s, err := l.start(spec, at, CUDA, ordinal)
	if err != nil {
		return err
	}
	in, err := at.Device.NewTensor(device.Shape{N: 1, C: 1, H: 8, W: 8}, device.F32)
	if err == nil {
		var b *Binding
		if b, err = s.bind(in, 1); err == nil {
			err = errors.Join(b.Run(1), b.Close())
		}
		err = errors.Join(err, in.Close())
	}
	return errors.Join(err, s.Close())
}
