package engine

import (
	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/engine/verdict"
)

// deliver gives what the network says of one row to the row's source.
func (n *network) deliver(l look, f filled, b *infer.Binding, row int) error {
	switch {
	case l.heard != nil:
		return l.heard.answer(f, row)
	case f.err != nil:
		return f.err
	}
	err := n.judge(l, f.lane, b, row)
	l.source.judged(l.came)
	return err
}

// judge lets the scores of one picture be judged.
func (n *network) judge(l look, at *lane, b *infer.Binding, row int) error {
	at.answer = at.answer[:0]
	for i, o := range n.detector.Outputs {
		value := fuse(o.Fusion, float64(b.Scores(i, row)[0]), l.suspicion)
		value = l.viewer.habits[i].tell(o.Change, value, l.scene)
		s := verdict.Score{Detector: n.detector.Name, Defect: o.Defect, PTS: l.pts, Duration: l.duration, Value: value, Reading: value}
		if n.spec.Map != "" && o.Score == "" {
			s.Region, s.Reading = n.region(l, at, b, row)
		}
		at.answer = append(at.answer, s)
	}
	var look camera = l.owner.gallery
	if l.way != nil {
		look = answer{l.owner.gallery, l.way}
	}
	return l.source.judge.scores(l.owner.track, at.answer, look)
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
