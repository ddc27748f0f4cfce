package infer

/*
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
)

// Binding is a session bound to one tensor and to output tensors of its own. It
// belongs to one goroutine at a time, as the tensor does.
type Binding struct {
	session  *Session
	program  *program
	in       device.Tensor
	shape    device.Shape // of the rows of in that are bound
	maxBatch int
	mapH     int
	mapW     int

	// mu holds Close back while a run is begun or waited for; it is not contended
	// otherwise.
	mu     sync.Mutex
	closed bool
	// sizes[n-1] runs batch size n; made when that size comes first.
	sizes    []*C.infer_binding
	captured bool         // the graph, where there are graphs
	scores   []stepScores // as Spec.Scores
	cells    output
	started  int              // rows of the run that is under way
	n        int              // rows of the last run that was finished
	running  *C.infer_binding // what runNow runs
	runNow   func() error     // made once: a run allocates nothing
}

// stepScores is one output with scores.
type stepScores struct {
	output
	rank  int // 1 or 2
	steps int // scores of a row
}

// Bind prepares s to run on the first rows of in, up to maxBatch. It runs the
// network on what lies in the tensor, to learn the shapes of the outputs and that
// batches work; where a tensor of that shape is bound already, they are known. The tensor must stay open until the binding is closed; its memory
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
	b := &Binding{session: s, in: in, shape: in.Shape(), maxBatch: maxBatch, sizes: make([]*C.infer_binding, maxBatch), scores: make([]stepScores, len(s.spec.Scores))}
	b.shape.N = maxBatch
	var err error
	if b.program, err = s.take(b.shape); err != nil {
		return nil, err
	}
	b.runNow = func() error { return failure(C.infer_run(handle(b.program.ort), b.running, b.program.waits())) }
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
	if !b.asAnother() {
		if err := b.tryBatches(); err != nil {
			return err
		}
	}
	if err := b.openOutputs(); err != nil {
		return fmt.Errorf("the outputs of %d rows: %w", b.maxBatch, err)
	}
	if s.on == CPU {
		return nil
	}
	return b.warmUp()
}

// asAnother takes the shapes of the outputs over from an open binding to a tensor of
// the same shape. It is false where there is none.
func (b *Binding) asAnother() bool {
	b.session.mu.Lock()
	defer b.session.mu.Unlock()
	for other := range b.session.bindings {
		if other.shape == b.shape {
			for i := range b.scores {
				b.scores[i].rank, b.scores[i].steps = other.scores[i].rank, other.scores[i].steps
			}
			b.mapH, b.mapW = other.mapH, other.mapW
			return true
		}
	}
	return false
}

func (b *Binding) openOutputs() error {
	at := b.session.at
	for i := range b.scores {
		if err := b.scores[i].open(at, device.Shape{N: b.maxBatch, C: 1, H: 1, W: b.scores[i].steps}); err != nil {
			return err
		}
	}
	if b.mapH == 0 {
		return nil
	}
	return b.cells.open(at, device.Shape{N: b.maxBatch, C: 1, H: b.mapH, W: b.mapW})
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
	err = errors.Join(err, b.session.sync())
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
	case sp.Samples > 0 && (shape.H != 1 || shape.W != sp.Samples):
		return fmt.Errorf("the tensor has rows of %dx%d, the network takes %d samples", shape.W, shape.H, sp.Samples)
	case shape.H < 1 || shape.W < 1 || sp.Height > 0 && shape.H != sp.Height || sp.Width > 0 && shape.W != sp.Width:
		return fmt.Errorf("the tensor is %dx%d, the network takes %dx%d", shape.W, shape.H, sp.Width, sp.Height)
	}
	return nil
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
	errs := []error{b.session.sync()}
	errs = append(errs, b.program.thread.do(func() error {
		for _, c := range b.sizes {
			if c != nil {
				C.infer_unbind(c)
				C.free(unsafe.Pointer(c))
			}
		}
		return nil
	}))
	for i := range b.scores {
		errs = append(errs, b.scores[i].close())
	}
	errs = append(errs, b.cells.close(), b.session.release(b.program, b.shape))
	b.sizes, b.started, b.n = nil, 0, 0
	return errors.Join(errs...)
}
