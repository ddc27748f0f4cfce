package measure

import (
	"math"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// letterbox: the bars around the picture come, go or change their width in the
// middle of a source. Reading: the largest change of one bar, as a share of the
// picture's height or width. 0.5 at `change`. A change counts once the new bars
// have stayed for `settle_s`; the score then covers the time since they changed.
// Dark pictures say nothing of bars and are passed over.
type letterbox struct {
	change float64
	settle float64 // seconds

	known   bool
	bars    bars // agreed so far
	fresh   bars // what seems to be new
	pending bool
	since   time.Duration // start of the pending stretch
}

// bars are the widths of the four bars as shares of height and width.
type bars struct{ left, top, right, bottom float64 }

func newLetterbox() pictureForm { return &letterbox{change: 0.03, settle: 0.5} }

func (d *letterbox) knobs() []knob {
	return []knob{
		{"change", &d.change, 0.005, 0.4},
		{"settle_s", &d.settle, 0, 60},
	}
}

func (d *letterbox) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	now, ok := p.bars4()
	if !ok || d.known && now.distance(d.bars) < d.change/2 {
		return d.settled(dst, o, p)
	}
	if !d.pending || now.distance(d.fresh) >= d.change/2 {
		if d.pending {
			dst = append(dst, stretch(o, d.since, p.PTS-d.since, 0, 0))
		}
		d.pending, d.fresh, d.since = true, now, p.PTS
	}
	if p.PTS+p.Duration-d.since < time.Duration(d.settle*float64(time.Second)) {
		return dst // too early to tell
	}
	value, moved := 0.0, 0.0
	if d.known {
		moved = now.distance(d.bars)
		value = ramp(moved, d.change/2, d.change, 0.125)
	}
	d.known, d.pending, d.bars = true, false, now
	return append(dst, stretch(o, d.since, p.PTS+p.Duration-d.since, value, moved))
}

// settled says that nothing has changed, up to the end of p.
func (d *letterbox) settled(dst []verdict.Score, o output, p *picture) []verdict.Score {
	start := p.PTS
	if d.pending {
		start, d.pending = d.since, false
	}
	return append(dst, stretch(o, start, p.PTS+p.Duration-start, 0, 0))
}

// bars4 are the bars of p, or false where it is too dark to tell.
func (p *picture) bars4() (bars, bool) {
	w, h := max(float64(p.m.Width), 1), max(float64(p.m.Height), 1)
	b := bars{
		left: float64(p.m.BorderLeft) / w, right: float64(p.m.BorderRight) / w,
		top: float64(p.m.BorderTop) / h, bottom: float64(p.m.BorderBottom) / h,
	}
	inside := max(1-b.left-b.right, 0) * max(1-b.top-b.bottom, 0)
	lit := 1 - p.share(0, p.black+24)
	return b, inside > 0.25 && lit > 0.6*inside
}

func (b bars) distance(c bars) float64 {
	return max(math.Abs(b.left-c.left), math.Abs(b.top-c.top), math.Abs(b.right-c.right), math.Abs(b.bottom-c.bottom))
}
