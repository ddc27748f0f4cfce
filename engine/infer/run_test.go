package infer

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

func TestScoresAndMapsOfEveryBatchSize(t *testing.T) {
	l := open(t, Options{})
	for _, name := range []string{"good", "score_n1"} {
		t.Run(name, func(t *testing.T) {
			const rows = 4
			in := tensor(t, device.Shape{N: rows, C: 1, H: 64, W: 96}, device.U8)
			b := bind(t, session(t, l, lumaSpec(t, name)), in, rows)
			for row := range rows {
				in.fillBlock(row, row, 2*row, byte(50*(row+1)))
			}
			for _, n := range []int{4, 1, 3, 2, 4} {
				mustRun(t, b, n)
				for row := range n {
					want := float32(50*(row+1)) / 255
					if got := b.Scores(0, row)[0]; !near(got, want) {
						t.Errorf("batch of %d: score of row %d is %v, want %v", n, row, got, want)
					}
					cells, h, w := b.Map(row)
					if h != 8 || w != 12 || len(cells) != 96 {
						t.Fatalf("map is %d cells, %dx%d, want 12x8", len(cells), w, h)
					}
					for i, v := range cells {
						want := float32(0)
						if i == 2*row*12+row {
							want = float32(50*(row+1)) / 255
						}
						if !near(v, want) {
							t.Errorf("batch of %d: cell %d of row %d is %v, want %v", n, i, row, v, want)
						}
					}
				}
			}
		})
	}
}

// The same picture must score the same to the last bit whatever it is batched
// with, or verdicts would depend on the machine's load.
func TestScoreDoesNotDependOnTheBatch(t *testing.T) {
	const rows = 8
	in := tensor(t, device.Shape{N: rows, C: 1, H: 144, W: 176}, device.U8)
	l := open(t, Options{IntraOpThreads: 2})
	b := bind(t, session(t, l, lumaSpec(t, "conv")), in, rows)
	noise := uint32(1)
	for i := range in.mem {
		noise = noise*1664525 + 1013904223
		in.mem[i] = byte(noise >> 24)
	}
	mustRun(t, b, rows)
	var scores [rows]float32
	var maps [rows][]float32
	for row := range rows {
		scores[row] = b.Scores(0, row)[0]
		cells, _, _ := b.Map(row)
		maps[row] = append(maps[row], cells...)
	}
	if scores[0] == scores[1] {
		t.Fatal("two different pictures score the same; the network does not look at them")
	}
	for n := rows; n >= 1; n-- {
		for first := 0; first+n <= rows; first++ {
			other := tensor(t, device.Shape{N: n, C: 1, H: 144, W: 176}, device.U8)
			copy(other.mem, in.mem[first*144*176:])
			alone := bind(t, b.session, other, n)
			mustRun(t, alone, n)
			for row := range n {
				if got, want := alone.Scores(0, row)[0], scores[first+row]; math.Float32bits(got) != math.Float32bits(want) {
					t.Errorf("row %d scores %v in a batch of %d, %v in one of %d", first+row, got, n, want, rows)
				}
				cells, _, _ := alone.Map(row)
				for i := range cells {
					if cells[i] != maps[first+row][i] {
						t.Fatalf("cell %d of row %d differs in a batch of %d", i, first+row, n)
					}
				}
			}
			alone.Close()
		}
	}
}

func TestNoMap(t *testing.T) {
	l := open(t, Options{})
	s := lumaSpec(t, "no_map")
	s.Map = ""
	in := tensor(t, device.Shape{N: 1, C: 1, H: 16, W: 16}, device.U8)
	b := bind(t, session(t, l, s), in, 1)
	in.fillBlock(0, 1, 1, 255)
	mustRun(t, b, 1)
	if cells, h, w := b.Map(0); cells != nil || h != 0 || w != 0 || !near(b.Scores(0, 0)[0], 1) {
		t.Errorf("score %v, map %v %dx%d; want 1 and none", b.Scores(0, 0)[0], cells, w, h)
	}
	// A map that the manifest does not ask for is not computed for it.
	good := lumaSpec(t, "good")
	good.Map = ""
	mustRun(t, bind(t, session(t, l, good), in, 1), 1)
}

