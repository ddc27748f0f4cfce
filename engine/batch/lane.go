package batch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrClosed is returned by Acquire after Close.
var ErrClosed = errors.New("batch: the lane is closed")

// Config fixes a lane.
type Config struct {
	// Tensors is how many the caller has, 1 or more. With 2 one fills while the
	// other is run; a third evens out what is uneven.
	Tensors int
	// MaxBatchSize is the number of rows of each.
	MaxBatchSize int
	// MaxQueueDelay is how long a committed row may wait for others. 0: a consumer
	// that has nothing else to do takes what there is.
	MaxQueueDelay time.Duration
}

func (c Config) validate() error {
	switch {
	case c.Tensors < 1:
		return fmt.Errorf("batch: %d tensors, 1 or more are needed", c.Tensors)
	case c.MaxBatchSize < 1:
		return fmt.Errorf("batch: MaxBatchSize %d, 1 or more is needed", c.MaxBatchSize)
	case c.MaxQueueDelay < 0:
		return fmt.Errorf("batch: MaxQueueDelay %v is negative", c.MaxQueueDelay)
	}
	return nil
}

// Slot is the right to write one row of one tensor, until it is committed or
// abandoned.
type Slot struct {
	Tensor, Row int
	turn        uint64 // of the tensor; a slot of an earlier turn is refused
}

// Lane batches the rows of one model at one tensor geometry. Rows leave in the
// order in which their slots were acquired.
//
// Its bound is Tensors x MaxBatchSize rows, those being written, waiting and
// being run together. When none is free, Acquire waits, first come first served,
// and TryAcquire fails. A slot must be acquired right before its row is written
// and then be committed or abandoned: a batch waits for all its slots, so a
// holder must not wait for anything that itself waits for this lane, such as a
// second slot.
//
// All methods may be called from any goroutine, but Next from one at a time.
type Lane[P any] struct {
	config Config

	mu      sync.Mutex
	tensors []tensor[P]
	free    []int // stack of tensors that hold no row; the next to fill is at the end
	filling int   // the tensor that gives slots, -1 if none does
	// sealed are full or due tensors, oldest first: they give no more slots and go
	// to the consumer in this order. Invariant: len(free) + len(sealed) + (filling
	// >= 0) + those at the consumer == Tensors.
	sealed []int
	// waiting are calls of Acquire, oldest first. Invariant: while there are any,
	// no tensor is free and none fills.
	waiting waiters
	closed  bool

	// wake tells Next that something has changed; one note is enough.
	wake  chan struct{}
	timer *time.Timer // of Next, made by its first call
}

// New makes a lane. It fails only on a Config that makes no sense.
func New[P any](c Config) (*Lane[P], error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	l := &Lane[P]{
		config:  c,
		tensors: make([]tensor[P], c.Tensors),
		free:    make([]int, 0, c.Tensors),
		sealed:  make([]int, 0, c.Tensors),
		filling: -1,
		wake:    make(chan struct{}, 1),
	}
	for i := range l.tensors {
		l.tensors[i].rows = make([]row[P], c.MaxBatchSize)
		l.tensors[i].batch.Tensor = i
		l.free = append(l.free, c.Tensors-1-i)
	}
	return l, nil
}

// Acquire takes the next row, waiting until one is free. It fails with ErrClosed
// or the context's error.
func (l *Lane[P]) Acquire(ctx context.Context) (Slot, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return Slot{}, ErrClosed
	}
	if s, ok := l.take(); ok {
		l.mu.Unlock()
		return s, nil
	}
	w := l.waiting.add()
	l.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s, state := w.slot, w.state
	l.waiting.drop(w)
	switch {
	case state == waiterRefused:
		return Slot{}, ErrClosed
	case ctx.Err() != nil:
		if state == waiterServed {
			l.abandon(s)
		}
		return Slot{}, ctx.Err()
	}
	return s, nil
}

// TryAcquire takes the next row if one is free. It is for live sources, which
// drop the frame and count it otherwise.
func (l *Lane[P]) TryAcquire() (Slot, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return Slot{}, false
	}
	return l.take()
}

// Commit hands the written row over, with what the consumer must know of it.
func (l *Lane[P]) Commit(s Slot, payload P) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.holder(s)
	t.rows[s.Row] = row[P]{payload: payload, state: rowCommitted}
	if t.committed == 0 {
		t.oldest = time.Now()
	}
	t.committed++
	t.pending--
	// Next has something to do when the delay begins to run and when the last row
	// that a sealed tensor waited for is there.
	if t.committed == 1 || t.pending == 0 && s.Tensor != l.filling {
		l.note()
	}
}

// Abandon gives a slot back without a row.
func (l *Lane[P]) Abandon(s Slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abandon(s)
}

// Taken is how many rows are written, waiting or being run.
func (l *Lane[P]) Taken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for i := range l.tensors {
		n += l.tensors[i].given
	}
	return n
}

// Flush lets what was acquired so far go without waiting for more.
func (l *Lane[P]) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
}

// Close ends the giving of slots. Those that are held may still be committed or
// abandoned; Next gives what is left and then io.EOF. It is idempotent and does
// not wait.
func (l *Lane[P]) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	l.flush()
	for w := l.waiting.pop(); w != nil; w = l.waiting.pop() {
		w.answer(waiterRefused)
	}
	l.note()
}

func (l *Lane[P]) note() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
