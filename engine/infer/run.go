package infer

/*
#cgo noescape infer_run
#cgo nocallback infer_run
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"

	"github.com/streamvet/streamvet/engine/frame"
)

// run runs c: on the CPU to its end, on a GPU into the queue.
func (b *Binding) run(c *C.infer_binding) error {
	if s := b.session; s.on == CPU && s.at.Device.Mem() == frame.MemDevice {
		// The CPU reads the memory of a double of a GPU: what fills it must be done.
		if err := s.sync(); err != nil {
			return err
		}
	}
	b.running = c
	return b.session.heed(b.program.thread.do(b.runNow))
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

// count is how many outputs there are: the scores, then the map.
func (b *Binding) count() int {
	if b.mapH > 0 {
		return len(b.scores) + 1
	}
	return len(b.scores)
}

// out is the i-th of them.
func (b *Binding) out(i int) *output {
	if i < len(b.scores) {
		return &b.scores[i].output
	}
	return &b.cells
}

// fetch queues the copies of the outputs to the host.
func (b *Binding) fetch(n int) error {
	for i := range b.count() {
		if err := b.out(i).fetch(b.session.at.Queue, n); err != nil {
			for k := range i { // those before are under way
				_, waiting := b.out(k).wait()
				err = errors.Join(err, waiting)
			}
			return err
		}
	}
	return nil
}

// Finish waits for the run that Start began; Scores and Map then give what it
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
	for i := range b.count() {
		more, failed := b.out(i).wait()
		bad, err = bad+more, errors.Join(err, failed)
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

// Steps is how many scores output k of Spec.Scores has of a row: 1, or the T of [N,T].
func (b *Binding) Steps(k int) int { return b.scores[k].steps }

// Scores are those of row i of the last run in output k of Spec.Scores, 0..1, one a
// step. It is C memory that the next run overwrites and Close frees.
func (b *Binding) Scores(k, i int) []float32 {
	s := &b.scores[k]
	return s.values[: b.n*s.steps : b.n*s.steps][i*s.steps : (i+1)*s.steps]
}

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
