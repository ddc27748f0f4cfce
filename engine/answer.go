package engine

import (
	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/engine/verdict"
)

// deliver gives the score of one row to the source of its picture.
func (n *network) deliver(l look, at *lane, b *infer.Binding, row int) error {
	output := &n.detector.Outputs[0]
	value := fuse(output.Fusion, float64(b.Score(row)), l.suspicion)
	at.answer[0] = verdict.Score{
		Detector: n.detector.Name, Defect: output.Defect,
		PTS: l.pts, Duration: l.duration, Value: value, Reading: value,
	}
	if n.spec.Map != "" {
		at.answer[0].Region, at.answer[0].Reading = n.region(l, at, b, row)
	}
	var look camera = l.owner.gallery
	if l.way != nil {
		look = answer{l.owner.gallery, l.way}
	}
	return l.owner.source.judge.scores(l.owner.track, at.answer[:], look)
}

// region is the rectangle around the cells of a map that belong to the defect,
// and their share of the picture in percent.
func (n *network) region(l look, at *lane, b *infer.Binding, row int) (*verdict.Region, float64) {
	cells, h, w := b.Map(row)
	x0, y0, x1, y1, hits := w, h, 0, 0, 0
	for y := range h {
		for x := range w {
			if float64(cells[y*w+x]) >= n.spec.MapThreshold {
				x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
				hits++
			}
		}
	}
	if hits == 0 {
		return nil, 0
	}
	share := 100 * float64(hits) / float64(h*w)
	// The map covers the tensor; at native resolution the picture ends before it does.
	width, height := l.width, l.height
	if n.spec.Tensor.Resize == "none" {
		width, height = at.shape.W, at.shape.H
	}
	across := func(cell int) float64 { return min(float64(cell*width)/float64(w*l.width), 1) }
	down := func(cell int) float64 { return min(float64(cell*height)/float64(h*l.height), 1) }
	r := &verdict.Region{X: across(x0), Y: down(y0)}
	r.Width, r.Height = across(x1)-r.X, down(y1)-r.Y
	return turnRegion(r, l.rotation), share
}
