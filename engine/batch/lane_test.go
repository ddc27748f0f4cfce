package batch

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const delay = 5 * time.Millisecond

func lane(t testing.TB, tensors, size int, d time.Duration) *Lane[int] {
	t.Helper()
	l, err := New[int](Config{Tensors: tensors, MaxBatchSize: size, MaxQueueDelay: d})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func acquire(t testing.TB, l *Lane[int]) Slot {
	t.Helper()
	s, err := l.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put acquires and commits the payloads one after the other.
func put(t testing.TB, l *Lane[int], payloads ...int) {
	t.Helper()
	for _, p := range payloads {
		l.Commit(acquire(t, l), p)
	}
}

func next(t testing.TB, l *Lane[int]) *Batch[int] {
	t.Helper()
	b, err := l.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func payloads(b *Batch[int]) []int {
	var got []int
	for _, p := range b.All() {
		got = append(got, p)
	}
	return got
}

func holds(t testing.TB, b *Batch[int], n int, want ...int) {
	t.Helper()
	if got := payloads(b); b.N != n || !slices.Equal(got, want) {
		t.Errorf("batch of %d rows with %v, want %d with %v", b.N, got, n, want)
	}
}

func ends(t testing.TB, l *Lane[int]) {
	t.Helper()
	for range 2 {
		if b, err := l.Next(t.Context()); err != io.EOF || b != nil {
			t.Errorf("after the end: %v, %v", b, err)
		}
	}
}

func TestFullBatchGoesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 2, 3, delay)
		start := time.Now()
		put(t, l, 1, 2, 3, 4, 5, 6)
		holds(t, next(t, l), 3, 1, 2, 3)
		holds(t, next(t, l), 3, 4, 5, 6)
		if since := time.Since(start); since != 0 {
			t.Errorf("it took %v", since)
		}
	})
}

func TestPartialBatchGoesWhenItsOldestRowIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 2, 8, delay)
		start := time.Now()
		go func() {
			put(t, l, 1)
			time.Sleep(3 * time.Millisecond)
			put(t, l, 2)
			time.Sleep(3 * time.Millisecond)
			put(t, l, 3)
		}()
		holds(t, next(t, l), 2, 1, 2)
		if since := time.Since(start); since != delay {
			t.Errorf("the first went after %v, want %v", since, delay)
		}
		holds(t, next(t, l), 1, 3)
		if since := time.Since(start); since != 6*time.Millisecond+delay {
			t.Errorf("the second went after %v, want %v", since, 6*time.Millisecond+delay)
		}
	})
}

func TestNoDelayGivesWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 2, 8, 0)
		go func() {
			time.Sleep(time.Second)
			put(t, l, 1)
		}()
		b := next(t, l)
		holds(t, b, 1, 1)
		// While the consumer is busy, rows gather.
		put(t, l, 2, 3, 4)
		l.Done(b)
		holds(t, next(t, l), 3, 2, 3, 4)
	})
}

// A batch that is due waits for the rows that are being written, and only for
// those: later ones go into the next.
func TestDueBatchWaitsForHeldRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 2, 8, delay)
		start := time.Now()
		held := acquire(t, l)
		put(t, l, 2)
		go func() {
			time.Sleep(2 * delay) // it is due after one
			put(t, l, 3)
			l.Commit(held, 1)
		}()
		b := next(t, l)
		holds(t, b, 2, 1, 2)
		if since := time.Since(start); since != 2*delay {
			t.Errorf("it went after %v, want %v", since, 2*delay)
		}
		holds(t, next(t, l), 1, 3)
	})
}

func TestOrderIsKeptOverTensors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 3, 2, delay)
		held := acquire(t, l)
		put(t, l, 2, 3, 4)
		go func() {
			time.Sleep(time.Second)
			l.Commit(held, 1)
		}()
		holds(t, next(t, l), 2, 1, 2)
		holds(t, next(t, l), 2, 3, 4)
	})
}

func TestAbandonedRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 2, 4, delay)
		a, b, c, d := acquire(t, l), acquire(t, l), acquire(t, l), acquire(t, l)
		l.Commit(a, 1)
		l.Commit(c, 3)
		l.Abandon(b)
		l.Abandon(d)
		got := next(t, l)
		holds(t, got, 3, 1, 3) // a hole in the middle stays, one at the end does not
		for row, p := range got.All() {
			if want := map[int]int{1: 0, 3: 2}[p]; row != want {
				t.Errorf("payload %d is in row %d, want %d", p, row, want)
			}
			break // and a loop may end early
		}
		l.Done(got)

		// The last row given is given again.
		s := acquire(t, l)
		l.Abandon(s)
		if again := acquire(t, l); again.Row != s.Row || again.Tensor != s.Tensor {
			t.Errorf("slot %v after %v was abandoned", again, s)
		} else {
			l.Abandon(again)
		}
		// A whole tensor of holes is no batch.
		slots := []Slot{acquire(t, l), acquire(t, l), acquire(t, l), acquire(t, l)}
		put(t, l, 9)
		for _, s := range slots {
			l.Abandon(s)
		}
		holds(t, next(t, l), 1, 9)
	})
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 2, 8, time.Hour)
		start := time.Now()
		l.Flush() // of nothing is nothing
		put(t, l, 1, 2)
		l.Flush()
		put(t, l, 3)
		holds(t, next(t, l), 2, 1, 2)
		if since := time.Since(start); since != 0 {
			t.Errorf("it went after %v", since)
		}
		holds(t, next(t, l), 1, 3)
		if since := time.Since(start); since != time.Hour {
			t.Errorf("what came after the flush went after %v", since)
		}
	})
}

func TestCloseGivesWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 2, 2, time.Hour)
		put(t, l, 1, 2, 3)
		held := acquire(t, l)
		refused := make(chan error)
		go func() {
			_, err := l.Acquire(t.Context())
			refused <- err
		}()
		synctest.Wait()
		l.Close()
		l.Close()
		if err := <-refused; !errors.Is(err, ErrClosed) {
			t.Errorf("a waiting Acquire: %v", err)
		}
		if _, err := l.Acquire(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("a later Acquire: %v", err)
		}
		if _, ok := l.TryAcquire(); ok {
			t.Error("TryAcquire gave a slot")
		}
		holds(t, next(t, l), 2, 1, 2)
		go func() {
			time.Sleep(time.Second)
			l.Commit(held, 4)
		}()
		holds(t, next(t, l), 2, 3, 4)
		ends(t, l)
	})
}

func TestCloseOfAnEmptyLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 1, 2, delay)
		l.Abandon(acquire(t, l)) // a tensor is open, and empty
		go func() {
			time.Sleep(time.Second)
			l.Close()
		}()
		ends(t, l)
	})
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 1, 2, delay)
		held := acquire(t, l)
		l.Close()
		l.Abandon(held)
		ends(t, l)
	})
}

func TestNextIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 1, 2, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		put(t, l, 1)
		if _, err := l.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		// Nothing is lost by it, and what is ready goes before the error.
		put(t, l, 2)
		b, err := l.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, b, 2, 1, 2)
	})
}

func TestFullLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 2, 1, 0)
		put(t, l, 1, 2)
		if _, ok := l.TryAcquire(); ok {
			t.Fatal("a full lane gave a slot")
		}
		// Those who wait are served in the order of their coming; who gives up
		// does not hold the others back.
		var got []int
		var wg sync.WaitGroup
		gone, cancel := context.WithCancel(t.Context())
		for i := 3; i <= 6; i++ {
			ctx := t.Context()
			if i == 4 {
				ctx = gone
			}
			wg.Go(func() {
				s, err := l.Acquire(ctx)
				if i == 4 {
					if !errors.Is(err, context.Canceled) {
						t.Errorf("the cancelled Acquire: %v", err)
					}
					return
				}
				l.Commit(s, i)
			})
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		for range 5 {
			b := next(t, l)
			got = append(got, payloads(b)...)
			if _, ok := l.TryAcquire(); ok && len(got) < 3 {
				t.Error("TryAcquire went ahead of those who wait")
			}
			l.Done(b)
			synctest.Wait()
		}
		wg.Wait()
		if !slices.Equal(got, []int{1, 2, 3, 5, 6}) {
			t.Errorf("got %v", got)
		}
	})
}

// A slot that is granted at the very moment its call is cancelled is not lost.
func TestCancelledWhileServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane(t, 1, 1, 0)
		put(t, l, 1)
		b := next(t, l)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			s, err := l.Acquire(ctx)
			if err == nil {
				l.Abandon(s)
			}
			result <- err
		}()
		synctest.Wait()
		l.mu.Lock()
		cancel()
		l.mu.Unlock()
		l.Done(b)
		<-result
		put(t, l, 2)
		holds(t, next(t, l), 1, 2)
	})
}

func TestMistakesPanic(t *testing.T) {
	l := lane(t, 2, 2, 0)
	panics := func(name string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		f()
	}
	s := acquire(t, l)
	l.Commit(s, 1)
	panics("commit twice", func() { l.Commit(s, 1) })
	panics("abandon after commit", func() { l.Abandon(s) })
	panics("no such tensor", func() { l.Commit(Slot{Tensor: 2}, 1) })
	panics("no such row", func() { l.Commit(Slot{Row: 2}, 1) })
	b := next(t, l)
	l.Done(b)
	panics("done twice", func() { l.Done(b) })
	if len(payloads(b)) != 0 {
		t.Error("a batch that is done still gives rows")
	}
	again := acquire(t, l)
	panics("a slot of an earlier turn", func() { l.Commit(s, 1) })
	l.Commit(again, 2)
	holds(t, next(t, l), 1, 2)
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{0, 1, 0}, {1, 0, 0}, {1, 1, -1}, {-1, 1, 0}} {
		if _, err := New[int](c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
