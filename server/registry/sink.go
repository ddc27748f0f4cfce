package registry

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// sink takes what the engine finds in one source, over all its epochs: verdicts
// go to the outbox, scores to those who follow them.
type sink struct {
	name    string
	gallery *gallery
	outbox  *outbox
	scores  fan
	labels  atomic.Pointer[map[string]string]

	mu      sync.Mutex
	run     context.Context // ends the waiting for room
	live    bool
	began   time.Time // wall time of media time zero; zero until something comes
	waiting bool      // for the first scores of the epoch
	open    map[string]struct{}
	raised  uint64
}

func newSink(e *entry) *sink {
	s := &sink{name: e.name, gallery: &e.registry.gallery, open: map[string]struct{}{}}
	s.outbox = newOutbox(e.registry.options.Journal, e.log, e.payEpoch, e.registry.store.open.stored, func() { e.registry.watch.changed(e.name) })
	return s
}

// relabel sets what verdicts are labelled with from now on.
func (s *sink) relabel(c *streamvetv1.SourceConfig) {
	labels := c.GetLabels()
	s.labels.Store(&labels)
}

// begin is called before a run.
func (s *sink) begin(run context.Context, live bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = run
	s.setLive(live)
}

func (s *sink) setLive(live bool) {
	s.live = live
	s.outbox.live.Store(live)
}

// connecting is called before each connection, and connected when it stands.
func (s *sink) connecting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began, s.waiting = time.Time{}, true
}

func (s *sink) connected(live bool, epoch int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setLive(live)
	s.scores.epoch.Store(0)
	if live {
		s.scores.epoch.Store(uint32(epoch))
	}
}

// Verdict implements engine.Sink.
func (s *sink) Verdict(v *streamvetv1.Verdict) {
	v.Labels = *s.labels.Load()
	s.mu.Lock()
	if !s.live {
		v.Epoch = 0
	}
	switch v.GetState() {
	case streamvetv1.State_STATE_RAISED:
		s.open[v.GetId()] = struct{}{}
		s.raised++
	case streamvetv1.State_STATE_CLEARED:
		delete(s.open, v.GetId())
	}
	run := s.run
	s.mu.Unlock()
	s.gallery.tell(func(o Onlooker) { o.Verdict(v, false) })
	s.outbox.put(run, v)
}

// Scores implements engine.Sink.
func (s *sink) Scores(track int, scores []verdict.Score) {
	s.came(scores[0].PTS)
	s.scores.give(track, scores)
	s.gallery.tell(func(o Onlooker) { o.Scores(s.name, track, false, scores) })
}

// Waveform implements engine.Sink.
func (s *sink) Waveform(int, []sound.Peak) {}

// came notes when the first scores of an epoch came.
func (s *sink) came(pts time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting {
		s.began, s.waiting = time.Now().Add(-pts), false
	}
}

// tally is what the sink knows for a status.
type tally struct {
	open   int
	raised uint64
	began  time.Time
	live   bool
}

func (s *sink) tally() tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	return tally{len(s.open), s.raised, s.began, s.live}
}
