package measure

import (
	"math"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

// solidColor: the whole picture is one colour that is not black. Reading: the
// widest span of the cell means of Y, Cb and Cr, in levels; means of cells do
// not see noise. 0.5 at `span`.
type solidColor struct{ span float64 }

func newSolidColor() pictureForm { return &solidColor{span: 5} }

func (d *solidColor) knobs() []knob { return []knob{{"span", &d.span, 1, 64}} }

func (d *solidColor) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	span := p.colourSpan()
	value := ramp(span, 2*d.span, d.span, 1)
	if p.isBlack() || p.deviation() > 32 {
		value = 0 // black has its own detector; a fine pattern is not one colour
	}
	return append(dst, p.score(o, value, span))
}

// colourSpan is the widest span of the cell means of Y, Cb and Cr.
func (p *picture) colourSpan() float64 {
	return float64(max(span(p.m.GridY[:]), span(p.m.GridU[:]), span(p.m.GridV[:])))
}

// deviation is the standard deviation of luma.
func (p *picture) deviation() float64 {
	return math.Sqrt(max(ratio(p.m.SumSq, uint64(p.m.Pixels))-p.mean*p.mean, 0))
}

func span(cells []uint8) int {
	lo, hi := cells[0], cells[0]
	for _, c := range cells[1:] {
		lo, hi = min(lo, c), max(hi, c)
	}
	return int(hi) - int(lo)
}

// colorBars: a test picture with the bars of SMPTE ECR 1-1978, SMPTE RP 219 or
// EBU (ITU-R BT.471) in its upper half. Reading: share of the cells there that
// have the hue of their bar. 0.5 at 92 %.
type colorBars struct{}

func newColorBars() pictureForm { return &colorBars{} }

func (d *colorBars) knobs() []knob { return nil }

func (d *colorBars) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	return append(dst, p.score(o, ramp(p.bars, 0.8, 0.92, 1), p.bars))
}

// findBars measures how much the picture is one of colour bars.
func (p *picture) findBars() {
	// Seven bars across (SMPTE), eight with black (EBU), seven between grey sides
	// of an eighth of the width (RP 219).
	w := float64(frame.GridWidth)
	p.bars = 0
	if span(p.m.GridU[:]) < 100 || span(p.m.GridV[:]) < 100 {
		return // nearly every picture
	}
	p.bars = max(p.colourBars(0, w/7), p.colourBars(0, w/8), p.colourBars(w/8, w*3/28))
}

// colourBars is the share of the cells of rows 1..8 whose hue fits seven bars of the
// width given (in cells), the first at cell left.
func (p *picture) colourBars(left, width float64) float64 {
	const firstRow, lastRow = 1, 8
	hits, all := 0, 0
	for bar := range 7 {
		from := int(math.Ceil(left + float64(bar)*width))
		to := int(left + float64(bar+1)*width)
		for y := firstRow; y <= lastRow; y++ {
			for x := from; x < to; x++ {
				i := y*frame.GridWidth + x
				all++
				if p.inBar(i, bar) {
					hits++
				}
			}
		}
	}
	return ratio(uint64(hits), uint64(all))
}

// inBar tells whether cell i has the colour of a bar: white or grey, yellow, cyan,
// green, magenta, red, blue, of 75 or 100 %, in BT.601 or BT.709.
func (p *picture) inBar(i, bar int) bool {
	y, u, v := int(p.m.GridY[i]), int(p.m.GridU[i])-128, int(p.m.GridV[i])-128
	// Each colour has one strong component; the weak one of yellow and blue only
	// needs to be on the right side. Luma falls from bar to bar.
	const strong, weak, off = 35, 2, 75
	switch bar {
	case 0:
		return abs(u) < 10 && abs(v) < 10 && y > 100
	case 1:
		return u <= -strong && v >= -weak && abs(y-162) < off
	case 2:
		return u >= 0 && v <= -strong && abs(y-131) < off
	case 3:
		return u <= -strong && v <= -strong && abs(y-112) < off
	case 4:
		return u >= strong && v >= strong && abs(y-84) < off
	case 5:
		return u <= 0 && v >= strong && abs(y-65) < off
	default:
		return u >= strong && v <= weak && abs(y-35) < off
	}
}
