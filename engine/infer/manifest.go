package infer

import "github.com/streamvet/streamvet/models"

// SpecOf is what the manifest of a detector says of its network.
func SpecOf(d models.Detector) Spec {
	t := &d.Network.Tensor
	s := Spec{Name: d.Name, ONNX: d.ONNX, Input: t.Name, Type: t.Type(), Samples: t.Window, Map: d.Network.Map}
	shape := t.Shape(1, 0, 0) // 0 for what the picture decides
	if s.Channels = shape.C; t.Window == 0 {
		s.Height, s.Width = shape.H, shape.W
	}
	for i := range d.Outputs {
		name, field := d.ScoreOf(i)
		s.Scores = append(s.Scores, Score{Name: name, Field: field})
	}
	return s
}
