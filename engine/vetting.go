package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/media"
)

// run decodes, measures and judges every track until all have ended.
func (s *Source) run(ctx context.Context) {
	group, running := errgroup.WithContext(ctx)
	for _, t := range s.video() {
		group.Go(func() error { return s.vetPictures(running, t) })
	}
	for _, t := range s.media.Audio() {
		group.Go(func() error { return s.vetSound(running, t) })
	}
	watching, end := context.WithCancel(ctx)
	watched := make(chan error, 1)
	go func() { watched <- s.watch(watching) }()
	err := group.Wait()
	end()
	err = errors.Join(err, <-watched)
	err = errors.Join(err, s.faults.all())
	if ctx.Err() == nil && !s.cut.Load() {
		err = errors.Join(err, s.sayTheRest())
		if err == nil && s.clock.at.Load() == 0 {
			err = ErrNothing
		}
	}
	s.judge.finish()
	if closeErr := errors.Join(s.media.Close(), s.queue.Close()); err == nil {
		err = closeErr
	}
	s.stopped = ctx.Err() != nil
	if s.stopped && errors.Is(err, context.Canceled) {
		err = nil
	}
	if errors.Is(err, media.ErrDeviceLost) {
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	if err != nil {
		s.err = fmt.Errorf("%s: %w", s.name, err)
	}
	s.grant.giveBack()
	s.ended = time.Now()
}

// judged notes that a picture that came then has its scores.
func (s *Source) judged(came time.Time) {
	now := time.Now()
	took := now.Sub(came)
	s.grant.hasBegun()
	s.clock.took(took)
	if s.realtime {
		s.engine.admission.recent.Observe(now, took)
	}
}

// sayTheRest scores what shows only when all tracks have ended.
func (s *Source) sayTheRest() error {
	var err error
	for _, t := range s.video() {
		err = errors.Join(err, s.bits.end(t.Info.Index, t.Tail()))
	}
	for _, t := range s.media.Audio() {
		err = errors.Join(err, s.bits.end(t.Info.Index, t.Tail()))
	}
	return err
}

// vetPictures is the life of a video track.
func (s *Source) vetPictures(ctx context.Context, t *media.VideoTrack) error {
	if s.engine.device.Mem() == frame.MemDevice {
		// The current context of a GPU belongs to the OS thread. The thread is not
		// given back: it ends with the goroutine.
		runtime.LockOSThread()
	}
	p, err := newPictures(s, t.Info.Index)
	if err != nil {
		return err
	}
	defer p.close()
	for {
		began := time.Now()
		f, err := t.Next(ctx)
		s.clock.decode.add(time.Since(began))
		if errors.Is(err, io.EOF) {
			return p.settle(ctx, 0) // what is left
		}
		if err != nil {
			return fmt.Errorf("track %d: %w", t.Info.Index, err)
		}
		if s.reached(f.PTS) {
			f.Release()
			t.Skip()
			return p.settle(ctx, 0)
		}
		if err := s.pace(ctx, f.PTS); err != nil {
			f.Release()
			return err
		}
		s.clock.frame()
		s.clock.position(f.PTS + f.Duration)
		err = p.take(ctx, f, s.travel(f.PTS, began))
		f.Release()
		if err != nil {
			return fmt.Errorf("track %d: picture %d at %v: %w", t.Info.Index, f.Index, f.PTS, err)
		}
	}
}

// reached tells whether a picture or sound at pts is beyond what is vetted.
func (s *Source) reached(pts time.Duration) bool {
	if s.until <= 0 || pts < s.until {
		return false
	}
	s.cut.Store(true)
	return true
}

// vetSound is the life of an audio track.
func (s *Source) vetSound(ctx context.Context, t *media.AudioTrack) error {
	ears := newEars(s, t.Info.Index)
	defer ears.close()
	for {
		a, err := t.Next(ctx)
		if errors.Is(err, io.EOF) {
			return ears.finish(ctx)
		}
		if err != nil {
			return fmt.Errorf("track %d: %w", t.Info.Index, err)
		}
		if s.reached(a.PTS) {
			a.Release()
			t.Skip()
			return ears.finish(ctx)
		}
		if err := s.pace(ctx, a.PTS); err != nil {
			a.Release()
			return err
		}
		s.clock.position(a.PTS + a.Duration)
		watch := startWatch()
		err = ears.take(ctx, a)
		a.Release()
		s.clock.sound.add(watch.stop())
		if err != nil {
			return fmt.Errorf("track %d: %w", t.Info.Index, err)
		}
	}
}
