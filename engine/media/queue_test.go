package media

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

func testQueue() (*queue, chan struct{}, chan struct{}) {
	changed, closed := make(chan struct{}, 1), make(chan struct{})
	return newQueue(changed, closed), changed, closed
}

func TestQueueOrderAndEnd(t *testing.T) {
	q, _, _ := testQueue()
	const n = 1000
	for i := range n {
		q.push(packet{size: i})
	}
	q.end(nil)
	for i := range n {
		p, err := q.pop(context.Background())
		if err != nil || p.size != i {
			t.Fatalf("packet %d: %d, %v", i, p.size, err)
		}
	}
	for range 2 {
		if _, err := q.pop(context.Background()); err != io.EOF {
			t.Fatalf("after the end: %v, want io.EOF", err)
		}
	}
	if q.held != (limits{}) {
		t.Errorf("an empty queue holds %+v", q.held)
	}
}

func TestQueueBounds(t *testing.T) {
	for _, c := range []struct {
		name string
		p    packet
		n    int
	}{
		{"packets", packet{size: 1}, soft.packets},
		{"bytes", packet{size: soft.bytes / 4}, 4},
		{"time", packet{duration: time.Second}, 3},
		{"two always", packet{size: 1 << 30, duration: time.Hour}, 2},
	} {
		q, _, _ := testQueue()
		n := 0
		for ; q.has(soft); n++ {
			q.push(c.p)
		}
		if n != c.n {
			t.Errorf("%s: %d packets, want %d", c.name, n, c.n)
		}
	}
}

func TestQueueWakes(t *testing.T) {
	q, changed, closed := testQueue()
	got := make(chan error, 1)
	go func() {
		_, err := q.pop(context.Background())
		got <- err
	}()
	<-changed // the reader is told that somebody waits
	if hungry, _, _ := q.state(); !hungry {
		t.Error("not hungry while it waits")
	}
	q.push(packet{})
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, err := q.pop(ctx)
		got <- err
	}()
	<-changed
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatalf("canceled: %v", err)
	}
	close(closed)
	if _, err := q.pop(context.Background()); err != ErrClosed {
		t.Fatalf("closed: %v", err)
	}
}

func TestQueueSkip(t *testing.T) {
	q, _, _ := testQueue()
	for i := range 70 {
		q.push(packet{size: i})
	}
	if left := q.skip(nil); len(left) != 70 || left[69].size != 69 {
		t.Errorf("%d packets left", len(left))
	}
	if _, err := q.pop(context.Background()); err != io.EOF {
		t.Errorf("after skip: %v", err)
	}
	if _, _, skipped := q.state(); !skipped {
		t.Error("not skipped")
	}
}

// A full queue and a pop allocate nothing.
func TestQueueAllocations(t *testing.T) {
	q, _, _ := testQueue()
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		for range 32 {
			q.push(packet{size: 1})
		}
		for range 32 {
			if _, err := q.pop(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
