package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/verdict"
)

// tick is how often a source that comes at its own pace is looked at by the clock.
const tick = 250 * time.Millisecond

// live watches a source by the clock: whether anything comes, and whether the
// networks keep up. Owned by one goroutine.
type live struct {
	source *Source
	track  int // that its verdicts are told of
	forms  *measure.Clock
	lineup *lineup
	bursts bool

	at             time.Duration // PTS of the unit before
	wanted, missed int64         // until then
	scores         []verdict.Score
}

// watch runs until ctx ends. Only a source that comes at its own pace is watched.
func (s *Source) watch(ctx context.Context) error {
	track, ok := s.clockTrack()
	if !ok || !s.realtime {
		return nil
	}
	forms, err := measure.NewClock(nil)
	if err != nil {
		return err
	}
	l := &live{source: s, track: track, forms: forms, bursts: strings.Contains(s.Info().Container, "hls")}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	before := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			if err := l.look(now.Sub(before)); err != nil {
				return err
			}
			before = now
		}
	}
}

// clockTrack is the track that verdicts of the clock are told of: the picture's,
// else the first of sound.
func (s *Source) clockTrack() (int, bool) {
	for _, t := range s.video() {
		return t.Info.Index, true
	}
	for _, t := range s.media.Audio() {
		return t.Info.Index, true
	}
	return 0, false
}

func (l *live) look(passed time.Duration) error {
	s := l.source
	if next := s.lineup.Load(); next != l.lineup {
		if err := l.forms.Change(next.clockForms); err != nil {
			return err
		}
		l.lineup = next
	}
	silent := s.media.Waiting()
	u := measure.ClockUnit{
		PTS: max(l.at, time.Duration(s.clock.at.Load())+silent-passed), Duration: passed,
		Silent: silent, Bursts: l.bursts,
	}
	l.at = u.PTS + u.Duration
	missed := s.drops.total.Load()
	wanted := s.clock.looks.Load() + missed
	u.Wanted, u.Missed = wanted-l.wanted, missed-l.missed
	l.wanted, l.missed = wanted, missed
	l.scores = l.forms.Observe(l.scores[:0], u)
	return s.judge.scores(l.track, l.scores, nil)
}

// pace waits until a picture or block of a file is due, if the source is paced. It
// fails once ctx has ended: what was read ahead is not vetted then.
func (s *Source) pace(ctx context.Context, pts time.Duration) error {
	if s.paced {
		if due := s.started.Add(pts); time.Until(due) > 0 {
			sleepUntil(ctx, due)
		}
	}
	return ctx.Err()
}

// outputsOf are what the scores of a track may be about.
func (s *Source) outputsOf(l *lineup, track int, ofKind []verdict.Output) []verdict.Output {
	all := slices.Concat(ofKind, l.bitOutputs)
	if at, ok := s.clockTrack(); s.realtime && ok && at == track {
		all = append(all, l.clockOutputs...)
	}
	return all
}
