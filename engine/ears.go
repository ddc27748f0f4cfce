package engine

import (
	"reflect"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
)

// ears vets the sound of one track. Owned by the track's goroutine.
type ears struct {
	source         *Source
	track          int
	lineup         *lineup
	sound          *sound.Sound // nil before the first block, and for formats that it does not take
	rate, channels int
	scores         []verdict.Score // reused
}

func newEars(s *Source, track int) *ears { return &ears{source: s, track: track} }

// take vets one block. The caller keeps it.
func (e *ears) take(a *frame.Audio) error {
	if l := e.source.lineup.Load(); l != e.lineup {
		if err := e.change(l); err != nil {
			return err
		}
	}
	if a.SampleRate != e.rate || a.Channels != e.channels {
		if err := e.refit(a); err != nil {
			return err
		}
	}
	if e.sound != nil {
		e.scores = e.sound.Observe(e.scores[:0], a)
		if err := e.source.judge.scores(e.track, e.scores, nil); err != nil {
			return err
		}
		e.source.judge.waveform(e.track, e.sound.Waveform())
	}
	return e.source.bits.sound(e.track, a)
}

// change takes up another lineup, between two blocks. If it runs other closed
// forms over sound, they all begin anew.
func (e *ears) change(l *lineup) error {
	if e.lineup == nil || !reflect.DeepEqual(l.soundForms, e.lineup.soundForms) {
		if err := e.finish(); err != nil {
			return err
		}
		e.rate = 0
	}
	e.lineup = l
	return e.source.change(e.track, l, l.soundOutputs)
}

// refit begins anew with another rate or number of channels.
func (e *ears) refit(a *frame.Audio) error {
	if err := e.finish(); err != nil {
		return err
	}
	e.rate, e.channels = a.SampleRate, a.Channels
	s, err := sound.New(e.lineup.soundForms, a.SampleRate, a.Channels)
	if err != nil {
		e.source.log.Warn("sound that cannot be vetted", "track", e.track, "reason", err)
		s = nil
	}
	e.sound = s
	return nil
}

// finish takes the scores that were held back.
func (e *ears) finish() error {
	if e.sound == nil {
		return nil
	}
	e.scores = e.sound.Flush(e.scores[:0])
	e.sound = nil
	return e.source.judge.scores(e.track, e.scores, nil)
}
