package batch

const (
	waiterQueued uint8 = iota
	waiterServed
	waiterRefused
)

// waiter is one call of Acquire that waits.
type waiter struct {
	ready chan struct{} // gets one note with the answer
	slot  Slot          // if served
	state uint8
	next  *waiter
}

func (w *waiter) answer(state uint8) {
	w.state = state
	w.ready <- struct{}{}
}

// waiters is a queue of them. Those that are over are kept for the next ones, so
// that waiting does not allocate once as many have waited at a time as ever will.
type waiters struct {
	first, last *waiter
	spare       *waiter
	n           int
}

func (q *waiters) len() int { return q.n }

func (q *waiters) add() *waiter {
	w := q.spare
	if w == nil {
		w = &waiter{ready: make(chan struct{}, 1)}
	} else {
		q.spare = w.next
	}
	w.next, w.state = nil, waiterQueued
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	q.n++
	return w
}

// pop takes the oldest, nil if there is none.
func (q *waiters) pop() *waiter {
	w := q.first
	if w == nil {
		return nil
	}
	if q.first = w.next; q.first == nil {
		q.last = nil
	}
	w.next = nil
	q.n--
	return w
}

// drop ends a call: it leaves the queue if it is still in it, and is kept.
func (q *waiters) drop(w *waiter) {
	if w.state == waiterQueued {
		q.remove(w)
	}
	select {
	case <-w.ready: // an answer that the call did not wait for
	default:
	}
	w.next, q.spare = q.spare, w
}

func (q *waiters) remove(w *waiter) {
	var before *waiter
	for x := q.first; x != w; x = x.next {
		before = x
	}
	if before == nil {
		q.first = w.next
	} else {
		before.next = w.next
	}
	if q.last == w {
		q.last = before
	}
	q.n--
}
