package infer

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"go.uber.org/goleak"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// libPath is the library that `make setup` installed. Without it nothing here
// means anything, so that is a failure and not a skip.
func libPath(t testing.TB) string {
	t.Helper()
	p := os.Getenv("STREAMVET_ORT_LIB")
	if p == "" {
		t.Fatal(`STREAMVET_ORT_LIB is not set: run make setup, then eval "$(scripts/env.sh)"`)
	}
	return p
}

func open(t testing.TB, o Options) *Library {
	t.Helper()
	l, err := Open(libPath(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func model(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// lumaSpec is the manifest that good.onnx fulfils.
func lumaSpec(t testing.TB, name string) Spec {
	return Spec{Name: name, ONNX: model(t, name), Input: "luma", Type: device.U8, Channels: 1, Score: "score", Map: "map"}
}

func session(t testing.TB, l *Library, s Spec) *Session {
	t.Helper()
	n, err := l.Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// hostTensor is a tensor over memory that is not the Go heap's.
type hostTensor struct {
	mem   []byte
	shape device.Shape
	typ   device.DType
	kind  frame.MemKind
}

func tensor(t testing.TB, shape device.Shape, typ device.DType) *hostTensor {
	t.Helper()
	size := max(1, shape.Elements()*typ.Bytes())
	mem, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	h := &hostTensor{mem: mem, shape: shape, typ: typ, kind: frame.MemHost}
	t.Cleanup(func() { h.Close() })
	return h
}

func (h *hostTensor) Ptr() unsafe.Pointer     { return unsafe.Pointer(unsafe.SliceData(h.mem)) }
func (h *hostTensor) Mem() frame.MemKind      { return h.kind }
func (h *hostTensor) Shape() device.Shape     { return h.shape }
func (h *hostTensor) DType() device.DType     { return h.typ }
func (h *hostTensor) row(n int) []byte        { s := len(h.mem) / h.shape.N; return h.mem[n*s : (n+1)*s] }
func (h *hostTensor) set(n, x, y int, v byte) { h.row(n)[y*h.shape.W+x] = v }

func (h *hostTensor) Close() error {
	if h.mem == nil {
		return nil
	}
	mem := h.mem
	h.mem = nil
	return syscall.Munmap(mem)
}

// fillBlock sets the 8x8 block at column bx and line by of row n to v.
func (h *hostTensor) fillBlock(n, bx, by int, v byte) {
	for y := range 8 {
		for x := range 8 {
			h.set(n, bx*8+x, by*8+y, v)
		}
	}
}

func bind(t testing.TB, s *Session, in device.Tensor, maxBatch int) *Binding {
	t.Helper()
	b, err := s.Bind(in, maxBatch)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func near(a, b float32) bool { return a-b < 1e-5 && b-a < 1e-5 }

func mustRun(t testing.TB, b *Binding, n int) {
	t.Helper()
	if err := b.Run(n); err != nil {
		t.Fatal(fmt.Errorf("run %d: %w", n, err))
	}
}
