package engine

import (
	"fmt"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Select changes which detectors run on the source, and under which rules. The
// tracks take it up at their next picture or block of sound; verdicts of what
// does not run any more end.
func (s *Source) Select(n Selection) error {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	l, err := s.engine.lineup.choose(n)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.selection = n
	s.lineup.Store(l)
	return nil
}

// pick makes the source's choice from a lineup that is in force now. What the
// choice names and is not there any more is left out. The engine's lock is held.
func (s *Source) pick(from *lineup) {
	l, err := from.choose(s.selection.among(from.detectors))
	if err != nil {
		s.log.Warn("the source keeps the detectors that it had", "reason", err)
		return
	}
	s.lineup.Store(l)
}

// change takes up a lineup for one track, whose kind has those outputs.
func (s *Source) change(track int, l *lineup, outputs []verdict.Output) error {
	if err := s.bits.change(l); err != nil {
		return err
	}
	return s.judge.change(track, s.outputsOf(l, track, outputs), l.scribe)
}
