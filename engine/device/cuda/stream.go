//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// heldMax bounds the pictures that a stream keeps until the work on them is done:
// each is a picture's worth of device memory. A host that is further ahead waits.
const heldMax = 4

type stream struct {
	gpu    *gpu
	queue  cu.Stream
	closed atomic.Bool

	mu    sync.Mutex
	held  []held     // the oldest first
	spare []cu.Event // of pictures that were given back
}

// held is a reference to a picture, and the mark behind the last work that reads it.
type held struct {
	picture *frame.Video
	done    cu.Event
}

func (g *gpu) NewStream() (device.Stream, error) {
	if err := g.enter(); err != nil {
		return nil, fmt.Errorf("device: stream: %w", err)
	}
	defer g.leave()
	queue, err := cu.MakeStream(cu.NonBlocking)
	if err != nil {
		return nil, fmt.Errorf("device: stream: %w", g.failed(err))
	}
	g.opened()
	return &stream{gpu: g, queue: queue}, nil
}

// streamOf is s as a stream of this GPU that is open.
func (g *gpu) streamOf(s device.Stream) (*stream, error) {
	own, ok := s.(*stream)
	switch {
	case g.closed.Load() || ok && own.closed.Load():
		return nil, device.ErrClosed
	case !ok || own.gpu != g:
		return nil, errors.New("the stream is of another device")
	}
	return own, nil
}

// enter is gpu.enter for work that goes to s.
func (s *stream) enter() error {
	if s.closed.Load() {
		return device.ErrClosed
	}
	return s.gpu.enter()
}

func (s *stream) Handle() uintptr { return uintptr(unsafe.Pointer(s.queue.C())) }

func (s *stream) Record(e device.Event) error {
	return s.mark("record", e, func(e cu.Event) error { return e.Record(s.queue) })
}

func (s *stream) Wait(e device.Event) error {
	return s.mark("wait", e, func(e cu.Event) error { return s.queue.Wait(e, 0) })
}

func (s *stream) mark(step string, e device.Event, do func(cu.Event) error) error {
	own, ok := e.(*event)
	switch {
	case !ok || own.gpu != s.gpu:
		return fmt.Errorf("device: %s: the event is of another device", step)
	case own.closed:
		return device.ErrClosed
	}
	if err := s.enter(); err != nil {
		return fmt.Errorf("device: %s: %w", step, err)
	}
	defer s.gpu.leave()
	if err := do(own.mark); err != nil {
		return fmt.Errorf("device: %s: %w", step, s.gpu.failed(err))
	}
	return nil
}

func (s *stream) Sync() error {
	if err := s.enter(); err != nil {
		return fmt.Errorf("device: sync: %w", err)
	}
	defer s.gpu.leave()
	if err := s.drain(); err != nil {
		return fmt.Errorf("device: sync: %w", err)
	}
	return nil
}

// drain waits for all work and gives the pictures back.
func (s *stream) drain() error {
	err := s.gpu.failed(s.queue.Synchronize())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reap()
	return err
}

// settle is drain for who frees what the work may use; a closed stream has no work.
func (s *stream) settle() {
	if !s.closed.Load() {
		_ = s.drain()
	}
}

// keep takes over a reference to f until the work queued so far is done.
func (s *stream) keep(f *frame.Video) {
	if s.closed.Load() {
		f.Release()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.held {
		if h.picture == f && h.done.Record(s.queue) == nil {
			f.Release() // one reference is enough
			return
		}
	}
	s.reap()
	if len(s.held) == heldMax {
		_ = s.held[0].done.Synchronize()
		s.reap()
	}
	done, err := s.event()
	if err != nil {
		_ = s.queue.Synchronize() // nothing will tell when the work is done: wait for it
		f.Release()
		return
	}
	s.held = append(s.held, held{f, done})
}

// event gives a mark behind the work queued so far.
func (s *stream) event() (e cu.Event, err error) {
	if n := len(s.spare); n > 0 {
		e, s.spare = s.spare[n-1], s.spare[:n-1]
	} else if e, err = newMark(); err != nil {
		return e, err
	}
	if err := e.Record(s.queue); err != nil {
		s.spare = append(s.spare, e)
		return e, err
	}
	return e, nil
}

// reap gives back the pictures whose work is done, or never will be.
func (s *stream) reap() {
	kept := s.held[:0]
	for _, h := range s.held {
		if h.done.Query() == cu.NotReady {
			kept = append(kept, h)
			continue
		}
		h.picture.Release()
		s.spare = append(s.spare, h.done)
	}
	clear(s.held[len(kept):])
	s.held = kept
}

func (s *stream) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.gpu.enterToFree()
	defer s.gpu.leave()
	_ = s.drain()
	for i := range s.spare {
		_ = cu.DestroyEvent(&s.spare[i])
	}
	_ = s.queue.Destroy()
	s.gpu.gone()
	return nil
}
