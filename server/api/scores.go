package api

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/registry"
)

// scores is ScoreService.
type scores struct {
	streamvetv1.UnimplementedScoreServiceServer
	*Services
}

const (
	// scoresAlive is after how long at most a follower of scores gets a message.
	scoresAlive = 8 * time.Second
	// scoresPause is how long scores are gathered before they are sent.
	scoresPause = 100 * time.Millisecond
	// scoresMost is how many scores are in one message at most.
	scoresMost = 2000
)

func (s *scores) FollowScores(r *streamvetv1.FollowScoresRequest, stream grpc.ServerStreamingServer[streamvetv1.FollowScoresResponse]) error {
	leave, err := enter(&s.watchers, s.Limits.Watchers, "calls that watch")
	if err != nil {
		return err
	}
	defer leave()
	follower, err := s.Registry.FollowScores(r.GetSource())
	if err != nil {
		return s.failed(stream.Context(), err)
	}
	defer follower.Close()
	m := newMerger(r)
	alive := time.NewTicker(scoresAlive)
	defer alive.Stop()
	var room []registry.Score
	for {
		select {
		case <-follower.Ready():
		case <-alive.C:
			if err := stream.Send(&streamvetv1.FollowScoresResponse{}); err != nil {
				return err
			}
			continue
		case <-s.ending:
			return shutdown()
		case <-stream.Context().Done():
			return s.failed(stream.Context(), stream.Context().Err())
		}
		got, lost, over := follower.Take(room)
		for _, one := range got {
			m.take(one)
		}
		room = got
		if over {
			m.flush()
		}
		if err := m.send(stream, lost); err != nil {
			return err
		}
		if over {
			return nil
		}
		alive.Reset(scoresAlive)
		if !s.rest(stream.Context(), scoresPause) {
			continue // the select says why
		}
	}
}

// merger makes messages of scores: those within a step become one.
type merger struct {
	detectors map[string]bool // empty: all
	step      time.Duration
	open      map[lane]*streamvetv1.Score // the step that is not over yet
	ready     []*streamvetv1.Score
}

// lane is what scores are told apart by.
type lane struct {
	detector, defect string
	track            int
	epoch            uint32
}

func newMerger(r *streamvetv1.FollowScoresRequest) *merger {
	m := &merger{detectors: map[string]bool{}, step: r.GetStep().AsDuration(), open: map[lane]*streamvetv1.Score{}}
	for _, d := range r.GetDetectors() {
		m.detectors[d] = true
	}
	return m
}

func (m *merger) take(s registry.Score) {
	if len(m.detectors) > 0 && !m.detectors[s.Detector] {
		return
	}
	next := scoreOf(s)
	if m.step <= 0 {
		m.ready = append(m.ready, next)
		return
	}
	l := lane{s.Detector, string(s.Defect), s.Track, s.Epoch}
	was := m.open[l]
	if was == nil || was.GetStart().AsDuration()/m.step != s.PTS/m.step {
		if was != nil {
			m.ready = append(m.ready, was)
		}
		for other, score := range m.open { // an epoch that is over says nothing more
			if other.epoch != s.Epoch {
				m.ready = append(m.ready, score)
				delete(m.open, other)
			}
		}
		m.open[l] = next
		return
	}
	end := max(was.GetStart().AsDuration()+was.GetLength().AsDuration(), s.PTS+s.Duration)
	was.Length = durationpb.New(end - was.GetStart().AsDuration())
	was.Count++
	if next.GetScore() > was.GetScore() {
		was.Score, was.Reading, was.Region = next.GetScore(), next.GetReading(), next.GetRegion()
	}
}

// flush makes ready what is not over.
func (m *merger) flush() {
	for l, score := range m.open {
		m.ready = append(m.ready, score)
		delete(m.open, l)
	}
}

// send sends what is ready.
func (m *merger) send(stream grpc.ServerStreamingServer[streamvetv1.FollowScoresResponse], lost uint64) error {
	for len(m.ready) > 0 || lost > 0 {
		n := min(len(m.ready), scoresMost)
		if err := stream.Send(&streamvetv1.FollowScoresResponse{Scores: m.ready[:n], Lost: lost}); err != nil {
			return err
		}
		m.ready, lost = m.ready[n:], 0
	}
	m.ready = nil
	return nil
}

func scoreOf(s registry.Score) *streamvetv1.Score {
	to := &streamvetv1.Score{
		Detector: s.Detector, Defect: string(s.Defect), Track: uint32(s.Track), Epoch: s.Epoch,
		Start: durationpb.New(s.PTS), Length: durationpb.New(s.Duration), Score: s.Value, Reading: s.Reading, Count: 1,
	}
	if g := s.Region; g != nil {
		to.Region = &streamvetv1.Region{X: g.X, Y: g.Y, Width: g.Width, Height: g.Height}
	}
	return to
}
