package measure

import "github.com/streamvet/streamvet/engine/frame"

// still says how much a picture repeats the one before it.
//
// An encoder does not write a repeat as nothing: it refines the picture for a
// few frames (block differences of up to 4 levels), and starts anew at a
// keyframe (up to 9). But most of the time, or at least every third picture, it
// leaves it exactly as it was; a camera that looks at a still scene never does.
type still struct {
	quiet bool // nothing but coding noise has changed, anywhere
	exact bool // nothing at all has changed, or next to nothing
	pop   bool // a global refresh: more than quiet, but no motion
	// life is how much of the picture usually changes from one to the next when
	// something does, as a share of the blocks: near 1 for a camera, near 0 for a
	// screen or a drawing.
	life float64
}

func (s *still) take(p *picture) {
	m := p.m
	if m.HasPrevious == 0 {
		*s = still{life: s.life}
		return
	}
	most := float64(m.BlockDiffMax) / 256
	s.quiet = most <= 4 && p.change <= 1.5
	s.exact = most <= 1.5 && p.change <= 0.012
	s.pop = most <= 9 && p.change <= 4
}

// liven learns how lively the track is from a picture that moves.
func (s *still) liven(m *frame.Measures) {
	share := ratio(uint64(m.BlocksChanged[0]), uint64(m.Blocks))
	if s.life == 0 {
		s.life = share
	}
	s.life += (share - s.life) / 32
}
