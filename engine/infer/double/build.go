// Package double stands in for NVIDIA's libraries in tests of ONNX Runtime's real
// CUDA provider on a machine without a GPU. The libraries (lib/) load and answer as
// NVIDIA's do, their memory is the host's, their kernels do nothing, and they count
// what is asked of them. So the provider's own code runs, and with it every line of
// package infer; what a network computes is not tested here.
package double

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Library is one that Build can make.
type Library string

const (
	Driver   Library = "libcuda.so.1"
	Runtime  Library = "libcudart.so.13"
	BLAS     Library = "libcublas.so.13"
	BLASLt   Library = "libcublasLt.so.13"
	Random   Library = "libcurand.so.10"
	DNN      Library = "libcudnn.so.9"
	TensorRT Library = "libnvinfer.so.10"
	Parser   Library = "libnvonnxparser.so.10"
)

var sources = map[Library]string{
	Driver: "driver.c", Runtime: "cudart.c", BLAS: "cublas.c", BLASLt: "cublas.c", Random: "none.c", DNN: "cudnn.c",
	TensorRT: "nvinfer.c", Parser: "nvinfer.c",
}

// CUDA are those that the CUDA provider needs.
func CUDA() []Library { return []Library{Runtime, Driver, BLAS, BLASLt, Random, DNN} }

// Build compiles libraries into the folder dir, Runtime before those that count
// with it. sources is the path of this package's folder lib.
func Build(dir, lib string, libraries ...Library) error {
	for _, l := range libraries {
		script := filepath.Join(dir, string(l)+".map")
		// NVIDIA's symbols have the library's name as their version.
		if err := os.WriteFile(script, []byte(string(l)+" { global: *; };\n"), 0o644); err != nil {
			return err
		}
		args := []string{"-O1", "-fPIC", "-shared", "-w", "-o", filepath.Join(dir, string(l)), "-Wl,-soname," + string(l),
			"-Wl,--version-script," + script, filepath.Join(lib, sources[l])}
		if counts(l) {
			args = append(args, filepath.Join(dir, string(Runtime)))
		}
		if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("cc %s: %w: %s", l, err, out)
		}
	}
	return nil
}

func counts(l Library) bool { return l == BLAS || l == BLASLt || l == DNN }
