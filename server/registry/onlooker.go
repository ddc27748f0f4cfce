package registry

import (
	"sync"
	"sync/atomic"

	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Onlooker is told what detectors and their shadows find in all sources. Its
// methods are called while pictures wait, for several sources at once: they must
// be quick, and must not keep scores.
type Onlooker interface {
	Scores(source string, track int, shadow bool, scores []verdict.Score)
	Verdict(v *streamvetv1.Verdict, shadow bool)
	// Over says that a connection of a source has ended: media time begins anew.
	Over(source string)
}

// gallery is who looks on. Without anybody it costs a look at a counter.
type gallery struct {
	count     atomic.Int32
	mu        sync.RWMutex
	onlookers map[Onlooker]struct{}
}

// LookOn tells o what is found until stop is called; then no call is under way.
func (r *Registry) LookOn(o Onlooker) (stop func()) {
	g := &r.gallery
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.onlookers == nil {
		g.onlookers = map[Onlooker]struct{}{}
	}
	g.onlookers[o] = struct{}{}
	g.count.Store(int32(len(g.onlookers)))
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.onlookers, o)
		g.count.Store(int32(len(g.onlookers)))
	}
}

func (g *gallery) tell(what func(Onlooker)) {
	if g.count.Load() == 0 {
		return
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	for o := range g.onlookers {
		what(o)
	}
}

// Shadow implements engine.ShadowSink.
func (s *sink) Shadow(v *streamvetv1.Verdict) {
	s.gallery.tell(func(o Onlooker) {
		v.Labels = *s.labels.Load()
		o.Verdict(v, true)
	})
}

// ShadowScores implements engine.ShadowScoreSink.
func (s *sink) ShadowScores(track int, scores []verdict.Score) {
	s.gallery.tell(func(o Onlooker) { o.Scores(s.name, track, true, scores) })
}