func TestBadValuesAreSettledAndCounted(t *testing.T) {
	l := open(t, Options{})
	s := session(t, l, lumaSpec(t, "nan"))
	in := tensor(t, device.Shape{N: 2, C: 1, H: 8, W: 16}, device.U8)
	b := bind(t, s, in, 2)
	// Row 0: both blocks black, so 0/0. Row 1: 1+mean, so 1.2 and 2.
	in.fillBlock(1, 0, 0, 51)
	in.fillBlock(1, 1, 0, 255)
	mustRun(t, b, 2)
	if got := b.Scores(0, 0)[0]; got != 0 {
		t.Errorf("a score that is not a number became %v, want 0", got)
	}
	if got := b.Scores(0, 1)[0]; got != 1 {
		t.Errorf("a score above 1 became %v, want 1", got)
	}
	cells, _, _ := b.Map(0)
	other, _, _ := b.Map(1)
	if cells[0] != 0 || cells[1] != 0 || other[0] != 1 || other[1] != 1 {
		t.Errorf("maps became %v and %v, want zeroes and ones", cells, other)
	}
	if got := s.BadValues(); got != 6 {
		t.Errorf("%d bad values were counted, want 6", got)
	}
}

func TestSettle(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	values := []float32{0, 1, .5, nan, inf, -inf, -.1, 1.5}
	if bad := settle(values); bad != 5 {
		t.Errorf("%d bad, want 5", bad)
	}
	for i, want := range []float32{0, 1, .5, 0, 0, 0, 0, 1} {
		if values[i] != want {
			t.Errorf("value %d became %v, want %v", i, values[i], want)
		}
	}
}

func TestBindRefusesWhatDoesNotFit(t *testing.T) {
	l := open(t, Options{})
	good := session(t, l, lumaSpec(t, "good"))
	fixed := lumaSpec(t, "fixed_size")
	fixed.Height, fixed.Width = 64, 96
	sized := session(t, l, fixed)
	load := func(name string) *Session { return session(t, l, lumaSpec(t, name)) }
	shape := device.Shape{N: 2, C: 1, H: 64, W: 96}
	closed := tensor(t, shape, device.U8)
	closed.Close()
	onDevice := elsewhere{tensor(t, shape, device.U8)}
	tall := tensor(t, device.Shape{N: 2, C: 1, H: 128, W: 96}, device.U8)
	for _, c := range []struct {
		name    string
		session *Session
		in      device.Tensor
		batch   int
		want    string
	}{
		{"no rows", good, tensor(t, shape, device.U8), 0, "1..2"},
		{"more rows than it has", good, tensor(t, shape, device.U8), 3, "1..2"},
		{"type", good, tensor(t, shape, device.F32), 2, "is f32, the network takes u8"},
		{"channels", good, tensor(t, device.Shape{N: 2, C: 3, H: 64, W: 96}, device.U8), 2, "3 channels, the network takes 1"},
		{"size", sized, tall, 2, "96x128, the network takes 96x64"},
		{"empty", good, empty{tensor(t, shape, device.U8)}, 2, "96x0"},
		{"device memory", good, onDevice, 2, "does not lie in the memory of cpu"},
		{"closed tensor", good, closed, 2, "no memory"},
		{"the network fails", load("one_size"), tall, 2, "trial run"},
		{"the network wants 4 PiB", load("huge"), tall, 2, "trial run"},
		{"score does not follow the batch", load("lies_score"), tensor(t, shape, device.U8), 2, "network.score"},
		{"map follows the batch", load("lies_map"), tensor(t, shape, device.U8), 2, "must not depend on the batch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := c.session.Bind(c.in, c.batch)
			if err == nil {
				b.Close()
				t.Fatal("it was bound")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "detector") {
				t.Errorf("error %q does not say %q", err, c.want)
			}
		})
	}
}

// elsewhere is a tensor that says it lies on another device.
type elsewhere struct{ device.Tensor }

func (elsewhere) Mem() frame.MemKind { return frame.MemDevice }

// empty is a tensor that says it has no lines.
type empty struct{ device.Tensor }

func (e empty) Shape() device.Shape { s := e.Tensor.Shape(); s.H = 0; return s }

// A run is started, then finished; two bindings of a session can both be between.
func TestStartAndFinish(t *testing.T) {
	l := open(t, Options{})
	s := session(t, l, lumaSpec(t, "good"))
	shape := device.Shape{N: 2, C: 1, H: 16, W: 16}
	one, two := tensor(t, shape, device.U8), tensor(t, shape, device.U8)
	one.fillBlock(0, 0, 0, 51)
	two.fillBlock(1, 0, 0, 255)
	a, b := bind(t, s, one, 2), bind(t, s, two, 2)
	if err := a.Finish(); err == nil || !strings.Contains(err.Error(), "no run was started") {
		t.Errorf("finish before start: %v", err)
	}
	if err := errors.Join(a.Start(1), b.Start(2)); err != nil {
		t.Fatal(err)
	}
	if err := a.Start(1); err == nil || !strings.Contains(err.Error(), "was not finished") {
		t.Errorf("second start: %v", err)
	}
	if err := errors.Join(a.Finish(), b.Finish()); err != nil {
		t.Fatal(err)
	}
	if !near(a.Scores(0, 0)[0], .2) || b.Scores(0, 0)[0] != 0 || !near(b.Scores(0, 1)[0], 1) {
		t.Errorf("scores %v; %v, %v; want 0.2; 0, 1", a.Scores(0, 0)[0], b.Scores(0, 0)[0], b.Scores(0, 1)[0])
	}
	if err := a.Start(2); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Errorf("close under way: %v", err)
	}
	if err := a.Finish(); !errors.Is(err, ErrClosed) {
		t.Errorf("finish after close: %v", err)
	}
}

