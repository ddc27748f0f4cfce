package engine

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
)

// ears vets the sound of one track. Owned by the track's goroutine.
type ears struct {
	source         *Source
	track          int
	lineup         *lineup
	sound          *sound.Sound // nil before the first block, and for formats that it does not take
	listeners      []*listener  // one a network
	rate, channels int          // 0 before the first block
	looks          sync.WaitGroup
	scores         []verdict.Score // reused
}

func newEars(s *Source, track int) *ears { return &ears{source: s, track: track} }

// take vets one block. The caller keeps it.
func (e *ears) take(ctx context.Context, a *frame.Audio) error {
	came := time.Now()
	if l := e.source.lineup.Load(); l != e.lineup {
		if err := e.change(ctx, l); err != nil {
			return err
		}
	}
	if a.SampleRate != e.rate || a.Channels != e.channels {
		if err := e.refit(ctx, a); err != nil {
			return err
		}
	}
	var onsets []measure.Onset
	if e.sound != nil {
		e.scores = e.sound.Observe(e.scores[:0], a)
		if err := e.source.judge.scores(e.track, e.scores, nil); err != nil {
			return err
		}
		e.source.judge.waveform(e.track, e.sound.Waveform())
		onsets = e.sound.Onsets()
	}
	for _, l := range e.listeners {
		if err := l.hear(ctx, a, came); err != nil {
			return err
		}
	}
	return e.source.bits.sound(e.track, a, onsets)
}

// change takes up another lineup, between two blocks. If it runs other closed
// forms over sound, they all begin anew; networks that stay go on with their windows.
func (e *ears) change(ctx context.Context, l *lineup) error {
	anew := e.lineup == nil || !reflect.DeepEqual(l.soundForms, e.lineup.soundForms)
	if anew {
		if err := e.endForms(); err != nil {
			return err
		}
	}
	gone := leaving(e.listeners, l.soundNetworks)
	for _, x := range gone {
		if err := x.end(ctx); err != nil {
			return err
		}
	}
	e.looks.Wait() // what the detectors so far have heard is judged as theirs
	if err := e.source.change(e.track, l, l.soundOutputs); err != nil {
		return err
	}
	e.lineup = l
	e.listeners = attend(e.listeners, l.soundNetworks, func(n *network) *listener { return newListener(n, e) })
	var errs []error
	for _, x := range gone {
		errs = append(errs, x.close())
	}
	if anew {
		e.beginForms()
	}
	return errors.Join(errs...)
}

// refit begins anew with another rate or number of channels.
func (e *ears) refit(ctx context.Context, a *frame.Audio) error {
	if err := e.finish(ctx); err != nil {
		return err
	}
	e.rate, e.channels = a.SampleRate, a.Channels
	e.beginForms()
	for _, l := range e.listeners {
		l.fit()
	}
	return nil
}

// finish takes the scores that were held back, and shows networks what is left.
func (e *ears) finish(ctx context.Context) error {
	if err := e.endForms(); err != nil {
		return err
	}
	for _, l := range e.listeners {
		if err := l.end(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (e *ears) beginForms() {
	if e.rate == 0 {
		return
	}
	s, err := sound.New(e.lineup.soundForms, e.rate, e.channels)
	if err != nil {
		e.source.log.Warn("sound that cannot be vetted", "track", e.track, "reason", err)
		return
	}
	e.sound = s
}

func (e *ears) endForms() error {
	if e.sound == nil {
		return nil
	}
	e.scores = e.sound.Flush(e.scores[:0])
	e.sound = nil
	return e.source.judge.scores(e.track, e.scores, nil)
}

// close waits for the networks' answers, and lets them go: the last one to do so closes
// a network, which must not be the network itself, in an answer.
func (e *ears) close() error {
	e.looks.Wait()
	var errs []error
	for _, l := range e.listeners {
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}
