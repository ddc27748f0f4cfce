package infer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"go.uber.org/goleak"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cpu"
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
	return Spec{Name: name, ONNX: model(t, name), Input: "luma", Type: device.U8, Channels: 1, Scores: []Score{{Name: "score"}}, Map: "map"}
}

// cpuPlace is a place on the CPU that is closed, and found empty, after the test.
func cpuPlace(t testing.TB) Place {
	t.Helper()
	d, err := cpu.Open(cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	q, err := d.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(q.Close(), d.Close()); err != nil {
			t.Error(err)
		}
	})
	return Place{Device: d, Queue: q}
}

func session(t testing.TB, l *Library, s Spec) *Session {
	t.Helper()
	at := cpuPlace(t)
	n, err := l.Load(s, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// picture is a tensor of the CPU, with its bytes.
type picture struct {
	device.Tensor
	mem []byte
}

func tensor(t testing.TB, shape device.Shape, typ device.DType) *picture {
	t.Helper()
	x, err := cpuPlace(t).Device.NewTensor(shape, typ)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return &picture{x, unsafe.Slice((*byte)(x.Ptr()), shape.Elements()*typ.Bytes())}
}

func (p *picture) row(n int) []byte { s := len(p.mem) / p.Shape().N; return p.mem[n*s : (n+1)*s] }

func (p *picture) set(n, x, y int, v byte) { p.row(n)[y*p.Shape().W+x] = v }

// fillBlock sets the 8x8 block at column bx and line by of row n to v.
func (p *picture) fillBlock(n, bx, by int, v byte) {
	for y := range 8 {
		for x := range 8 {
			p.set(n, bx*8+x, by*8+y, v)
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
