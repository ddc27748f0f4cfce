package infer

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

func TestProviderOptions(t *testing.T) {
	stream := map[string]string{"device_id": "2", "has_user_compute_stream": "1", "user_compute_stream": "140737488355328"}
	cuda := map[string]string{"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested", "use_tf32": "0"}
	const handle = 1 << 47
	for _, c := range []struct {
		name string
		got  map[string]string
		want []map[string]string
	}{
		{"cuda", cudaOptions(Options{Provider: CUDA}, 2, handle), []map[string]string{stream, cuda}},
		{"cuda, all", cudaOptions(Options{Provider: CUDA, Graphs: true, MemoryLimit: 5e9}, 2, handle),
			[]map[string]string{stream, cuda, {"gpu_mem_limit": "5000000000", "enable_cuda_graph": "1"}}},
		{"cuda behind tensorrt", cudaOptions(Options{Provider: TensorRT, Graphs: true}, 2, handle), []map[string]string{stream, cuda}},
		{"tensorrt", tensorrtOptions(Options{}, "blur", 2, handle), []map[string]string{stream}},
		{"tensorrt, all", tensorrtOptions(Options{Graphs: true, MemoryLimit: 5e9, EngineCache: "/c"}, "blur", 2, handle), []map[string]string{stream, {
			"trt_max_workspace_size": "5000000000", "trt_cuda_graph_enable": "1", "trt_engine_cache_enable": "1", "trt_timing_cache_enable": "1",
			"trt_engine_cache_path": "/c", "trt_timing_cache_path": "/c", "trt_engine_cache_prefix": "blur"}}},
	} {
		want := map[string]string{}
		for _, m := range c.want {
			maps.Copy(want, m)
		}
		if !maps.Equal(c.got, want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, want)
		}
	}
}

func TestOptionsThatWereNotTaken(t *testing.T) {
	want := map[string]string{"user_compute_stream": "77", "use_tf32": "0", "enable_cuda_graph": "1"}
	for text, says := range map[string]string{
		"a=1;user_compute_stream=77;use_tf32=0": "", // enable_cuda_graph is not told
		"user_compute_stream=0;use_tf32=0":      `user_compute_stream="0" where "77"`,
		"user_compute_stream=77;use_tf32=1":     `use_tf32="1" where "0"`,
		"":                                      `user_compute_stream="" where "77"`,
	} {
		switch err := compareOptions(text, want); {
		case says == "" && err != nil, says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{{IntraOpThreads: -1}, {IntraOpThreads: 2000}, {Provider: 9}, {MemoryLimit: -1}} {
		if l, err := Open(libPath(t), o); err == nil {
			l.Close()
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestEngineCache(t *testing.T) {
	dir := t.TempDir()
	made, err := makeCache(filepath.Join(dir, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("made %v, %v", info, err)
	}
	if again, err := makeCache(made); again != made || err != nil {
		t.Errorf("again: %s, %v", again, err)
	}
	if err := os.Chmod(made, 0o770); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{made: "others may write to the engine cache", file: "not a directory"} {
		if _, err := makeCache(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestDiagnose(t *testing.T) {
	for text, want := range map[string]error{
		"CUDA failure 2: out of memory ; GPU=0 ; hostname=x":                                     device.ErrMemory,
		"Status Message: CUDA error cudaErrorMemoryAllocation:out of memory":                     device.ErrMemory,
		"bfc_arena.cc:359 Failed to allocate memory for requested buffer of size 1073741824":     device.ErrMemory,
		"Available memory of 100 is smaller than requested bytes of 200":                         device.ErrMemory,
		"CUDA failure 700: an illegal memory access was encountered ; GPU=0":                     device.ErrLost,
		"Status Message: CUDA error cudaErrorLaunchFailure:unspecified launch failure":           device.ErrLost,
		"CUDA failure 100: no CUDA-capable device is detected ; GPU=-1":                          device.ErrLost,
		"CUDA failure 1: invalid argument ; GPU=0":                                               nil,
		"Non-zero status code returned while running Conv node. Status Message: invalid shape 2": nil,
	} {
		err := diagnose(errors.New(text))
		for _, e := range []error{device.ErrMemory, device.ErrLost} {
			if errors.Is(err, e) != (e == want) {
				t.Errorf("%q is %v: %v", text, e, errors.Is(err, e))
			}
		}
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q became %q", text, err)
		}
		if again := diagnose(fmt.Errorf("step: %w", err)); strings.Count(again.Error(), "device: ") > 1 {
			t.Errorf("diagnosed twice: %v", again)
		}
	}
}

func TestProviderFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.so")
	if err := os.WriteFile(text, []byte("\x001.29.0\x00 but no library"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, filepath.Join(dir, "none.so")} {
		if err := isOfVersion(path, "1.29.0"); err == nil || !strings.Contains(err.Error(), "make setup") {
			t.Errorf("%s: %v", path, err)
		}
	}
	// The library itself has its version as a provider has.
	if err := isOfVersion(libPath(t), "1.29.0"); err != nil {
		t.Error(err)
	}
	if err := isOfVersion(libPath(t), "1.28.0"); err == nil {
		t.Error("any version will do")
	}
}

// mirror is the CPU that says it is a GPU whose memory the host reads: what the
// double of the driver is.
type mirror struct {
	device.Device
	syncs int
}

func (*mirror) Mem() frame.MemKind { return frame.MemDevice }

func (m *mirror) NewTensor(s device.Shape, d device.DType) (device.Tensor, error) {
	x, err := m.Device.NewTensor(s, d)
	return elsewhere{x}, err
}

func (m *mirror) NewReadback(n int, p device.Purpose) (device.Readback, error) {
	r, err := m.Device.NewReadback(n, p)
	return mirrorReadback{r}, err
}

type mirrorReadback struct{ device.Readback }

func (r mirrorReadback) Copy(q device.Stream, src device.Tensor, offset, n int) error {
	return r.Readback.Copy(q, src.(elsewhere).Tensor, offset, n)
}

type mirrorQueue struct {
	device.Stream
	of *mirror
}

func (q mirrorQueue) Sync() error { q.of.syncs++; return nil }

func TestCPUReadsADoubleOfAGPU(t *testing.T) {
	at := cpuPlace(t)
	m := &mirror{Device: at.Device}
	s, err := open(t, Options{}).Load(lumaSpec(t, "good"), Place{Device: m, Queue: mirrorQueue{at.Queue, m}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in := tensor(t, device.Shape{N: 2, C: 1, H: 16, W: 16}, device.U8)
	if _, err := s.Bind(in, 2); err == nil || !strings.Contains(err.Error(), "does not lie in the memory of cpu") {
		t.Errorf("a tensor of the host: %v", err)
	}
	b := bind(t, s, elsewhere{in}, 2)
	in.fillBlock(1, 1, 1, 255)
	m.syncs = 0
	if err := b.Start(2); err != nil {
		t.Fatal(err)
	}
	if m.syncs != 1 {
		t.Errorf("%d waits for what fills the tensor, want 1", m.syncs)
	}
	if err := b.Finish(); err != nil {
		t.Fatal(err)
	}
	if b.Scores(0, 0)[0] != 0 || !near(b.Scores(0, 1)[0], 1) {
		t.Errorf("scores %v, %v; want 0, 1", b.Scores(0, 0)[0], b.Scores(0, 1)[0])
	}
}
