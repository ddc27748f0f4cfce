package measure

import "time"

// hush follows stretches in which motion is gone all at once while noise stays,
// and comes back with a leap: a picture that was held under grain, or that a
// coarse encoder does not repeat exactly. Noise is alike in all blocks, what still
// moves is not. What stops by itself slows down first, and does not go on from
// elsewhere; but a page that is scrolled does.
type hush struct {
	pictures int           // of the stretch; 0: none
	start    time.Duration // PTS of the first of them
	ended    bool          // this picture ends a stretch,
	leapt    bool          // with a leap
	moved    float64       // change of a picture that moves, levels a sample
	most     float64       // BlockDiffMax of one
	inMotion int           // pictures that moved up to here, or up to the stretch
}

const (
	// hushLongest is how long a stretch may last: after it, stillness is the scene's.
	hushLongest = 3 * time.Second
	// hushMotion is how many pictures must have moved before.
	hushMotion = 5
)

func (h *hush) take(p *picture) {
	most := float64(p.m.BlockDiffMax)
	ended := h.pictures > 0
	h.leapt, h.ended = false, false
	switch {
	case p.isBlack():
		*h = hush{moved: h.moved, most: h.most}
	case p.cut:
		*h = hush{start: h.start, ended: ended, leapt: ended && !p.drawn(), moved: h.moved, most: h.most}
	case h.inMotion >= hushMotion && h.hushed(most, p.change):
		if h.pictures == 0 {
			h.start = p.PTS
		}
		if h.pictures++; p.PTS-h.start > hushLongest {
			h.pictures, h.inMotion = 0, 0
		}
	default:
		h.ended = ended
		h.leapt = ended && p.change >= 1.3*h.moved && most >= h.most && !p.drawn()
		h.pictures = 0
		if ended || p.change < 0.5*h.moved {
			h.inMotion = 0
		}
		h.inMotion++
		h.moved += (p.change - h.moved) / 4
		h.most += (most - h.most) / 4
	}
}

// hushed tells whether so much change is noise alone.
func (h *hush) hushed(most, change float64) bool {
	switch {
	case most > 256*max(4.5, 4*change) || change >= 0.65*h.moved:
		return false
	case change < 0.45*h.moved && most < 256*4.5:
		return most < 0.5*h.most // little moves here at all
	}
	return most < 0.25*h.most
}
