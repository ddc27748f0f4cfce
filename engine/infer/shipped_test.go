package infer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/streamvet/streamvet/models"
)

// networks are the shipped ones, and that of the models' own tests.
func networks(t *testing.T) (list []models.Detector) {
	t.Helper()
	shipped, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	tests, err := models.LoadDir("../../models/testdata/good")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range shipped.With(tests).Detectors() {
		if d.Network != nil {
			list = append(list, d)
		}
	}
	if len(list) < 2 {
		t.Error("there is no network to try")
	}
	return list
}

// specOf is what the engine makes of a manifest.
func specOf(d models.Detector) Spec {
	n := d.Network
	s := Spec{
		Name: d.Name, ONNX: d.ONNX, Input: n.Tensor.Name, Type: n.Tensor.Type(), Channels: n.Tensor.Shape(1, 0, 0).C,
		Height: n.Tensor.Height, Width: n.Tensor.Width, Samples: n.Tensor.Window, Map: n.Map,
	}
	for i := range d.Outputs {
		name, field := d.ScoreOf(i)
		s.Scores = append(s.Scores, Score{Name: name, Field: field})
	}
	return s
}

// Every network is what its manifest says and runs at 1080p in batches of every size.
func TestNetworksOfTheManifests(t *testing.T) {
	l := open(t, Options{})
	for _, d := range networks(t) {
		n := d.Network
		t.Run(d.Name, func(t *testing.T) {
			s := session(t, l, specOf(d))
			in := tensor(t, n.Tensor.Shape(n.Batch.MaxSize, 1920, 1080), n.Tensor.Type())
			b := bind(t, s, in, n.Batch.MaxSize)
			for rows := 1; rows <= n.Batch.MaxSize; rows++ {
				mustRun(t, b, rows)
			}
			if cells, h, w := b.Map(0); n.Map != "" && (len(cells) != h*w || h*w == 0) {
				t.Errorf("map of %d cells, %dx%d", len(cells), w, h)
			}
			if bad := s.BadValues(); bad != 0 {
				t.Errorf("%d values of black pictures are no numbers in 0..1", bad)
			}
		})
	}
}

// A variant in half precision takes and gives the same, and nearly the same numbers.
// (The CPU has no half convolutions: it rounds weights and results, as a GPU does.)
func TestVariantsInHalfPrecision(t *testing.T) {
	l, variants := open(t, Options{}), 0
	for _, d := range networks(t) {
		if d.HalfONNX == nil {
			continue
		}
		variants++
		t.Run(d.Name, func(t *testing.T) {
			full := specOf(d)
			half := full
			half.ONNX = d.HalfONNX
			in := tensor(t, d.Network.Tensor.Shape(1, 640, 480), d.Network.Tensor.Type())
			a, b := bind(t, session(t, l, full), in, 1), bind(t, session(t, l, half), in, 1)
			lowest, highest := float32(1), float32(0)
			for broken := range 8 {
				paint(in, broken)
				mustRun(t, a, 1)
				mustRun(t, b, 1)
				lowest, highest = min(lowest, a.Scores(0, 0)[0]), max(highest, a.Scores(0, 0)[0])
				if got, want := b.Scores(0, 0)[0], a.Scores(0, 0)[0]; got-want > .005 || want-got > .005 {
					t.Errorf("%d broken blocks: score %v, in half precision %v", broken, want, got)
				}
				want, _, _ := a.Map(0)
				got, _, _ := b.Map(0)
				for i := range want {
					if d := got[i] - want[i]; d > .02 || d < -.02 {
						t.Fatalf("%d broken blocks: cell %d is %v, in half precision %v", broken, i, want[i], got[i])
					}
				}
			}
			if lowest > .6 || highest < .9 {
				t.Errorf("scores of %v to %v tell little", lowest, highest)
			}
		})
	}
	if variants == 0 {
		t.Error("there is no variant")
	}
}

// paint makes a soft picture with some noise, of which so many macroblocks are
// broken: another place's content.
func paint(p *picture, broken int) {
	r := rand.New(rand.NewPCG(4, uint64(broken)))
	shape := p.Shape()
	at := func(x, y int) byte {
		return byte(120 + 60*math.Sin(float64(x)/31) + 40*math.Sin(float64(y+x/3)/17) + 6*r.NormFloat64())
	}
	for y := range shape.H {
		for x := range shape.W {
			p.set(0, x, y, at(x, y))
		}
	}
	for range broken {
		bx, by, dx, dy := r.IntN(shape.W/16), r.IntN(shape.H/16), r.IntN(shape.W), r.IntN(shape.H)
		for y := range 16 {
			for x := range 16 {
				p.set(0, 16*bx+x, 16*by+y, at((16*bx+x+dx)%shape.W, (16*by+y+dy)%shape.H))
			}
		}
	}
}
