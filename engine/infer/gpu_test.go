package infer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/infer/double"
)

// gpuBuild is the folder with ONNX Runtime's build for GPUs. It is 250 MB that
// nothing else needs, so `make test` fetches it and a bare `go test` does without.
func gpuBuild(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("STREAMVET_ORT_GPU_DIR")
	if dir == "" {
		t.Skip("STREAMVET_ORT_GPU_DIR is not set: `scripts/onnxruntime.sh --gpu` prints what it should be, make test does so")
	}
	return dir
}

// doubles builds the doubles of NVIDIA's libraries.
func doubles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := double.Build(dir, filepath.Join("double", "lib"), append(double.CUDA(), double.TensorRT, double.Parser)...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// without is a folder with the doubles of another, but for those left out.
func without(t *testing.T, all string, leftOut ...double.Library) string {
	t.Helper()
	dir := t.TempDir()
	for _, l := range double.CUDA() {
		if slices.Contains(leftOut, l) {
			continue
		}
		if err := os.Symlink(filepath.Join(all, string(l)), filepath.Join(dir, string(l))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// inChild runs a test of this package in a process of its own, in which a library
// of ONNX Runtime meets the doubles in a folder.
func inChild(t *testing.T, test, ort, doubles string, env ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(append(os.Environ(), "INFER_TEST_CHILD="+test, "STREAMVET_ORT_LIB="+ort, "LD_LIBRARY_PATH="+doubles), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return string(out)
}

// onlyInChild skips a test that needs what inChild gives it.
func onlyInChild(t *testing.T) {
	t.Helper()
	if os.Getenv("INFER_TEST_CHILD") != t.Name() {
		t.Skip("run by TestOnGPU")
	}
}

const libName = "libonnxruntime.so." + series + "0"

// TestOnGPU runs ONNX Runtime's real CUDA provider over doubles of NVIDIA's
// libraries. A process has one of each, so each set has a process.
func TestOnGPU(t *testing.T) {
	ort := filepath.Join(gpuBuild(t), libName)
	all := doubles(t)
	t.Run("cuda", func(t *testing.T) { t.Log(inChild(t, "TestCUDA", ort, all)) })
	t.Run("tensorrt", func(t *testing.T) { inChild(t, "TestTensorRT", ort, all) })
	for _, c := range []struct {
		name    string
		ort     string
		leftOut []double.Library
		env     []string
		want    []string
	}{
		{"no cuDNN", ort, []double.Library{double.DNN}, nil,
			[]string{"libcudnn.so.9: cannot open", "wheels nvidia-cudnn-cu13~=9.0 beside", "run `make setup` on the machine that has the GPU"}},
		{"nothing of NVIDIA's but the driver", ort, []double.Library{double.BLAS, double.BLASLt, double.Random, double.DNN}, nil,
			[]string{"libcublasLt.so.13", "libcurand.so.10", "wheels nvidia-cublas~=13.0, nvidia-curand~=10.0, nvidia-cudnn-cu13~=9.0 beside"}},
		{"no driver", ort, []double.Library{double.Driver}, nil, []string{"there is no NVIDIA driver here", "install driver 580 or later, or use the device cpu"}},
		{"an old driver", ort, nil, []string{"STREAMVET_DOUBLE_DRIVER=12040"},
			[]string{"the NVIDIA driver serves CUDA 12.4, ONNX Runtime 1.29.0 needs 13.0: install driver 580 or later"}},
		{"tensorrt is not there", ort, nil, []string{"INFER_TEST_PROVIDER=tensorrt"},
			[]string{"libnvinfer.so.10: cannot open", "wheels tensorrt-cu13-libs~=10.0 beside", "make setup does not: they are 2 GB"}},
		{"a provider of another version", besideProvider(t, ort, "1.28.0"), nil, nil, []string{"is not of version 1.29.0", "take both from one build"}},
		{"the build for the CPU", alone(t, ort), nil, nil, []string{"there is no libonnxruntime_providers_", "a build for the CPU", "STREAMVET_GPU=1 make setup"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := inChild(t, "TestGPUIsRefused", c.ort, without(t, all, c.leftOut...), c.env...)
			for _, want := range append(c.want, `load the network of detector "conv": provider`) {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
		})
	}
}

// alone is the library in a folder without providers.
func alone(t *testing.T, ort string) string {
	t.Helper()
	data, err := os.ReadFile(ort)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), libName)
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// besideProvider is the library in a folder with a CUDA provider that says it is of
// a version.
func besideProvider(t *testing.T, ort, version string) string {
	t.Helper()
	path := alone(t, ort)
	for _, name := range []string{"cuda", "shared"} {
		cmd := exec.Command("cc", "-shared", "-fPIC", "-x", "c", "-", "-o", filepath.Join(filepath.Dir(path), "libonnxruntime_providers_"+name+".so"))
		cmd.Stdin = strings.NewReader(fmt.Sprintf("const char *const word = \"\", *const version = %q;\n", version))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cc: %v: %s", err, out)
		}
	}
	return path
}

// TestGPUIsRefused prints why no network runs on the double.
func TestGPUIsRefused(t *testing.T) {
	onlyInChild(t)
	at, _ := doublePlace(t)
	p := CUDA
	if os.Getenv("INFER_TEST_PROVIDER") == "tensorrt" {
		p = TensorRT
	}
	l := open(t, Options{Provider: p})
	s, err := l.Load(lumaSpec(t, "conv"), at)
	if err == nil {
		s.Close()
		t.Fatal("it was loaded")
	}
	fmt.Println(err)
}

// doublePlace is a place on the double, which must be empty after the test.
func doublePlace(t *testing.T) (Place, *double.Device) {
	t.Helper()
	d, err := double.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.FailMalloc(0, 0)
		if n := len(d.Tensors); n > 0 {
			t.Errorf("%d tensors were left open", n)
		}
	})
	return Place{Device: d, Queue: newQueue(t, d)}, d
}

func newQueue(t *testing.T, d device.Device) device.Stream {
	t.Helper()
	q, err := d.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	return q
}
