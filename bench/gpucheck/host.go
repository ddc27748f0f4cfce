package gpucheck

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine is what a report is about.
type Machine struct {
	System    string  `json:"system"` // distribution and kernel
	Processor string  `json:"processor"`
	Cores     int     `json:"cores"`
	MemoryGiB float64 `json:"memory_gib"`

	GPU        string    `json:"gpu"` // "" where there is none to be used
	Capability string    `json:"compute_capability"`
	Memory     int64     `json:"gpu_memory"` // bytes
	Driver     string    `json:"driver"`
	CUDA       string    `json:"driver_cuda"` // the version that the driver serves
	Double     bool      `json:"test_double"` // no GPU at all, but the test double of the driver
	Libraries  []Library `json:"libraries"`
}

// Library is one that was loaded, by path, or is linked in, by name.
type Library struct {
	Path    string `json:"path"`
	Version string `json:"version,omitempty"`
}

func (m *Machine) describeHost() {
	m.System = valueOf("/etc/os-release", "PRETTY_NAME", "=")
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.System += ", kernel " + unix.ByteSliceToString(u.Release[:])
	}
	m.Processor = valueOf("/proc/cpuinfo", "model name", ":")
	m.Cores = runtime.NumCPU()
	kib, _ := strconv.ParseFloat(strings.TrimSuffix(valueOf("/proc/meminfo", "MemTotal", ":"), " kB"), 64)
	m.MemoryGiB = kib / (1 << 20)
}

// valueOf is what a line of a file says of a name.
func valueOf(path, name, separator string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, separator); ok && strings.TrimSpace(k) == name {
			return strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return "unknown"
}

var foreign = regexp.MustCompile(`^lib(cuda|nvcuvid|nvidia-ml|cudart|cublas|cublasLt|cudnn|curand|nvrtc|nvidia-ptxjitcompiler|onnxruntime)[._]`)

// loadedLibraries lists NVIDIA's libraries and ONNX Runtime's as this process has
// them in memory, and the decoder's, which is loaded for each use, beside the driver's.
func loadedLibraries() []Library {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil
	}
	defer maps.Close()
	var paths []string
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if at := strings.IndexByte(lines.Text(), '/'); at >= 0 && foreign.MatchString(filepath.Base(lines.Text()[at:])) {
			paths = append(paths, lines.Text()[at:])
		}
	}
	for _, p := range paths {
		if strings.HasPrefix(filepath.Base(p), "libcuda.so") {
			beside, _ := filepath.Glob(filepath.Join(filepath.Dir(p), "libnvcuvid.so*"))
			paths = append(paths, beside...)
		}
	}
	slices.Sort(paths)
	var all []Library
	for _, p := range slices.Compact(paths) {
		all = append(all, Library{p, versionOf(p)})
	}
	return all
}

// versionOf asks the Python package that a library lies in: <site>/nvidia/cudnn/lib/x
// is of <site>/nvidia_cudnn_cu13-9.19.0.56.dist-info. Other files have their version in
// their name, or none.
func versionOf(path string) string {
	site, inside, ok := strings.Cut(path, "/nvidia/")
	if !ok {
		return ""
	}
	records, _ := filepath.Glob(filepath.Join(site, "nvidia_*.dist-info", "RECORD"))
	for _, r := range records {
		if text, err := os.ReadFile(r); err == nil && strings.Contains(string(text), "nvidia/"+inside+",") {
			return strings.TrimSuffix(filepath.Base(filepath.Dir(r)), ".dist-info")
		}
	}
	return ""
}
