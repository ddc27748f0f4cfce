package measure

import (
	"math"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
)

// novelty finds onsets among pictures: a picture whose coarse grid differs from
// the one before far more than anything did in the last half second. That are
// cuts, flashes, and things that appear at once; what moves has no onsets, however
// fast. The way back from a flash is none either.
type novelty struct {
	found  []Onset                                   // the last picture, if it is one
	before [frame.GridHeight * frame.GridWidth]uint8 // the grid before the latest onset
	latest time.Duration                             // PTS of that onset
	any    bool                                      // there was one
	recent [noveltyPast]struct {
		at     time.Duration
		change float64
	}
	count int // changes put into recent
	last  time.Duration
	// damaged: what is seen may be damage. The picture behind it may be its repair.
	damaged bool
}

const (
	noveltyPast  = 64 // changes; half a second of 120 pictures a second
	noveltyBack  = 500 * time.Millisecond
	noveltyRest  = 300 * time.Millisecond // from one onset to the next
	noveltyFlash = 600 * time.Millisecond // a flash is no longer
	noveltyLeast = 2.0                    // levels, mean over the grid
	noveltyTimes = 3.0                    // as much as anything just before
)

// take looks at the next picture.
func (n *novelty) take(p *picture) {
	coarse, within := p.coarse, p.PTS-n.last
	damaged := n.damaged
	n.last, n.found = p.PTS, n.found[:0]
	n.damaged = p.suspicion.Damaged > 0 || p.Evidence.Gap > 0
	if p.m.HasPrevious == 0 || damaged || n.damaged {
		n.count, n.any = 0, false
		return
	}
	usual, known := n.usual(p.PTS)
	since := p.PTS - n.latest
	switch {
	case n.any && since <= noveltyFlash && n.isWayBack(p):
	case known && coarse >= max(noveltyLeast, noveltyTimes*usual) && !(n.any && since < noveltyRest):
		n.found = append(n.found, Onset{At: p.PTS, Within: max(within, 0), Strength: 20 * math.Log10(coarse/max(usual, 0.1))})
		n.any, n.latest, n.before = true, p.PTS, p.previous
	default:
		at := n.count % noveltyPast
		n.recent[at].at, n.recent[at].change = p.PTS, coarse
		n.count++
	}
}

// usual is the largest change of the last half second; false where too few
// pictures tell.
func (n *novelty) usual(now time.Duration) (float64, bool) {
	most, seen := 0.0, 0
	for i := range min(n.count, noveltyPast) {
		if r := n.recent[i]; now-r.at <= noveltyBack {
			most = max(most, r.change)
			seen++
		}
	}
	return most, seen >= 2
}

// isWayBack tells whether the picture is more like that before the latest onset
// than the picture before it is.
func (n *novelty) isWayBack(p *picture) bool {
	then, now := 0, 0
	for i, y := range p.m.GridY {
		then += abs(int(p.previous[i]) - int(n.before[i]))
		now += abs(int(y) - int(n.before[i]))
	}
	return 2*now < then
}
