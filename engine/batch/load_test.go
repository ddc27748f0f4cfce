package batch

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

type mark struct{ source, n int }

// Many sources of all kinds share a lane: some wait, some drop, some give up
// rows, some are cancelled. Every committed row comes out once, in its source's
// order, in the row that its source wrote.
func TestManySources(t *testing.T) {
	const sources, frames, tensors, size = 16, 400, 3, 5
	for _, d := range []time.Duration{0, 50 * time.Microsecond, time.Second} {
		t.Run(d.String(), func(t *testing.T) {
			l, err := New[mark](Config{Tensors: tensors, MaxBatchSize: size, MaxQueueDelay: d})
			if err != nil {
				t.Fatal(err)
			}
			// written stands for the tensors: a source writes its row before it commits.
			var written [tensors][size]mark
			var committed [sources]int
			var wg sync.WaitGroup
			for source := range sources {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(uint64(source), 1))
					for n := range frames {
						s, ok := offer(t, l, source, r)
						if !ok {
							continue
						}
						if r.IntN(10) == 0 {
							l.Abandon(s)
							continue
						}
						written[s.Tensor][s.Row] = mark{source, n}
						l.Commit(s, mark{source, n})
						committed[source]++
					}
					l.Flush()
				})
			}
			closed := make(chan struct{})
			go func() { wg.Wait(); l.Close(); close(closed) }()
			got := drain(t, l, func(b *Batch[mark]) []mark { return written[b.Tensor][:] })
			<-closed
			for source, n := range committed {
				if got[source] != n {
					t.Errorf("source %d committed %d rows, %d came out", source, n, got[source])
				}
			}
		})
	}
}

// offer acquires in the manner of the source: every third drops, every fourth
// gives up now and then while it waits.
func offer(t *testing.T, l *Lane[mark], source int, r *rand.Rand) (Slot, bool) {
	switch {
	case source%3 == 0:
		return l.TryAcquire()
	case source%4 == 0:
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(200))*time.Microsecond)
		defer cancel()
		s, err := l.Acquire(ctx)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		return s, err == nil
	}
	s, err := l.Acquire(t.Context())
	if err != nil {
		t.Error(err)
	}
	return s, err == nil
}

// drain takes all batches and counts the rows of each source.
func drain(t *testing.T, l *Lane[mark], tensor func(*Batch[mark]) []mark) map[int]int {
	counts, last := map[int]int{}, map[int]int{}
	for {
		b, err := l.Next(t.Context())
		if err == io.EOF {
			return counts
		} else if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for row, m := range b.All() {
			rows++
			if tensor(b)[row] != m {
				t.Errorf("row %d holds %v, its payload is %v", row, tensor(b)[row], m)
			}
			if before, seen := last[m.source]; seen && before >= m.n {
				t.Errorf("source %d: row %d came after %d", m.source, m.n, before)
			}
			last[m.source] = m.n
			counts[m.source]++
		}
		if rows == 0 || b.N > 5 {
			t.Errorf("a batch of %d rows with %d payloads", b.N, rows)
		}
		l.Done(b)
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	l := lane(t, 2, 4, 0)
	ctx := t.Context()
	sum := 0
	if got := testing.AllocsPerRun(100, func() {
		for i := range 4 {
			s, _ := l.Acquire(ctx)
			l.Commit(s, i)
		}
		b, _ := l.Next(ctx)
		for row, p := range b.All() {
			sum += row + p
		}
		l.Done(b)
	}); got != 0 {
		t.Errorf("%v allocations a batch", got)
	}
}

// A row's way through the lane: one source that waits, one consumer.
func BenchmarkRow(b *testing.B) {
	for _, d := range []time.Duration{0, time.Millisecond} {
		b.Run("delay="+d.String(), func(b *testing.B) {
			l := lane(b, 2, 8, d)
			ctx := b.Context()
			b.ReportAllocs()
			var wg sync.WaitGroup
			wg.Go(func() {
				for {
					batch, err := l.Next(ctx)
					if err != nil {
						return
					}
					l.Done(batch)
				}
			})
			for i := 0; b.Loop(); i++ {
				s, err := l.Acquire(ctx)
				if err != nil {
					b.Fatal(err)
				}
				l.Commit(s, i)
			}
			l.Close()
			wg.Wait()
		})
	}
}
