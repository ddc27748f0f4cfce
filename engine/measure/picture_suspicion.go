package measure

import (
	"math"
	"time"
)

// Suspicion is what is known of a picture at no cost and hints at damage in it. It
// says where networks should look, and speaks beside them: never alone, for damage
// may leave no mark, and cuts, flashes and texture look like some. Hints are 0..1.
type Suspicion struct {
	// Damaged is 1 from where container or decoder tell of damage to the next
	// keyframe, across which none can spread.
	Damaged float64
	// Edges is how far block edges are more than they were just before.
	Edges float64
	// Jolt is how far the picture changes more than pictures just did, without a cut.
	Jolt float64
	// Gap is 1 from a hole in the timestamps to the next keyframe.
	Gap float64
	// News tells that this is one of the first pictures after container or decoder
	// told of damage, and had not for a second.
	News bool
}

// Level is the strongest hint; from 0.5 on, networks should look at once.
func (s Suspicion) Level() float64 { return max(s.Damaged, s.Edges, s.Jolt, s.Gap) }

const (
	// ahead is how many pictures before a damaged one its evidence may come: packets
	// are told of in the order of decoding. A keyframe so soon after it may itself be
	// what is damaged.
	ahead = 3
	// moments is how many pictures news last, and quiet after how much time without
	// them the next are news again.
	moments = 8
	quiet   = time.Second
	// longest is how long damage spreads where no keyframe comes: encoders that send
	// none renew the picture piece by piece meanwhile.
	longest = 10 * time.Second
)

// told is when container or decoder last told of damage.
type told struct {
	ever      bool
	at        time.Duration
	pictures  int // since then
	sinceNews int
}

func (t *told) take(f *FrameInfo) {
	t.pictures++
	t.sinceNews++
	if !f.Evidence.Damaged() {
		return
	}
	if !t.ever || f.PTS-t.at >= quiet {
		t.sinceNews = 0
	}
	t.ever, t.at, t.pictures = true, f.PTS, 0
}

// suspect gathers what hints at damage in the picture under observation.
func (p *picture) suspect() {
	p.told.take(&p.FrameInfo)
	s := &p.suspicion
	switch {
	case p.told.ever && p.told.pictures <= ahead:
		s.Damaged = 1
	case p.Keyframe || p.PTS-p.told.at > longest:
		s.Damaged = 0
	}
	switch {
	case p.Evidence.Gap > 0:
		s.Gap = 1
	case p.Keyframe:
		s.Gap = 0
	}
	s.News = p.told.ever && p.told.sinceNews < moments
	s.Edges, s.Jolt = p.newEdges(), 0
	if !p.cut && p.sinceCut > 4 {
		s.Jolt = ramp(p.jolt, 3, 6, 12)
	}
}

// newEdges compares the share of block edges with what it was. Busy texture has
// many, and they come and go.
func (p *picture) newEdges() float64 {
	edges := ratio(uint64(p.m.EdgeBlocks), uint64(p.m.Blocks))
	if p.sinceCut == 1 {
		p.edges, p.edgeSpread = edges, 0
	}
	jump := ramp((edges-p.edges)/max(p.edgeSpread, 0.0025), 2, 4, 12)
	p.edgeSpread += (math.Abs(edges-p.edges) - p.edgeSpread) / 16
	p.edges += (edges - p.edges) / 16
	return jump
}
