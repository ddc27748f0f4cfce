package infer

import (
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

func specOf(d models.Detector) Spec {
	n := d.Network
	return Spec{
		Name: d.Name, ONNX: d.ONNX, Input: n.Tensor.Name, Type: n.Tensor.Type(), Channels: n.Tensor.Shape(1, 0, 0).C,
		Height: n.Tensor.Height, Width: n.Tensor.Width, Score: n.Score, Map: n.Map,
	}
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
