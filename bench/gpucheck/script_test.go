package gpucheck

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gpuRun is scripts/gpu-run.sh in a folder as a bundle is, with a bench that prints
// what it is given.
func gpuRun(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	script, err := os.ReadFile("../../scripts/gpu-run.sh")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "gpu-check.sh"), string(script))
	write(t, filepath.Join(dir, "lib", "libonnxruntime.so.1.29.0"), "")
	write(t, filepath.Join(dir, "bin", "bench"), `#!/bin/sh
echo "flags: $*"
echo "loader: $LD_LIBRARY_PATH"
echo "ort: $STREAMVET_ORT_LIB"
[ -d "${CUDA_CACHE_PATH%/*}" ] || echo "no folder for compiled kernels"
while [ "$1" != --gpu-logs ]; do shift; done
echo "of a step" >"$2/step.log"
exit 3
`)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// sitePackages is a Python, and the wheels of CUDA 13 and cuDNN 9 as it would have them.
func sitePackages(t *testing.T) (bin, cuda, cudnn string) {
	t.Helper()
	dir := t.TempDir()
	site := filepath.Join(dir, "site packages")
	cuda, cudnn = filepath.Join(site, "nvidia/cu13/lib"), filepath.Join(site, "nvidia/cudnn/lib")
	for _, name := range []string{"libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcurand.so.10", "libnvrtc.so.13"} {
		write(t, filepath.Join(cuda, name), "")
	}
	write(t, filepath.Join(cudnn, "libcudnn.so.9"), "")
	bin = filepath.Join(dir, "bin")
	write(t, filepath.Join(bin, "python3"), "#!/bin/sh\necho /nowhere\necho '"+site+"'\n")
	return bin, cuda, cudnn
}

// driverFolder has the driver's libraries; the decoder's by its full name alone, as
// some images do.
func driverFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"libcuda.so.1", "libnvidia-ml.so.1"} {
		write(t, filepath.Join(dir, name), "")
	}
	return dir
}

func TestTheRunScriptFindsLibraries(t *testing.T) {
	dir := gpuRun(t)
	bin, cuda, cudnn := sitePackages(t)
	out := t.TempDir()
	cmd := exec.Command(filepath.Join(dir, "gpu-check.sh"), "--quick", "--gpu-time", "2m")
	driver := driverFolder(t)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "LD_LIBRARY_PATH="+driver, "OUT="+out, "STREAMVET_ORT_LIB=")
	text, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("it ends with %d (%v), the check with 3", code, err)
	}
	for _, want := range []string{
		"libcuda.so.1: " + driver, "libcublas.so.13: " + cuda, "libcudnn.so.9: " + cudnn,
		"loader: " + driver + ":" + cuda + ":" + cudnn + "\n", "ort: " + dir + "/lib/libonnxruntime.so.1.29.0",
		"--gpu-clips " + dir + "/clips-quick", "--gpu-tests " + dir + "/bin/cuda.test", "--save " + out + "/gpu-check.json --quick --gpu-time 2m",
		"libnvcuvid.so.1: MISSING. It is the driver's; a container gets it with NVIDIA_DRIVER_CAPABILITIES=video",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "no folder for compiled kernels") {
		t.Error("there is no folder for compiled kernels")
	}
	kept, err := os.ReadFile(filepath.Join(out, "gpu-check.txt"))
	if err != nil || !strings.Contains(string(kept), "flags: --gpu") || !strings.Contains(string(kept), "libcudnn.so.9: "+cudnn) {
		t.Errorf("kept: %q, %v", kept, err)
	}
	logs, err := exec.Command("tar", "-xzOf", filepath.Join(out, "logs.tar.gz"), "logs/step.log").Output()
	if err != nil || string(logs) != "of a step\n" {
		t.Errorf("the logs: %q, %v", logs, err)
	}
}

// A driver whose folder lacks the link by which FFmpeg asks for the decoder gets one.
func TestTheRunScriptMakesTheDecodersLink(t *testing.T) {
	dir := gpuRun(t)
	bin, cuda, _ := sitePackages(t)
	decoder := filepath.Join(cuda, "libnvcuvid.so.580.159.04") // any folder that is looked into
	write(t, decoder, "")
	cmd := exec.Command(filepath.Join(dir, "gpu-check.sh"), "--where")
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "LD_LIBRARY_PATH="+driverFolder(t))
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "libnvcuvid.so.1: "+decoder+", by a link of ours") {
		t.Errorf("%v: %s", err, text)
	}
}
