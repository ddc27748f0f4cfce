package infer

/*
#cgo noescape infer_run
#cgo nocallback infer_run
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// Binding is a session bound to one tensor and to output tensors of its own. It
// belongs to one goroutine at a time, as the tensor does.
type Binding struct {
	session   *Session
	program   *program
	in        device.Tensor
	shape     device.Shape // of the rows of in that are bound
	maxBatch  int
	scoreRank int
	mapH      int
	mapW      int

	// mu holds Close back while a run is begun or waited for; it is not contended
	// otherwise.
	mu     sync.Mutex
	closed bool
	// sizes[n-1] runs batch size n; made when that size comes first.
	sizes         []*C.infer_binding
	captured      bool // the graph, where there are graphs
	scores, cells output
	started       int              // rows of the run that is under way
	n             int              // rows of the last run that was finished
	running       *C.infer_binding // what runNow runs
	runNow        func() error     // made once: a run allocates nothing
}

// Bind prepares s to run on the first rows of in, up to maxBatch. It runs the
// network on what lies in the tensor, to learn the shape of the map and that
// batches work. The tensor must stay open until the binding is closed; its memory
// must not be the Go heap's.
func (s *Session) Bind(in device.Tensor, maxBatch int) (*Binding, error) {
	b, err := s.bind(in, maxBatch)
	if err != nil {
		return nil, fmt.Errorf("bind the network of detector %q: %w", s.spec.Name, err)
	}
	return b, nil
}

func (s *Session) bind(in device.Tensor, maxBatch int) (*Binding, error) {
	if err := s.fits(in, maxBatch); err != nil {
		return nil, err
	}
	b := &Binding{session: s, in: in, shape: in.Shape(), maxBatch: maxBatch, sizes: make([]*C.infer_binding, maxBatch)}
	b.shape.N = maxBatch
	var err error
	if b.program, err = s.take(b.shape); err != nil {
		return nil, err
	}
	b.runNow = func() error { return failure(C.infer_run(handle(b.program.ort), b.running)) }
	if err := b.open(); err != nil {
		return nil, errors.Join(err, b.free())
	}
	s.mu.Lock()
	if !s.closed {
		s.bindings[b] = struct{}{}
		s.mu.Unlock()
		return b, nil
	}
	s.mu.Unlock()
	return nil, errors.Join(ErrClosed, b.free())
}

// open tries batches out, makes the outputs and, on a GPU, warms up: the first run
// allocates and plans, and much of what is wrong shows there.
func (b *Binding) open() error {
	s := b.session
	s.capture.RLock()
	defer s.capture.RUnlock()
	tries := []int{1, b.maxBatch}[:min(2, b.maxBatch)]
	if s.on != CPU {
		tries = []int{b.maxBatch}
	}
	for _, n := range tries {
		if err := b.tryOut(n); err != nil {
			return err
		}
	}
	err := b.scores.open(s.at, device.Shape{N: b.maxBatch, C: 1, H: 1, W: 1})
	if err == nil && b.mapH > 0 {
		err = b.cells.open(s.at, device.Shape{N: b.maxBatch, C: 1, H: b.mapH, W: b.mapW})
	}
	if err != nil {
		return fmt.Errorf("the outputs of %d rows: %w", b.maxBatch, err)
	}
	if s.on == CPU {
		return nil
	}
	return b.warmUp()
}

// warmUp runs what Start will run, to its end. A graph is captured by Start alone,
// when nobody else uses the queue.
func (b *Binding) warmUp() error {
	if err := b.prepare(b.maxBatch); err != nil {
		return err
	}
	var err error
	if !b.graphs() {
		err = b.run(b.sizes[b.maxBatch-1])
	}
	err = errors.Join(err, b.session.at.Queue.Sync())
	if n := fixSignals(); n > 0 {
		b.session.library.options.Logger.Debug("signal handlers of a library were moved to their own stack", "handlers", n)
	}
	return err
}

// graphs tells whether runs are captured.
func (b *Binding) graphs() bool { return b.session.library.options.Graphs && b.session.on != CPU }

// fits tells why the network cannot read maxBatch rows of the tensor, or nil.
func (s *Session) fits(in device.Tensor, maxBatch int) error {
	sp, shape := &s.spec, in.Shape()
	switch {
	case in.Mem() != s.at.Device.Mem():
		return fmt.Errorf("the tensor does not lie in the memory of %s, where the network runs", s.at.Device.Name())
	case in.Ptr() == nil:
		return fmt.Errorf("the tensor has no memory; is it closed?")
	case maxBatch < 1 || maxBatch > shape.N:
		return fmt.Errorf("a batch of %d is not in 1..%d, the rows of the tensor", maxBatch, shape.N)
	case in.DType() != sp.Type:
		return fmt.Errorf("the tensor is %v, the network takes %v", in.DType(), sp.Type)
	case shape.C != sp.Channels:
		return fmt.Errorf("the tensor has %d channels, the network takes %d", shape.C, sp.Channels)
	case shape.H < 1 || shape.W < 1 || sp.Height > 0 && shape.H != sp.Height || sp.Width > 0 && shape.W != sp.Width:
		return fmt.Errorf("the tensor is %dx%d, the network takes %dx%d", shape.W, shape.H, sp.Width, sp.Height)
	}
	return nil
}

// run runs c: on the CPU to its end, on a GPU into the queue.
func (b *Binding) run(c *C.infer_binding) error {
	if s := b.session; s.on == CPU && s.at.Device.Mem() == frame.MemDevice {
		// The CPU reads the memory of a double of a GPU: what fills it must be done.
		if err := s.at.Queue.Sync(); err != nil {
			return err
		}
	}
	b.running = c
	return b.program.thread.do(b.runNow)
}

// Start begins to run the network on the first n rows of the tensor, after the
// work that was queued before in the session's place; Finish waits for it. On the
// CPU the network has run when Start returns. One run at a time. On the CPU the
// first run of each n allocates, later ones do not.
//
// On a GPU all rows of the tensor are run, whatever lies in those after the n-th:
// nothing may write to them until Finish returns.
func (b *Binding) Start(n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	if b.started > 0 {
		return fmt.Errorf("run detector %q: the run before was not finished", b.session.spec.Name)
	}
	b.n = 0
	if n < 1 || n > b.maxBatch {
		return fmt.Errorf("run detector %q: %d rows are not in 1..%d", b.session.spec.Name, n, b.maxBatch)
	}
	if err := b.start(n); err != nil {
		return fmt.Errorf("run detector %q on %d rows: %w", b.session.spec.Name, n, err)
	}
	b.started = n
	return nil
}

func (b *Binding) start(n int) error {
	rows := n
	if b.session.on != CPU {
		rows = b.maxBatch
	}
	if b.sizes[rows-1] == nil {
		if err := b.prepare(rows); err != nil {
			return fmt.Errorf("prepare batches of %d: %w", rows, err)
		}
	}
	if b.graphs() && !b.captured {
		b.session.capture.Lock()
		defer b.session.capture.Unlock()
		b.captured = true
	}
	if err := b.run(b.sizes[rows-1]); err != nil {
		return err
	}
	return b.fetch(n)
}

// fetch queues the copies of the outputs to the host.
func (b *Binding) fetch(n int) error {
	err := b.scores.fetch(b.session.at.Queue, n)
	if err == nil && b.mapH > 0 {
		if err = b.cells.fetch(b.session.at.Queue, n); err != nil {
			_, waiting := b.scores.wait()
			err = errors.Join(err, waiting)
		}
	}
	return err
}

// Finish waits for the run that Start began; Score and Map then give what it
// found. After an error there is nothing to give.
func (b *Binding) Finish() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	n := b.started
	if n == 0 {
		return fmt.Errorf("finish detector %q: no run was started", b.session.spec.Name)
	}
	bad, err := b.wait()
	if err != nil {
		return fmt.Errorf("run detector %q on %d rows: %w", b.session.spec.Name, n, err)
	}
	b.n = n
	if bad > 0 {
		b.session.badValues.Add(int64(bad))
	}
	return nil
}

// wait ends the run that was started and counts its bad values.
func (b *Binding) wait() (bad int, err error) {
	b.started = 0
	bad, err = b.scores.wait()
	if b.mapH > 0 {
		more, second := b.cells.wait()
		bad, err = bad+more, errors.Join(err, second)
	}
	return bad, err
}

// Run is Start and Finish.
func (b *Binding) Run(n int) error {
	if err := b.Start(n); err != nil {
		return err
	}
	return b.Finish()
}

// Score is the score of row i of the last run, 0..1.
func (b *Binding) Score(i int) float32 { return b.scores.values[:b.n][i] }

// Map is where in the picture of row i of the last run: h rows of w values,
// 0..1. It is C memory that the next run overwrites and Close frees. Without a
// map it is nil, 0, 0.
func (b *Binding) Map(i int) (cells []float32, h, w int) {
	if b.mapH == 0 {
		return nil, 0, 0
	}
	size := b.mapH * b.mapW
	return b.cells.values[: b.n*size : b.n*size][i*size : (i+1)*size], b.mapH, b.mapW
}

// Close frees the outputs, after a run that goes on. It is idempotent.
func (b *Binding) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	b.session.mu.Lock()
	delete(b.session.bindings, b)
	b.session.mu.Unlock()
	return b.free()
}

// free waits until nothing runs on the memory, and gives it back.
func (b *Binding) free() error {
	b.session.capture.RLock()
	defer b.session.capture.RUnlock()
	errs := []error{b.session.at.Queue.Sync()}
	errs = append(errs, b.program.thread.do(func() error {
		for _, c := range b.sizes {
			if c != nil {
				C.infer_unbind(c)
				C.free(unsafe.Pointer(c))
			}
		}
		return nil
	}))
	errs = append(errs, b.scores.close(), b.cells.close(), b.session.release(b.program, b.shape))
	b.sizes, b.started, b.n = nil, 0, 0
	return errors.Join(errs...)
}
