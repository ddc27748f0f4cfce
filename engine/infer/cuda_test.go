package infer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/infer/double"
	"github.com/streamvet/streamvet/models"
)

// TestCUDA is run by TestOnGPU: the real CUDA provider, over doubles.
func TestCUDA(t *testing.T) {
	onlyInChild(t)
	for _, c := range []struct {
		name string
		test func(*testing.T)
	}{
		{"nothing but launches", testNothingButLaunches},
		{"outputs come by readback", testOutputsComeByReadback},
		{"each output comes by its own", testEachOutputComes},
		{"two runs in flight", testTwoRunsInFlight},
		{"shapes do not disturb", testShapesDoNotDisturb},
		{"runs leave nothing behind", testRunsLeaveNothing},
		{"one name for two sides", testOneName},
		{"graphs", testGraphs},
		{"nodes on the CPU are told", testNodesOnTheCPU},
		{"no memory", testNoMemory},
		{"a launch fails", testLaunchFails},
		{"the GPU is lost", testLost},
		{"signals", testSignals},
		{"close under way", testCloseUnderWay},
		{"the CPU cannot read its memory", testCPUCannotRead},
		{"shipped networks", testShippedNetworks},
	} {
		t.Run(c.name, c.test)
	}
}

// onDouble is a session of a network of testdata on the double.
func onDouble(t *testing.T, o Options, model string) (*Session, Place, *double.Device) {
	t.Helper()
	at, d := doublePlace(t)
	o.Provider = max(o.Provider, CUDA)
	s, err := open(t, o).Load(lumaSpec(t, model), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, at, d
}

// picturesOn is a tensor of the double.
func picturesOn(t *testing.T, d *double.Device, n, h, w int) *double.Tensor {
	t.Helper()
	x, err := d.NewTensor(device.Shape{N: n, C: 1, H: h, W: w}, device.U8)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x.(*double.Tensor)
}

// A run is launches on our stream: no copy, no wait, no memory, no plan.
func testNothingButLaunches(t *testing.T) {
	at, d := doublePlace(t)
	l := open(t, Options{Provider: CUDA})
	d.Begin(at.Queue)
	s, err := l.Load(lumaSpec(t, "conv"), at)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in := picturesOn(t, d, 4, 64, 64)
	b := bind(t, s, in, 4)
	if c := d.Counts(); c.Elsewhere != 0 || c.ToHost != 0 || c.Launches == 0 || c.Plans == 0 {
		t.Errorf("to load and bind: %+v; all work belongs on our stream, and nothing comes to the host", c)
	}
	for _, n := range []int{4, 1, 3, 2, 4} {
		d.Begin(at.Queue)
		before := d.Outputs
		if err := b.Start(n); err != nil {
			t.Fatal(err)
		}
		c := d.Counts()
		if c.Launches == 0 || c.First != uintptr(in.Ptr()) {
			t.Errorf("%d rows: %+v; the first launch must read the tensor at %p", n, c, in.Ptr())
		}
		if c.Elsewhere+c.ToDevice+c.ToHost+c.Syncs+c.Mallocs+c.Handles+c.Plans != 0 {
			t.Errorf("%d rows: %+v; want launches alone", n, c)
		}
		if calls, bytes := d.Outputs.Calls-before.Calls, d.Outputs.Bytes-before.Bytes; calls != 2 || bytes != uint64(4*n*(1+16*16)) {
			t.Errorf("%d rows: %d bytes of outputs in %d calls", n, bytes, calls)
		}
		if err := b.Finish(); err != nil {
			t.Fatal(err)
		}
	}
}

// write puts values where the network's outputs lie: kernels of the double do not.
func write(x *double.Tensor, values ...float32) {
	for i, v := range values {
		binary.LittleEndian.PutUint32(x.Bytes()[4*i:], math.Float32bits(v))
	}
}

func testOutputsComeByReadback(t *testing.T) {
	s, _, d := onDouble(t, Options{}, "conv")
	b := bind(t, s, picturesOn(t, d, 2, 8, 8), 2)
	scores, cells := d.Tensors[len(d.Tensors)-2], d.Tensors[len(d.Tensors)-1]
	if scores.Shape() != (device.Shape{N: 2, C: 1, H: 1, W: 1}) || cells.Shape() != (device.Shape{N: 2, C: 1, H: 2, W: 2}) {
		t.Fatalf("outputs are %v and %v", scores.Shape(), cells.Shape())
	}
	if err := b.Start(2); err != nil {
		t.Fatal(err)
	}
	write(scores, .25, 3)
	write(cells, 0, .5, 1, float32(math.NaN()), .1, .2, .3, .4)
	if err := b.Finish(); err != nil {
		t.Fatal(err)
	}
	first, h, w := b.Map(0)
	if b.Scores(0, 0)[0] != .25 || b.Scores(0, 1)[0] != 1 || h != 2 || w != 2 || first[1] != .5 || first[3] != 0 || s.BadValues() != 2 {
		t.Errorf("scores %v, %v, map %v (%dx%d), %d bad values", b.Scores(0, 0)[0], b.Scores(0, 1)[0], first, w, h, s.BadValues())
	}
}

// Of several outputs each comes to the host by one copy of the rows that were asked for.
func testEachOutputComes(t *testing.T) {
	at, d := doublePlace(t)
	spec := lumaSpec(t, "two_scores")
	spec.Scores = []Score{{Name: "dim"}, {Name: "bright"}}
	s, err := open(t, Options{Provider: CUDA}).Load(spec, at)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := bind(t, s, picturesOn(t, d, 3, 16, 16), 3)
	dim, bright, cells := d.Tensors[len(d.Tensors)-3], d.Tensors[len(d.Tensors)-2], d.Tensors[len(d.Tensors)-1]
	before := d.Outputs
	if err := b.Start(2); err != nil {
		t.Fatal(err)
	}
	if calls, bytes := d.Outputs.Calls-before.Calls, d.Outputs.Bytes-before.Bytes; calls != 3 || bytes != 4*2*(1+1+4) {
		t.Errorf("%d bytes of outputs in %d calls", bytes, calls)
	}
	write(dim, .25, -1)
	write(bright, .5, .75)
	write(cells, 0, .5, 1, .25, 0, 0, 0, 0)
	if err := b.Finish(); err != nil {
		t.Fatal(err)
	}
	if b.Scores(0, 0)[0] != .25 || b.Scores(0, 1)[0] != 0 || b.Scores(1, 0)[0] != .5 || b.Scores(1, 1)[0] != .75 || s.BadValues() != 1 {
		t.Errorf("dim %v, %v; bright %v, %v; %d bad values", b.Scores(0, 0), b.Scores(0, 1), b.Scores(1, 0), b.Scores(1, 1), s.BadValues())
	}
}

func testTwoRunsInFlight(t *testing.T) {
	s, at, d := onDouble(t, Options{}, "conv")
	d.Begin(at.Queue)
	one := bind(t, s, picturesOn(t, d, 2, 16, 16), 2)
	tried := d.Counts().Launches
	d.Begin(at.Queue)
	two := bind(t, s, picturesOn(t, d, 2, 16, 16), 2)
	if n := d.Counts().Launches; n == 0 || 2*n != tried {
		t.Errorf("%d launches to bind the first tensor of a shape, %d for the second: want a trial and a warm-up, and a warm-up", tried, n)
	}
	d.Begin(at.Queue)
	if err := errors.Join(one.Start(1), two.Start(2)); err != nil {
		t.Fatal(err)
	}
	if c := d.Counts(); c.Syncs+c.Plans+c.Mallocs != 0 {
		t.Errorf("%+v; two bindings of one shape share plans", c)
	}
	if err := one.Start(1); err == nil || !strings.Contains(err.Error(), "was not finished") {
		t.Errorf("second start: %v", err)
	}
	if err := errors.Join(one.Finish(), two.Finish()); err != nil {
		t.Fatal(err)
	}
}

// Pictures of two sizes by turns: ONNX Runtime alone would plan each convolution
// anew every time.
func testShapesDoNotDisturb(t *testing.T) {
	s, at, d := onDouble(t, Options{}, "conv")
	small, large := bind(t, s, picturesOn(t, d, 2, 16, 16), 2), bind(t, s, picturesOn(t, d, 2, 64, 32), 2)
	d.Begin(at.Queue)
	for range 3 {
		if err := errors.Join(small.Run(2), large.Run(1)); err != nil {
			t.Fatal(err)
		}
	}
	if c := d.Counts(); c.Plans+c.Mallocs+c.Syncs+c.ToDevice != 0 {
		t.Errorf("%+v; want no plans and no memory", c)
	}
	if len(s.programs) != 2 {
		t.Errorf("%d programs for two shapes", len(s.programs))
	}
	large.Close()
	if len(s.programs) != 1 {
		t.Errorf("%d programs for one shape", len(s.programs))
	}
	mustRun(t, bind(t, s, picturesOn(t, d, 2, 64, 32), 2), 2)
}

// What a run copies to the GPU from pinned memory is given back now and then, and by
// Close: the double ends the process, as ONNX Runtime does, where the driver's callback
// is left to free it.
func testRunsLeaveNothing(t *testing.T) {
	s, at, d := onDouble(t, Options{}, "parts")
	b := bind(t, s, picturesOn(t, d, 1, 8, 8), 1)
	run := func() double.Counts {
		d.Begin(at.Queue)
		for range 24 * maxQueued {
			mustRun(t, b, 1)
		}
		return d.Counts()
	}
	run() // takes what it needs
	if c := run(); c.Mallocs != 0 || c.Syncs != 24 || c.ToDevice == 0 {
		t.Errorf("%+v; want no memory, and one wait in %d runs, for those copies", c, maxQueued)
	}
	mustRun(t, b, 1)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func testOneName(t *testing.T) {
	s, _, d := onDouble(t, Options{}, "one_name")
	mustRun(t, bind(t, s, picturesOn(t, d, 1, 16, 8), 1), 1)
	mustRun(t, bind(t, s, picturesOn(t, d, 1, 8, 8), 1), 1)
}

func testGraphs(t *testing.T) {
	s, at, d := onDouble(t, Options{Graphs: true}, "conv")
	one, two := bind(t, s, picturesOn(t, d, 2, 16, 16), 2), bind(t, s, picturesOn(t, d, 2, 16, 16), 2)
	for round := range 3 {
		for _, b := range []*Binding{one, two} {
			d.Begin(at.Queue)
			mustRun(t, b, 1)
			c := d.Counts()
			if captures := min(1, max(0, 1-round)); c.Captures != captures || c.Graphs != 1 || c.Elsewhere != 0 {
				t.Errorf("round %d: %+v; want %d captures and one graph launched on our stream", round, c, captures)
			}
			if round > 0 && c.Launches+c.Syncs+c.Mallocs+c.Plans != 0 {
				t.Errorf("round %d: %+v; want the graph alone", round, c)
			}
		}
	}
}

func testNodesOnTheCPU(t *testing.T) {
	var log bytes.Buffer
	told := func(model string) {
		t.Run(model, func(t *testing.T) { onDouble(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, model) })
	}
	told("det")
	if text := log.String(); !strings.Contains(text, "a part of the network runs on the CPU") || !strings.Contains(text, "detector=det") || !strings.Contains(text, "Det") {
		t.Errorf("log: %s", text)
	}
	log.Reset()
	told("lies_map") // shapes alone
	if log.Len() > 0 {
		t.Errorf("log: %s", log.String())
	}
}

// Memory ends at each allocation in turn: an error that says so, and all that was
// taken is given back.
func testNoMemory(t *testing.T) {
	s, _, d := onDouble(t, Options{}, "conv")
	in := picturesOn(t, d, 2, 32, 32)
	bind(t, s, in, 2).Close() // the next one loads a program anew
	before := len(d.Tensors)
	for after := range 100 {
		d.FailMalloc(after, 2)
		b, err := s.Bind(in, 2)
		d.FailMalloc(0, 0)
		if err == nil {
			b.Close()
			if after < 5 {
				t.Errorf("only %d allocations: they are not counted", after)
			}
			return
		}
		if !errors.Is(err, device.ErrMemory) {
			t.Errorf("allocation %d: %v", after, err)
		}
		if len(d.Tensors) != before || len(s.programs) != 0 {
			t.Errorf("allocation %d: %d tensors and %d programs are left", after, len(d.Tensors)-before, len(s.programs))
		}
	}
	t.Error("it never succeeds")
}

func testLaunchFails(t *testing.T) {
	s, _, d := onDouble(t, Options{}, "good_gpu")
	for code, want := range map[int]error{719: device.ErrLost, 700: device.ErrLost, 2: device.ErrMemory} {
		b := bind(t, s, picturesOn(t, d, 2, 16, 16), 2)
		d.FailLaunch(1, code)
		err := b.Start(2)
		d.FailLaunch(0, 0)
		if !errors.Is(err, want) {
			t.Errorf("code %d: %v", code, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The GPU is lost in mid-run, and every call fails from then on: errors that say
// so, and all can be closed. (ONNX Runtime would end the process there.)
func testLost(t *testing.T) {
	for _, graphs := range []bool{false, true} {
		t.Run(fmt.Sprintf("graphs %v", graphs), func(t *testing.T) {
			at, d := doublePlace(t)
			l := open(t, Options{Provider: CUDA, Graphs: graphs})
			s, err := l.Load(lumaSpec(t, "conv"), at)
			if err != nil {
				t.Fatal(err)
			}
			b, other := bind(t, s, picturesOn(t, d, 2, 16, 16), 2), picturesOn(t, d, 2, 32, 32)
			mustRun(t, b, 2)
			d.Lose(-1, 719)
			_, loading := l.Load(lumaSpec(t, "conv"), at)
			_, binding := s.Bind(other, 2)
			for step, err := range map[string]error{"start": b.Start(2), "load": loading, "bind": binding, "close": errors.Join(b.Close(), s.Close())} {
				if !errors.Is(err, device.ErrLost) {
					t.Errorf("%s: %v", step, err)
				}
			}
		})
	}
}

// The double's cuDNN installs a handler that would end the process, as NVIDIA's
// libraries may.
func testSignals(t *testing.T) {
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1)
	defer signal.Stop(got)
	onDouble(t, Options{}, "conv")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// To this thread, which runs on a goroutine's stack.
	if _, _, errno := syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGUSR1)); errno != 0 {
		t.Fatal(errno)
	}
	select {
	case <-got:
	case <-time.After(10 * time.Second):
		t.Error("the signal did not arrive")
	}
}

func testCloseUnderWay(t *testing.T) {
	s, _, d := onDouble(t, Options{}, "conv")
	b := bind(t, s, picturesOn(t, d, 2, 16, 16), 2)
	if err := b.Start(2); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := b.Finish(); !errors.Is(err, ErrClosed) {
		t.Errorf("finish after close: %v", err)
	}
}

func testCPUCannotRead(t *testing.T) {
	at, d := doublePlace(t)
	_, err := open(t, Options{}).Load(lumaSpec(t, "conv"), at)
	if want := "the provider cpu cannot read the memory of " + d.Name() + ": choose the provider cuda or tensorrt, or the device cpu"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

// TestTensorRT is run by TestOnGPU. The double builds no engine, so this ends before
// one would be built: with the real provider's answer to our options.
func TestTensorRT(t *testing.T) {
	onlyInChild(t)
	at, _ := doublePlace(t)
	l := open(t, Options{Provider: TensorRT, EngineCache: filepath.Join(t.TempDir(), "deep", "engines"), MemoryLimit: 1 << 30, Graphs: true})
	if err := l.prepare(TensorRT); err != nil {
		t.Fatal(err)
	}
	want := tensorrtOptions(l.options, "conv", 0, at.Queue.Handle())
	o, err := newTensorRT(want)
	if err != nil {
		t.Fatal(err)
	}
	o.Destroy()
	for name := range want {
		if _, err := newTensorRT(map[string]string{name + "x": "1"}); err == nil {
			t.Errorf("an option %sx was taken, so that names mean nothing", name)
		}
	}
}

func testShippedNetworks(t *testing.T) {
	for _, d := range networks(t) {
		if d.Input == "sound" {
			continue // it is heard on the CPU
		}
		t.Run(d.Name, func(t *testing.T) { launchesAlone(t, specOf(d), d.Network) })
		if d.HalfONNX != nil {
			half := specOf(d)
			half.ONNX = d.HalfONNX
			t.Run(d.Name+" in half precision", func(t *testing.T) { launchesAlone(t, half, d.Network) })
		}
	}
}

// launchesAlone holds that a network at 1080p is nothing but launches, and
// says nothing.
func launchesAlone(t *testing.T, spec Spec, n *models.Network) {
	var log bytes.Buffer
	at, double := doublePlace(t)
	l := open(t, Options{Provider: CUDA, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	s, err := l.Load(spec, at)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in, err := double.NewTensor(n.Tensor.Shape(n.Batch.MaxSize, 1920, 1080), n.Tensor.Type())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	b := bind(t, s, in, n.Batch.MaxSize)
	double.Begin(at.Queue)
	mustRun(t, b, 1)
	c := double.Counts()
	if c.Launches == 0 || c.Elsewhere+c.ToDevice+c.ToHost+c.Syncs+c.Mallocs+c.Handles+c.Plans != 0 {
		t.Errorf("%+v; want launches alone", c)
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", log.String())
	}
}
