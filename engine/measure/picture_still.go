package measure

import "github.com/streamvet/streamvet/engine/frame"

// still says how much a picture repeats the one before it.
//
// An encoder does not write a repeat as nothing: it refines the picture for a
// few frames (block differences of up to 4 levels), and starts anew at a
// keyframe (up to 9). But then, or at least in every third picture, it leaves
// nearly every block exactly as it was. Of a scene that stands still before a
// camera it never does: some twentieth of the blocks always changes.
type still struct {
	quiet bool // nothing but coding noise has changed, anywhere
	calm  bool // hardly even that
	pop   bool // a refresh all over: more than quiet, but no motion
	// exact is how sure this is an exact repeat: 1 if no block has changed, a half
	// if one in a hundred has, or more, but none by more than 0.4 levels.
	exact float64
	// life is how much of the picture usually changes from one to the next when
	// something moves, as a share of the blocks: near 1 for a camera, near 0 for a
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
	changed := ratio(uint64(m.BlocksChanged[0]), uint64(m.Blocks))
	s.quiet = most <= 4 && p.change <= 1.5
	s.calm = most <= 2 && p.change <= 0.05
	s.pop = most <= 9 && p.change <= 4
	switch {
	case !s.calm:
		s.exact = 0
	case changed == 0:
		s.exact = 1
	case changed <= 0.01, most <= 0.4:
		s.exact = 0.5
	default:
		s.exact = 0
	}
}

// liven learns how lively the track is from a picture that moves.
func (s *still) liven(m *frame.Measures) {
	share := ratio(uint64(m.BlocksChanged[0]), uint64(m.Blocks))
	if s.life == 0 {
		s.life = share
	}
	s.life += (share - s.life) / 32
}
