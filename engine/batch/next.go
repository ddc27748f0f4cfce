package batch

import (
	"context"
	"io"
	"iter"
	"slices"
	"time"
)

// Batch is rows 0..N-1 of one tensor, for the consumer until Done.
type Batch[P any] struct {
	Tensor int
	// N is how many rows are to be run, from 0 on. Some of them may be holes.
	N int

	rows []row[P]
	out  bool // whether the consumer has it
}

// All gives the rows that hold something, in order, with their payloads. Holes
// are left out; what lies in them is old.
func (b *Batch[P]) All() iter.Seq2[int, P] {
	return func(yield func(int, P) bool) {
		for i := range b.rows {
			if b.rows[i].state == rowCommitted && !yield(i, b.rows[i].payload) {
				return
			}
		}
	}
}

// Next waits for the next batch: one that is full, or whose oldest row was
// committed MaxQueueDelay ago, or that was flushed. No batch is empty. It ends
// with io.EOF once the lane is closed and all that was committed was given, or
// with the context's error; a batch that is ready goes first.
func (l *Lane[P]) Next(ctx context.Context) (*Batch[P], error) {
	if l.timer == nil {
		l.timer = time.NewTimer(time.Hour)
	}
	defer l.timer.Stop()
	for {
		l.mu.Lock()
		b, delay, err := l.ready()
		l.mu.Unlock()
		if b != nil || err != nil {
			return b, err
		}
		l.timer.Reset(delay)
		select {
		case <-l.wake:
		case <-l.timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ready gives the batch that is to go now, or how long to wait at most.
func (l *Lane[P]) ready() (*Batch[P], time.Duration, error) {
	delay := time.Hour
	if l.filling >= 0 {
		if t := &l.tensors[l.filling]; t.committed > 0 {
			if delay = l.config.MaxQueueDelay - time.Since(t.oldest); delay <= 0 && len(l.sealed) == 0 {
				l.seal() // rows that come later go elsewhere, so that this batch cannot wait for ever
			}
		}
	}
	if len(l.sealed) > 0 {
		t := &l.tensors[l.sealed[0]]
		if t.pending > 0 {
			return nil, time.Hour, nil // the last Commit or Abandon wakes us
		}
		l.sealed = slices.Delete(l.sealed, 0, 1)
		return t.hand(), 0, nil
	}
	if l.closed { // Close has sealed what was filling
		return nil, 0, io.EOF
	}
	return nil, delay, nil
}

// hand makes the batch of a tensor; rows after the last committed one are left out.
func (t *tensor[P]) hand() *Batch[P] {
	n := t.given
	for t.rows[n-1].state != rowCommitted {
		n--
	}
	t.batch.N, t.batch.rows, t.batch.out = n, t.rows[:n], true
	return &t.batch
}

// Done gives the tensor of a batch back to be filled again. The batch, and what
// All gave, are over. Batches may be done in any order.
func (l *Lane[P]) Done(b *Batch[P]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !b.out {
		panic("batch: Done of a batch that is done")
	}
	b.N, b.rows, b.out = 0, nil, false
	l.recycle(b.Tensor)
}
