package registry

import (
	"github.com/streamvet/streamvet/engine"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Stats is what metrics are made of, for one source.
type Stats struct {
	Name   string
	Labels map[string]string
	State  streamvetv1.SourceState
	Live   bool
	Epoch  int
	// Counters since the source was added or the server started.
	Connects, Frames, Raised uint64
	Drops                    map[string]uint64 // pictures, by detector
	Open                     int               // verdicts that go on
	Waiting                  int               // verdicts that wait for the journal
	Lost                     uint64            // verdicts that it did not take
	ScoreFollowers           int
	// Connection is what the connection at hand has done; zero without one.
	Connection engine.Counts
}

// Stats gives the numbers of every source, by name.
func (r *Registry) Stats() []Stats {
	r.mu.RLock()
	all := r.sorted()
	r.mu.RUnlock()
	stats := make([]Stats, 0, len(all))
	for _, e := range all {
		stats = append(stats, e.stats())
	}
	return stats
}

func (e *entry) stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, t := &e.life, e.sink.tally()
	s := Stats{
		Name: e.name, Labels: e.record.Config.GetLabels(), State: e.state(), Live: t.live, Epoch: l.epoch,
		Connects: l.connects, Frames: uint64(l.frames), Raised: t.raised, Open: t.open,
		Drops: map[string]uint64{}, ScoreFollowers: int(e.sink.scores.count.Load()),
	}
	s.Waiting, _, s.Lost = e.sink.outbox.waiting()
	if l.source != nil {
		s.Connection = l.source.Counts()
		s.Frames += uint64(s.Connection.Frames)
	}
	for _, drops := range []map[string]int64{l.drops, s.Connection.Drops} {
		for d, n := range drops {
			s.Drops[d] += uint64(n)
		}
	}
	return s
}

// States counts the sources by their state.
func (r *Registry) States() map[streamvetv1.SourceState]int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	counts := map[streamvetv1.SourceState]int{}
	for _, e := range r.entries {
		e.mu.Lock()
		counts[e.state()]++
		e.mu.Unlock()
	}
	return counts
}
