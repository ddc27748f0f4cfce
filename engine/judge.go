package engine

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// judge is where the scores of one source meet: it runs the trackers and feeds
// the sink, one call at a time.
type judge struct {
	mu       sync.Mutex
	sink     Sink
	scribes  map[int]*scribe // by track: one may have taken up other detectors before the rest
	epoch    int
	trackers map[int]*verdict.Tracker // by track
	pending  []verdict.Verdict        // reused
	told     []verdict.Score          // reused
	open     int                      // verdicts raised and not cleared
	raised   int
	byDefect map[verdict.Defect]int
	all      *tally // of the engine
	changed  bool   // the detectors in force were others once
}

// camera has a picture of the moment at which a defect was strongest, or nil.
type camera interface {
	shoot(at time.Duration) *streamvetv1.Evidence
}

func newJudge(sink Sink, epoch int, all *tally) *judge {
	return &judge{sink: sink, epoch: epoch, scribes: map[int]*scribe{}, trackers: map[int]*verdict.Tracker{}, byDefect: map[verdict.Defect]int{}, all: all}
}

// follow makes the tracker of one track.
func (j *judge) follow(source string, track int, outputs []verdict.Output, s *scribe) error {
	t, err := verdict.NewTracker(source, track, outputs)
	if err != nil {
		return err
	}
	j.trackers[track], j.scribes[track] = t, s
	return nil
}

// change lets a track be judged by other outputs from now on.
func (j *judge) change(track int, outputs []verdict.Output, s *scribe) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	if j.pending, err = j.trackers[track].Change(j.pending[:0], outputs); err != nil {
		return fmt.Errorf("track %d: %w", track, err)
	}
	j.tell(nil) // as the scribe before knows them
	j.changed = j.changed || s != j.scribes[track]
	j.scribes[track] = s
	return nil
}

// scores judges the scores of one track. It returns an error only for scores
// that no detector in force could have given: a fault of ours.
func (j *judge) scores(track int, scores []verdict.Score, look camera) error {
	if len(scores) == 0 {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tellScores(track, scores)
	t := j.trackers[track]
	for _, s := range scores {
		var err error
		j.pending, err = t.Observe(j.pending[:0], s)
		switch {
		case errors.Is(err, verdict.ErrUnknownOutput) && j.changed:
			// A look that was under way, or another track that has taken up other
			// detectors a moment before this one.
		case err != nil:
			return fmt.Errorf("track %d: %w", track, err)
		}
		j.tell(look)
	}
	return nil
}

func (j *judge) waveform(track int, peaks []sound.Peak) {
	if len(peaks) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.sink.Waveform(track, peaks)
}

// finish clears every open verdict.
func (j *judge) finish() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range j.trackers {
		j.pending = t.Flush(j.pending[:0])
		j.tell(nil)
	}
}

func (j *judge) tell(look camera) {
	for _, v := range j.pending {
		r := j.scribes[v.Track].record(v)
		r.Id, r.Epoch = epochID(j.epoch, r.Id), uint32(j.epoch)
		if isShadow(v.Detector) {
			j.tellShadow(r, look)
			continue
		}
		switch v.State {
		case verdict.Raised:
			j.open++
			j.raised++
			j.byDefect[v.Defect]++
			j.all.raise(v.Defect)
			if look != nil {
				r.Evidence = look.shoot(v.PeakAt)
			}
		case verdict.Cleared:
			j.open--
		}
		if t, ok := look.(traveller); ok {
			t.journey().verdict(r)
		}
		j.sink.Verdict(r)
	}
}

// tellScores tells the sink of scores, and of those of shadows apart.
func (j *judge) tellScores(track int, scores []verdict.Score) {
	if !slices.ContainsFunc(scores, func(s verdict.Score) bool { return isShadow(s.Detector) }) {
		j.sink.Scores(track, scores)
		return
	}
	j.told = withoutShadows(append(j.told[:0], scores...))
	if len(j.told) > 0 {
		j.sink.Scores(track, j.told)
	}
	if s, ok := j.sink.(ShadowScoreSink); ok {
		j.told = ofShadows(j.told[:0], scores)
		s.ShadowScores(track, j.told)
	}
}

func (j *judge) tellShadow(r *streamvetv1.Verdict, look camera) {
	s, ok := j.sink.(ShadowSink)
	if !ok {
		return
	}
	r.Detector = plainName(r.Detector)
	if r.State == streamvetv1.State_STATE_RAISED && look != nil {
		r.Evidence = look.shoot(r.Peak.AsDuration())
	}
	s.Shadow(r)
}

// counts tells how many verdicts are open, were raised, and of which defects.
func (j *judge) counts() (open, raised int, byDefect map[verdict.Defect]int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	byDefect = make(map[verdict.Defect]int, len(j.byDefect))
	for d, n := range j.byDefect {
		byDefect[d] = n
	}
	return j.open, j.raised, byDefect
}
