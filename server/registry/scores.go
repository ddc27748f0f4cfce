package registry

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Score is one score of one track.
type Score struct {
	Track int
	Epoch uint32
	verdict.Score
}

// scoresKept is how many scores wait for a follower that is slow.
const scoresKept = 4096

// fan gives the scores of a source to those who follow them. Without followers it
// costs one look at a counter.
type fan struct {
	count     atomic.Int32
	epoch     atomic.Uint32
	mu        sync.Mutex
	followers map[*ScoreFollower]struct{}
	closed    bool
}

// ScoreFollower keeps the newest scores of a source until they are taken.
type ScoreFollower struct {
	fan  *fan
	mu   sync.Mutex
	ring []Score
	lost uint64
	wake chan struct{} // cap 1
	over bool
}

// FollowScores begins to keep the scores of a source.
func (r *Registry) FollowScores(name string) (*ScoreFollower, error) {
	e, err := r.get(name)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", name, err)
	}
	s, err := e.sink.scores.follow()
	if err == nil && e.over() {
		s.end()
	}
	return s, err
}

func (f *fan) follow() (*ScoreFollower, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrUnknown
	}
	if f.followers == nil {
		f.followers = map[*ScoreFollower]struct{}{}
	}
	s := &ScoreFollower{fan: f, wake: make(chan struct{}, 1)}
	f.followers[s] = struct{}{}
	f.count.Add(1)
	return s, nil
}

// give must not keep scores.
func (f *fan) give(track int, scores []verdict.Score) {
	if f.count.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.followers {
		s.put(track, f.epoch.Load(), scores)
	}
}

func (s *ScoreFollower) put(track int, epoch uint32, scores []verdict.Score) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, score := range scores {
		if len(s.ring) == scoresKept { // half of them goes at once, so that each costs little
			s.lost += scoresKept / 2
			s.ring = append(s.ring[:0], s.ring[scoresKept/2:]...)
		}
		s.ring = append(s.ring, Score{track, epoch, score})
	}
	poke(s.wake)
}

// close ends the following: the source is gone.
func (f *fan) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for s := range f.followers {
		s.end()
	}
}

// ended tells the followers that the source gives no more scores for now.
func (f *fan) ended() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.followers {
		s.end()
	}
}

func (s *ScoreFollower) end() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	poke(s.wake)
}

// Take gives the scores that came since the call before, how many were lost
// before them, and whether no more will come. The slice is the caller's; room is
// one that it needs no more.
func (s *ScoreFollower) Take(room []Score) (scores []Score, lost uint64, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	scores, s.ring = s.ring, room[:0]
	lost, s.lost = s.lost, 0
	return scores, lost, s.over
}

// Ready has something in it when Take has something to give.
func (s *ScoreFollower) Ready() <-chan struct{} { return s.wake }

// Close ends the following.
func (s *ScoreFollower) Close() {
	s.fan.mu.Lock()
	defer s.fan.mu.Unlock()
	if _, ok := s.fan.followers[s]; ok {
		delete(s.fan.followers, s)
		s.fan.count.Add(-1)
	}
}
