package measure

import (
	"math"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// letterbox: the bars around the picture are not what they usually are in this
// source. Reading: the largest change of one bar, as a share of the picture's
// height or width. 0.5 at `change`. Other bars count once they have stayed for
// `settle_s`, and then from where they came; after `adopt_s` they are the usual
// ones. Dark pictures and
// test pictures say nothing of bars and are passed over.
type letterbox struct {
	change, settle, adopt float64

	known   bool
	usual   bars
	now     bars // where they differ from the usual ones
	differs bool
	since   time.Duration // they have been so
	told    time.Duration // scores speak for the time up to here
}

// bars are the widths of the four bars as shares of height and width.
type bars struct{ left, top, right, bottom float64 }

func newLetterbox() pictureForm { return &letterbox{change: 0.03, settle: 0.5, adopt: 30} }

func (d *letterbox) knobs() []knob {
	return []knob{
		{"change", &d.change, 0.005, 0.4},
		{"settle_s", &d.settle, 0, 60},
		{"adopt_s", &d.adopt, 0, 36000},
	}
}

func (d *letterbox) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	end := p.PTS + p.Duration
	b, ok := p.borders()
	if d.differs && !ok {
		b = d.now // too dark to tell: as before
	}
	if !ok && !d.differs || d.known && b.distance(d.usual) < d.change/2 {
		start := p.PTS
		if d.differs {
			start = d.told
		}
		d.differs = false
		return append(dst, stretch(o, start, end-start, 0, 0))
	}
	if !d.differs || b.distance(d.now) >= d.change/2 {
		if d.differs && p.PTS > d.told {
			dst = append(dst, stretch(o, d.told, p.PTS-d.told, 0, 0))
		}
		d.differs, d.now, d.since, d.told = true, b, p.PTS, p.PTS
	}
	lasted := (end - d.since).Seconds()
	if lasted < d.settle {
		return dst // too early to tell
	}
	if !d.known {
		d.known, d.usual = true, b
	}
	moved := b.distance(d.usual)
	dst = append(dst, stretch(o, d.told, end-d.told, ramp(moved, d.change/2, d.change, 0.125), moved))
	d.told = end
	if lasted >= d.adopt {
		d.usual, d.differs = b, false
	}
	return dst
}

// borders are the bars around p, or false where it is too dark to tell.
func (p *picture) borders() (bars, bool) {
	w, h := max(float64(p.m.Width), 1), max(float64(p.m.Height), 1)
	b := bars{
		left: float64(p.m.BorderLeft) / w, right: float64(p.m.BorderRight) / w,
		top: float64(p.m.BorderTop) / h, bottom: float64(p.m.BorderBottom) / h,
	}
	inside := max(1-b.left-b.right, 0) * max(1-b.top-b.bottom, 0)
	lit := 1 - p.share(0, p.black+24)
	return b, inside > 0.25 && lit > 0.6*inside && p.bars < 0.9
}

func (b bars) distance(c bars) float64 {
	return max(math.Abs(b.left-c.left), math.Abs(b.top-c.top), math.Abs(b.right-c.right), math.Abs(b.bottom-c.bottom))
}
