package measure

import (
	"math"
	"time"
)

// lighting knows what a scene looked like before its light changed at once while
// the picture stayed the same: no lamp and no cloud does that to all of it, a fault
// in exposure or level does. A cut changes the picture as well, a fade takes time.
type lighting struct {
	turned int8      // -1: it became darker, +1: brighter, 0: it is as it was
	before lightness // the scene as it was before that, or is
	since  time.Duration
}

// lightness is how bright a picture is: the mean of luma above black, and the
// share of samples that are burnt out.
type lightness struct{ mean, burnt float64 }

const (
	// lightSettled is how long a scene must have had its light before it can be lost.
	lightSettled = 700 * time.Millisecond
	lightLess    = 0.5 // of the mean: from here down it is darker,
	lightBack    = 0.7 // and it is so up to here
	lightBurnt   = 0.1 // more burnt out: it is brighter
)

func (l *lighting) take(p *picture) {
	now := lightness{max(p.mean-p.black, 0), p.burnt()}
	step := p.lightStep()
	if p.m.HasPrevious == 0 || p.cut && step == 0 {
		*l = lighting{before: now, since: p.PTS}
		return
	}
	switch {
	case l.turned < 0 && now.mean >= lightBack*l.before.mean,
		l.turned > 0 && now.burnt <= l.before.burnt+lightBurnt/2:
		*l = lighting{before: now, since: p.PTS}
	case l.turned != 0 || p.PTS-l.since < lightSettled:
	case step < 0 && now.mean < lightLess*l.before.mean:
		l.turned = -1
	case step > 0 && now.burnt > l.before.burnt+lightBurnt:
		l.turned = 1
	}
	if l.turned == 0 {
		l.before.mean += (now.mean - l.before.mean) / 2
		l.before.burnt += (now.burnt - l.before.burnt) / 2
	}
}

// burnt is the share of samples at nominal white or above.
func (p *picture) burnt() float64 { return p.share(p.white-3, 256) }

// lightStep tells whether all of the picture is darker (-1) or brighter (+1) than the
// one before, and 0 else: of the cells that have light, but are not white, nine in
// ten have less, or more or are white now, and the correlation of the cells is at least 0.7; or
// 0.4 where they are brighter, for white has no structure.
func (p *picture) lightStep() int8 {
	const lit, step, white = 40, 6, 225
	var n, a, b, aa, bb, ab float64
	all, less, more := 0, 0, 0
	for i, y := range p.m.GridY {
		before := p.previous[i]
		x, y1 := float64(before), float64(y)
		n, a, b, aa, bb, ab = n+1, a+x, b+y1, aa+x*x, bb+y1*y1, ab+x*y1
		if before < lit || before >= white {
			continue
		}
		all++
		if int(y) <= int(before)-step {
			less++
		}
		if int(y) >= int(before)+step || y >= white {
			more++
		}
	}
	spread := (n*aa - a*a) * (n*bb - b*b)
	if spread <= 0 || 10*all < len(p.previous) {
		return 0
	}
	r := (n*ab - a*b) / math.Sqrt(spread)
	switch {
	case 10*less >= 9*all && r >= 0.7:
		return -1
	case 10*more >= 9*all && r >= 0.4:
		return 1
	}
	return 0
}
