package measure

import "github.com/streamvet/streamvet/engine/verdict"

// blur: the whole picture has lost its edges. Reading: widthOf, the ratio of
// the squared differences at distances 4 and 1, in the sharper direction: 4 or
// less in a crisp picture, 6..11 in soft but healthy video, 16 where luma is a
// straight line over 4 samples. A Gaussian blur of 4 samples gives about 14.5.
// 0.5 at `width`, or at `relative` of the way from the scene's own sharpness
// to 16, whichever is later: soft footage stays what it is.
type blur struct {
	width    float64
	relative float64

	sharp float64 // the source's usual reading
	seen  int
}

func newBlur() pictureForm { return &blur{width: 13, relative: 0.5} }

func (d *blur) knobs() []knob {
	return []knob{
		{"width", &d.width, 2, 16},
		{"relative", &d.relative, 0, 1},
	}
}

func (d *blur) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	width, ok := p.edgeWidth()
	if !ok {
		return append(dst, p.score(o, 0, width))
	}
	half := d.width
	if d.seen > 0 {
		half = max(half, d.sharp+d.relative*(16-d.sharp))
	}
	half = min(half, 15.5)
	value := ramp(width, half-3, half, 16)
	if d.seen == 0 {
		d.sharp = width
	}
	d.seen++
	if value < 0.5 {
		d.sharp += (width - d.sharp) / 64
	}
	return append(dst, p.score(o, value, width))
}

// edgeWidth is the ratio of squared differences at distances 4 and 1 in the
// sharper direction, or false where there is too little detail to tell: an
// empty, black or nearly flat picture has no sharpness.
func (p *picture) edgeWidth() (float64, bool) {
	energy := ratio(p.m.GradientSq4, uint64(p.m.Pixels))
	h := ratio(p.m.GradientSq4, p.m.GradientSq1)
	v := ratio(p.m.GradientSqV4, p.m.GradientSqV1)
	if h == 0 || v == 0 {
		return 0, false
	}
	return min(h, v), energy > 8 && p.deviation() > 8 && !p.isBlack()
}
