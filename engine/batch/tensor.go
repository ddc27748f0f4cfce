package batch

import (
	"slices"
	"time"
)

const (
	rowFree uint8 = iota
	rowHeld
	rowCommitted
	rowHole // abandoned
)

type row[P any] struct {
	payload P
	state   uint8
}

// tensor is the book-keeping of one of the caller's tensors. It goes round:
// free, filling, sealed, at the consumer, free.
type tensor[P any] struct {
	turn uint64 // counts the rounds
	rows []row[P]
	// Invariant: given is the number of rows not free, and they come first;
	// pending of them are held, committed of them are committed.
	given, pending, committed int
	oldest                    time.Time // when the first row was committed
	batch                     Batch[P]  // what the consumer holds of it; its memory is reused
}

// take gives the next row, opening a free tensor if none fills. It seals a
// tensor with its last row.
func (l *Lane[P]) take() (Slot, bool) {
	if l.filling < 0 {
		if len(l.free) == 0 {
			return Slot{}, false
		}
		l.filling = l.free[len(l.free)-1]
		l.free = l.free[:len(l.free)-1]
	}
	t := &l.tensors[l.filling]
	s := Slot{Tensor: l.filling, Row: t.given, turn: t.turn}
	t.rows[s.Row].state = rowHeld
	t.given++
	t.pending++
	if t.given == len(t.rows) {
		l.seal()
	}
	return s, true
}

// seal ends the filling of the tensor that fills.
func (l *Lane[P]) seal() {
	l.sealed = append(l.sealed, l.filling)
	l.filling = -1
}

// holder is the tensor of a slot that is held. Anything else is a mistake of the
// caller that would mix up rows, so it is a panic.
func (l *Lane[P]) holder(s Slot) *tensor[P] {
	if s.Tensor < 0 || s.Tensor >= len(l.tensors) || s.Row < 0 || s.Row >= l.config.MaxBatchSize {
		panic("batch: no such slot")
	}
	t := &l.tensors[s.Tensor]
	if t.turn != s.turn || t.rows[s.Row].state != rowHeld {
		panic("batch: the slot was committed or abandoned already")
	}
	return t
}

// abandon makes a hole of the slot's row, or gives the row out again if no row
// after it is in use.
func (l *Lane[P]) abandon(s Slot) {
	t := l.holder(s)
	t.rows[s.Row].state = rowHole
	t.pending--
	if s.Tensor == l.filling {
		for t.given > 0 && t.rows[t.given-1].state == rowHole {
			t.given--
			t.rows[t.given].state = rowFree
		}
		return
	}
	if t.pending > 0 {
		return
	}
	if t.committed == 0 { // a batch of nothing is none
		at := slices.Index(l.sealed, s.Tensor)
		l.sealed = slices.Delete(l.sealed, at, at+1)
		l.recycle(s.Tensor)
	}
	l.note()
}

func (l *Lane[P]) flush() {
	if l.filling >= 0 && l.tensors[l.filling].given > 0 {
		l.seal()
		l.note()
	}
}

// recycle makes a tensor free for its next turn.
func (l *Lane[P]) recycle(i int) {
	t := &l.tensors[i]
	clear(t.rows[:t.given]) // lets go of the payloads, too
	t.turn++
	t.given, t.pending, t.committed = 0, 0, 0
	l.free = append(l.free, i)
	l.serve()
}

// serve gives free rows to those who wait.
func (l *Lane[P]) serve() {
	for !l.closed && l.waiting.len() > 0 {
		s, ok := l.take()
		if !ok {
			return
		}
		w := l.waiting.pop()
		w.slot = s
		w.answer(waiterServed)
	}
}