func TestRunRefusesBatchSizes(t *testing.T) {
	l := open(t, Options{})
	in := tensor(t, device.Shape{N: 3, C: 1, H: 16, W: 16}, device.U8)
	b := bind(t, session(t, l, lumaSpec(t, "good")), in, 2)
	for _, n := range []int{-1, 0, 3} {
		if err := b.Run(n); err == nil || !strings.Contains(err.Error(), "1..2") {
			t.Errorf("Run(%d): %v", n, err)
		}
	}
	mustRun(t, b, 2)
}

func TestCloseInAnyOrder(t *testing.T) {
	l := open(t, Options{})
	in := tensor(t, device.Shape{N: 1, C: 1, H: 16, W: 16}, device.U8)
	s := session(t, l, lumaSpec(t, "good"))
	b := bind(t, s, in, 1)
	for range 2 {
		if err := errors.Join(s.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	}
	if err := b.Run(1); !errors.Is(err, ErrClosed) {
		t.Errorf("run after close: %v", err)
	}
	if _, err := s.Bind(in, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("bind after close: %v", err)
	}
}

// Many sources' batches run on one session at once, and it is closed under them.
func TestBindingsRunSideBySideUntilClose(t *testing.T) {
	l := open(t, Options{})
	s := session(t, l, lumaSpec(t, "conv"))
	var running, done sync.WaitGroup
	for range 4 {
		b := bind(t, s, tensor(t, device.Shape{N: 2, C: 1, H: 32, W: 32}, device.U8), 2)
		running.Add(1)
		done.Go(func() {
			var ran int
			for n := 0; ; n++ {
				err := b.Run(1 + n%2)
				if errors.Is(err, ErrClosed) {
					break
				} else if err != nil {
					t.Error(err)
					break
				}
				if ran++; ran == 50 {
					running.Done()
				}
			}
			if ran < 50 {
				t.Error("closed before all were running")
				running.Done()
			}
		})
	}
	running.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	done.Wait()
}

func TestRunDoesNotAllocate(t *testing.T) {
	l := open(t, Options{})
	in := tensor(t, device.Shape{N: 4, C: 1, H: 64, W: 96}, device.U8)
	b := bind(t, session(t, l, lumaSpec(t, "good")), in, 4)
	var sum float32
	for n := range 4 {
		mustRun(t, b, n+1)
	}
	if got := testing.AllocsPerRun(100, func() {
		for n := 1; n <= 4; n++ {
			mustRun(t, b, n)
			sum += b.Scores(0, n-1)[0]
			cells, _, _ := b.Map(n - 1)
			sum += cells[0]
		}
	}); got != 0 {
		t.Errorf("%v Go allocations in 4 runs", got)
	}
}

// What a binding takes it gives back: sources come and go for months.
func TestBindAndCloseKeepMemoryFlat(t *testing.T) {
	l := open(t, Options{})
	s := session(t, l, lumaSpec(t, "good"))
	in := tensor(t, device.Shape{N: 4, C: 1, H: 64, W: 96}, device.U8)
	cycles := func(n int) int {
		for range n {
			b := bind(t, s, in, 4)
			for n := range 4 {
				mustRun(t, b, n+1)
			}
			b.Close()
		}
		debug.FreeOSMemory()
		return residentBytes(t)
	}
	before := cycles(500)
	// Left open, these 1000 take 9 MB.
	if grown := cycles(1000) - before; grown > 4<<20 {
		t.Errorf("1000 bindings took %d bytes", grown)
	}
}

func residentBytes(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(data), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize()
}

func BenchmarkRun(b *testing.B) {
	for _, c := range []struct {
		name    string
		n, h, w int
	}{{"good-64x96-n1", 1, 64, 96}, {"good-64x96-n8", 8, 64, 96}, {"conv-176x144-n4", 4, 144, 176}} {
		b.Run(c.name, func(b *testing.B) {
			l := open(b, Options{})
			in := tensor(b, device.Shape{N: c.n, C: 1, H: c.h, W: c.w}, device.U8)
			bound := bind(b, session(b, l, lumaSpec(b, strings.Split(c.name, "-")[0])), in, c.n)
			mustRun(b, bound, c.n)
			b.ReportAllocs()
			b.SetBytes(int64(len(in.mem)))
			for b.Loop() {
				mustRun(b, bound, c.n)
			}
		})
	}
}
