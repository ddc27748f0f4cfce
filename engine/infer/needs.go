package infer

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"
)

// dependency is a library that providers link or load by name.
type dependency struct {
	file, wheel string
	optional    bool
}

// Each one before those that need it.
var (
	cudaNeeds = []dependency{
		{file: "libcuda.so.1"},
		{file: "libcudart.so.13", wheel: "nvidia-cuda-runtime~=13.0"},
		{file: "libcublasLt.so.13", wheel: "nvidia-cublas~=13.0"},
		{file: "libcublas.so.13", wheel: "nvidia-cublas~=13.0"},
		{file: "libcurand.so.10", wheel: "nvidia-curand~=10.0"},
		// cuDNN compiles some of its kernels when it first needs them.
		{file: "libnvrtc-builtins.so.13.0", optional: true},
		{file: "libnvrtc.so.13", optional: true},
		{file: "libcudnn.so.9", wheel: "nvidia-cudnn-cu13~=9.0"},
	}
	tensorrtNeeds = []dependency{
		{file: "libnvinfer.so.10", wheel: "tensorrt-cu13-libs~=10.0"},
		{file: "libnvonnxparser.so.10", wheel: "tensorrt-cu13-libs~=10.0"},
	}
)

// preload loads what providers need by full path where it lies beside ONNX Runtime,
// else as the system finds it: the providers have no search path of their own, and
// nobody should have to set LD_LIBRARY_PATH.
func (l *Library) preload(p Provider) error {
	needs := cudaNeeds
	if p == TensorRT {
		needs = append(needs[:len(needs):len(needs)], tensorrtNeeds...)
	}
	var missing, wheels []string
	for _, need := range needs {
		name := need.file
		if beside := filepath.Join(l.dir, name); fileExists(beside) {
			name = beside
		}
		cname := C.CString(name)
		err := taken(C.infer_preload(cname))
		C.free(unsafe.Pointer(cname))
		switch {
		case err == nil || need.optional:
		case need.wheel == "":
			return fmt.Errorf("provider %v: there is no NVIDIA driver here (%w): install driver 580 or later, or use the device cpu", p, err)
		default:
			missing = append(missing, err.Error())
			if len(wheels) == 0 || wheels[len(wheels)-1] != need.wheel {
				wheels = append(wheels, need.wheel)
			}
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("provider %v: libraries of NVIDIA's are missing: %s. Put those of the Python wheels %s beside %s%s",
			p, strings.Join(missing, "; "), strings.Join(wheels, ", "), filepath.Join(l.dir, "libonnxruntime.so"), setupBrings(wheels))
	}
	return nil
}

// setupBrings ends the remedy where the set-up brings one of the wheels.
func setupBrings(wheels []string) string {
	for _, w := range wheels {
		if !strings.HasPrefix(w, "tensorrt") {
			return ", or " + gpuRemedy
		}
	}
	return " (make setup does not: they are 2 GB)"
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
