package measure

import (
	"math"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

// black: nothing to see. Reading: share of the picture's samples no more than
// `tolerance` levels above nominal black. 0.5 at `share`. The form follows
// FFmpeg's blackdetect (picture_black_ratio_th 0.98) with a tighter sample
// threshold: 12 levels pass noise and codec error on black, but not a dark scene. A
// logo or a subtitle may stand on black; what is lit in the middle is a title.
type black struct{ tolerance, shareNeeded float64 }

// The limits of black as it is shipped.
const (
	blackTolerance = 12
	blackShare     = 0.98
)

func newBlack() pictureForm { return &black{tolerance: blackTolerance, shareNeeded: blackShare} }

func (d *black) knobs() []knob {
	return []knob{
		{"tolerance", &d.tolerance, 0, 100},
		{"share", &d.shareNeeded, 0.5, 1},
	}
}

func (d *black) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	share := p.share(0, p.black+d.tolerance)
	value := ramp(share, d.shareNeeded-0.2, d.shareNeeded, 1)
	switch {
	case p.coloured():
		value = 0
	case p.titled(d.tolerance):
		value = min(value, 0.45)
	}
	return append(dst, p.score(o, value, share))
}

// titled tells whether a cell in the middle of the picture is lit: more than 8 levels
// above the tolerance for black.
func (p *picture) titled(tolerance float64) bool {
	const left, right, top, bottom = frame.GridWidth / 8, 7 * frame.GridWidth / 8, frame.GridHeight / 6, 3 * frame.GridHeight / 4
	for j := top; j < bottom; j++ {
		for _, y := range p.m.GridY[j*frame.GridWidth+left : j*frame.GridWidth+right] {
			if float64(y) > p.black+tolerance+8 {
				return true
			}
		}
	}
	return false
}

// isBlack tells whether there is nothing to see, for the forms that have
// nothing to say of such a picture.
func (p *picture) isBlack() bool { return p.share(0, p.black+16) >= 0.97 && !p.coloured() }

// coloured tells whether chroma lights what has no luma: a picture that a decoder
// never filled, with all samples 0, is a bright green.
func (p *picture) coloured() bool {
	const least = 24 // levels of the mean from grey, of 8 bits: 34 or more of a colour
	return math.Abs(meanOf(p.m.GridU[:])-128) > least || math.Abs(meanOf(p.m.GridV[:])-128) > least
}

func meanOf(cells []uint8) float64 {
	sum := 0
	for _, c := range cells {
		sum += int(c)
	}
	return float64(sum) / float64(len(cells))
}

// dark: there is a picture, but even its bright parts are dim. Reading: the
// luma level above which only 1 % of the samples lie. 0.5 where that is `level`
// above black (8-bit; 60 is 6 % of the light of white at gamma 2.2), which a
// night scene with any lamp, face or sky in it exceeds. A scene that has lost half
// of its light at once is dark as soon as its mean is below `mean`, though a few
// bright parts may be left of it.
type dark struct{ level, mean float64 }

func newDark() pictureForm { return &dark{level: 60, mean: 45} }

func (d *dark) knobs() []knob {
	return []knob{
		{"level", &d.level, 1, 200},
		{"mean", &d.mean, 0, 200},
	}
}

func (d *dark) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	bright := p.quantile(0.99) - p.black
	value := ramp(bright, 2*d.level, d.level, d.level/2)
	if p.lighting.turned < 0 {
		value = max(value, ramp(p.mean-p.black, 2*d.mean, d.mean, 0))
	}
	if p.share(0, p.black+blackTolerance) >= blackShare {
		value = 0 // black speaks for it
	}
	return append(dst, p.score(o, value, bright))
}

// overexposed: large parts are burnt out. Reading: share of the samples at or
// above nominal white. A camera that is overexposed also fills the levels just
// below white; paper, slides and web pages are white, too, but with gaps below
// it and crisp edges between flat areas, or hardly anything in them moves. Where
// the scene was darker just before, that does not matter. 0.5 at `share` burnt out.
type overexposed struct{ shareNeeded float64 }

func newOverexposed() pictureForm { return &overexposed{shareNeeded: 0.3} }

func (d *overexposed) knobs() []knob { return []knob{{"share", &d.shareNeeded, 0.05, 1}} }

func (d *overexposed) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	span := p.white - p.black
	burnt := p.burnt()
	shoulder := p.share(p.white-0.25*span, p.white-3)
	value := ramp(burnt, d.shareNeeded/2, d.shareNeeded, 2*d.shareNeeded)
	if burnt < 0.95 && p.lighting.turned <= 0 { // else nothing is left to have a shoulder
		value = min(value, ramp(shoulder, 0, 0.01, 0.02))
		if flat := p.flat(); flat > 0.1 && p.edgeWidth() < 3.3 || flat > 0.4 && p.still.life < 0.12 {
			value = 0 // paper, or a page
		}
	}
	if p.lighting.turned > 0 {
		// What was not burnt out just before counts twice.
		more := 2 * (burnt - p.lighting.before.burnt)
		value = max(value, ramp(more, d.shareNeeded/2, d.shareNeeded, 2*d.shareNeeded))
	}
	if p.m.Max-p.m.Min < 32 {
		value = 0 // a white surface: solid_color speaks for it
	}
	return append(dst, p.score(o, value, burnt))
}

// drawn tells whether the picture is graphics rather than a camera's: flat areas,
// and edges of one sample between them. The flatter, the softer they may be.
func (p *picture) drawn() bool {
	flat := p.flat()
	return flat > 0.1 && p.edgeWidth() < 2.5+4*flat
}

// edgeWidth is the ratio of squared differences at distances 4 and 1, in the
// direction that is sharper: 4 or less where edges are one sample wide, 16 where
// luma is a straight line. 0 where there are no edges at all.
func (p *picture) edgeWidth() float64 {
	h, v := ratio(p.m.GradientSq4, p.m.GradientSq1), ratio(p.m.GradientSqV4, p.m.GradientSqV1)
	if h == 0 || v != 0 && v < h {
		return v
	}
	return h
}
