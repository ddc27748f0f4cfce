package infer

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
)

// soundSpec is the manifest that sound.onnx fulfils: two scores for each 640 samples,
// and one for the whole.
func soundSpec(t testing.TB, name string) Spec {
	return Spec{Name: name, ONNX: model(t, name), Input: "samples", Type: device.F32, Channels: 1, Samples: 3200,
		Scores: []Score{{Name: "click"}, {Name: "loud", Field: "outputs[1].score"}, {Name: "peak", Field: "outputs[2].score"}}}
}

// wave is a tensor of sound, and its samples.
func wave(t testing.TB, rows, samples int) (device.Tensor, []float32) {
	t.Helper()
	x := tensor(t, device.Shape{N: rows, C: 1, H: 1, W: samples}, device.F32)
	return x, unsafe.Slice((*float32)(x.Ptr()), rows*samples)
}

func TestSeveralScoresOfAPicture(t *testing.T) {
	s := lumaSpec(t, "two_scores")
	s.Scores = []Score{{Name: "dim", Field: "outputs[0].score"}, {Name: "bright"}}
	n := session(t, open(t, Options{}), s)
	in := tensor(t, device.Shape{N: 3, C: 1, H: 16, W: 16}, device.U8)
	b := bind(t, n, in, 3)
	in.fillBlock(1, 0, 0, 255)
	in.fillBlock(2, 0, 0, 51)
	mustRun(t, b, 3)
	for row, want := range [][2]float32{{1, 0}, {.75, 1}, {.95, .2}} {
		dim, bright := b.Scores(0, row), b.Scores(1, row)
		if len(dim) != 1 || len(bright) != 1 || !near(dim[0], want[0]) || !near(bright[0], want[1]) {
			t.Errorf("row %d: dim %v, bright %v; want %v", row, dim, bright, want)
		}
	}
	if cells, h, w := b.Map(1); h != 2 || w != 2 || !near(cells[0], 1) {
		t.Errorf("map %v of %dx%d", cells, w, h)
	}
}

// The scores of sound are of steps, in the rows and steps where they belong.
func TestScoresOfSound(t *testing.T) {
	n := session(t, open(t, Options{}), soundSpec(t, "sound"))
	in, x := wave(t, 3, 3200)
	b := bind(t, n, in, 3)
	if b.Steps(0) != 5 || b.Steps(1) != 5 || b.Steps(2) != 1 {
		t.Fatalf("steps %d, %d, %d", b.Steps(0), b.Steps(1), b.Steps(2))
	}
	x[2*640+17] = .5                                        // row 0, step 2
	x[2*3200+4*640], x[2*3200+4*640+1] = -3, float32(-3.25) // row 2, step 4: too large
	mustRun(t, b, 3)
	for row, want := range [][]float32{{0, 0, .5, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 1}} {
		if got := b.Scores(0, row); !slices.Equal(got, want) {
			t.Errorf("row %d: clicks %v, want %v", row, got, want)
		}
	}
	if loud := b.Scores(1, 0); !near(loud[2], .5/640) || loud[1] != 0 {
		t.Errorf("row 0: loud %v", loud)
	}
	if p, q := b.Scores(2, 0), b.Scores(2, 2); len(p) != 1 || p[0] != .5 || q[0] != 1 {
		t.Errorf("peaks %v, %v", p, q)
	}
	if n.BadValues() != 2 { // the click and the peak of row 2
		t.Errorf("%d bad values", n.BadValues())
	}
}

// How many rows are run together changes no bit of a score.
func TestScoresOfSoundDoNotDependOnTheBatch(t *testing.T) {
	n := session(t, open(t, Options{}), soundSpec(t, "sound"))
	in, x := wave(t, 5, 3200)
	for i := range x {
		x[i] = float32(math.Sin(float64(i*i%7919))) / 3
	}
	b := bind(t, n, in, 5)
	mustRun(t, b, 5)
	var together [][]float32
	for row := range 5 {
		together = append(together, slices.Clone(b.Scores(1, row)))
	}
	one, alone := wave(t, 1, 3200)
	c := bind(t, n, one, 1)
	for row := range 5 {
		copy(alone, x[row*3200:(row+1)*3200])
		mustRun(t, c, 1)
		if got := c.Scores(1, 0); !slices.Equal(got, together[row]) {
			t.Errorf("row %d: %v alone, %v among others", row, got, together[row])
		}
	}
}

func TestSoundIsHeldToTheManifest(t *testing.T) {
	l := open(t, Options{})
	for _, c := range []struct {
		name, model string
		change      func(*Spec)
		want        []string
	}{
		{"a picture's network", "good", func(s *Spec) { s.Input, s.Type = "luma", device.U8 }, []string{"u8[?,1,?,?], it must have 3 dimensions (N, channels, window)"}},
		{"a map for a score", "sound_rank", func(s *Spec) { s.Scores = []Score{{Name: "largest", Field: "outputs[4].score"}} },
			[]string{`outputs[4].score: the model's output "largest" is f32[?,1,?], it must be f32[N] or f32[N,T]`}},
		{"no such score", "sound", func(s *Spec) { s.Scores[1].Name = "lout" }, []string{`outputs[1].score: the model has no output "lout"`}},
		{"sound for a picture", "sound", func(s *Spec) { s.Samples = 0 }, []string{"f32[?,1,?], it must have 4 dimensions (N, channels, height, width)"}},
		{"no scores", "sound", func(s *Spec) { s.Scores = nil }, []string{"description is incomplete"}},
		{"too many", "sound", func(s *Spec) { s.Scores = make([]Score, MaxScores+1) }, []string{"description is incomplete"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := soundSpec(t, c.model)
			s.Name = "a_detector"
			c.change(&s)
			refused(t, l, s, c.want...)
		})
	}
}

// A number of steps that depends on the batch is found by the trial runs.
func TestStepsThatDependOnTheBatch(t *testing.T) {
	s := soundSpec(t, "lies_steps")
	s.Scores = []Score{{Name: "many"}}
	n := session(t, open(t, Options{}), s)
	in, _ := wave(t, 2, 3200)
	if _, err := n.Bind(in, 2); err == nil || !contains(err, "network.score", "one row has 5 steps, of 2 rows 10") {
		t.Errorf("bind: %v", err)
	}
}

func contains(err error, words ...string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(err.Error(), w) })
}
