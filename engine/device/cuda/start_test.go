//go:build cuda

package cuda_test

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/device/cuda"
	"github.com/streamvet/streamvet/engine/device/cuda/double"
)

// childVariable says what a test binary does that was started as another program:
// the driver starts once a process.
const childVariable = "STREAMVET_CUDA_TEST_CHILD"

func child(task string) {
	var ordinal int
	switch n, _ := fmt.Sscanf(task, "open %d", &ordinal); {
	case n == 1:
		d, err := cuda.Open(cuda.Options{Ordinal: ordinal, Logger: quiet})
		if err != nil {
			fmt.Println("error:", err)
			return
		}
		fmt.Println(d.Name(), d.Close())
	case task == "list":
		gpus, err := cuda.List()
		fmt.Println(gpus, err)
	case task == "monitor":
		m := cuda.NewMonitor(cuda.Options{Logger: slog.New(slog.NewTextHandler(os.Stdout, nil))})
		fmt.Println(m.Read(), m.Close())
	}
}

// inChild gives what a child says that finds its driver in a folder.
func inChild(t *testing.T, task, folder string, options ...string) string {
	t.Helper()
	program, err := os.Executable()
	check(t, err)
	c := exec.Command(program)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "LD_LIBRARY_PATH=") {
			c.Env = append(c.Env, e)
		}
	}
	c.Env = append(c.Env, childVariable+"="+task, "LD_LIBRARY_PATH="+folder)
	for _, o := range options {
		c.Env = append(c.Env, "STREAMVET_DOUBLE_"+o)
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	onDouble(t)
	driverAlone := t.TempDir()
	check(t, os.Symlink(double.Folder()+"/libcuda.so.1", driverAlone+"/libcuda.so.1"))
	for name, k := range map[string]struct {
		task, folder string
		options      []string
		says         []string
	}{
		"no driver":           {"open 0", t.TempDir(), nil, []string{"there is no NVIDIA driver", "libcuda.so.1", "--gpus all", "--device cpu"}},
		"no GPU":              {"open 0", double.Folder(), []string{"NO_DEVICE=1"}, []string{"finds no GPU", "nvidia-smi"}},
		"a driver of CUDA 9":  {"open 0", double.Folder(), []string{"DRIVER_VERSION=9020"}, []string{"CUDA 9.2", "too old", "410"}},
		"no such GPU":         {"open 5", double.Folder(), []string{"DEVICES=2", "NAME=NVIDIA L4"}, []string{"no GPU of number 5", "cuda 0 (NVIDIA L4), cuda 1 (NVIDIA L4)"}},
		"a negative number":   {"open -1", double.Folder(), nil, []string{"no GPU of number -1"}},
		"a GPU that is old":   {"open 0", double.Folder(), []string{"COMPUTE=61", "NAME=Tesla P4"}, []string{"Tesla P4 is of compute capability 6.1", "7.5 is the least"}},
		"the second GPU":      {"open 1", double.Folder(), []string{"DEVICES=2", "NAME=NVIDIA L4"}, []string{"NVIDIA L4 (cuda 1) <nil>"}},
		"a newer GPU":         {"open 0", double.Folder(), []string{"COMPUTE=120"}, []string{"(cuda 0) <nil>"}},
		"a list of none":      {"list", t.TempDir(), nil, []string{"[]", "there is no NVIDIA driver"}},
		"a list without NVML": {"list", driverAlone, []string{"NAME=T4"}, []string{"T4", "CUDA 12.4", "<nil>"}},
		"a list of two":       {"list", double.Folder(), []string{"DEVICES=2", "NVML_DRIVER=550.1", "MEMORY=24G"}, []string{"25769803776 7 5 550.1} {1 ", "<nil>"}},
		"no NVML":             {"monitor", driverAlone, nil, []string{"level=WARN", "NVML tells nothing", "{-1 -1 0 0 0} <nil>"}},
		"NVML":                {"monitor", double.Folder(), []string{"NVML_GPU=12", "NVML_DECODER=34", "MEMORY=8G"}, []string{"{12 34 ", " 8589934592 1470} <nil>"}},
	} {
		t.Run(name, func(t *testing.T) {
			said := inChild(t, k.task, k.folder, k.options...)
			for _, words := range k.says {
				if !strings.Contains(said, words) {
					t.Errorf("it says %q, without %q", said, words)
				}
			}
		})
	}
}
