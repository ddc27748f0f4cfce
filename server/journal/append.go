package journal

import (
	"context"
	"fmt"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Append stores a verdict and returns its sequence once it is synced to disk. A
// picture in it is stored first, beside it. Appending the same verdict in the
// same state again, within Options.RetryWindow, gives the sequence that it has.
//
// It fails with ErrFull, ErrReadOnly, ErrUnavailable, ErrInvalid, ErrClosed or
// ctx's error. If it was ErrUnavailable or ctx, the verdict may have been stored.
func (j *Journal) Append(ctx context.Context, v *streamvetv1.Verdict) (sequence uint64, err error) {
	id := identity(v)
	body, err := encode(v, id)
	if err != nil {
		return 0, err
	}
	if len(v.GetEvidence().GetData()) > 0 {
		if err := j.keepEvidence(ctx, id, v.GetEvidence()); err != nil {
			return 0, fmt.Errorf("journal: keep the picture of %s: %w", v.GetId(), err)
		}
	}
	sequence, err = j.records.append(ctx, outgoing{subject: subjectOf(v), id: id, body: body})
	if err != nil {
		return 0, fmt.Errorf("journal: append: %w", err)
	}
	return sequence, nil
}

// recorded notes that a record is synced.
func (j *Journal) recorded(sequence uint64) {
	j.tail.sync(sequence)
	j.stored.Add(1)
}

// Appends that come while others are on their way form the next group.
const (
	queueLength   = 1024
	groupMessages = 1000    // the most that the server takes as one batch
	groupBytes    = 2 << 20 // more than one record of the largest size
)

// appender stores, in groups, what many append to one stream at once.
type appender struct {
	journal *Journal
	queue   chan *pending
	stored  func(sequence uint64) // is told of each append before its caller; may be nil
	ended   chan struct{}         // closed when none is on its way any more
}

func newAppender(j *Journal, stored func(sequence uint64)) *appender {
	return &appender{journal: j, queue: make(chan *pending, queueLength), stored: stored, ended: make(chan struct{})}
}

// append waits until the messages, of which none is larger than a group, are synced
// together. It gives the sequence of the last one.
func (a *appender) append(ctx context.Context, messages ...outgoing) (sequence uint64, err error) {
	p := &pending{messages: messages, done: make(chan outcome, 1)}
	select {
	case a.queue <- p:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-a.journal.life.Done():
		return 0, ErrClosed
	}
	select {
	case o := <-p.done:
		return o.sequence, o.err
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-a.ended:
	}
	select {
	case o := <-p.done: // in the last group
		return o.sequence, o.err
	default:
		return 0, ErrClosed
	}
}

// run takes appends from the queue until the journal closes.
func (a *appender) run() {
	defer close(a.ended)
	var next *pending // did not fit the group before
	for {
		if next == nil {
			select {
			case next = <-a.queue:
			case <-a.journal.life.Done():
				return
			}
		}
		var group []*pending
		group, next = a.gather(next)
		a.store(group)
	}
}

// gather gives a group that begins with first, and what comes after it if that was
// taken already.
func (a *appender) gather(first *pending) (group []*pending, next *pending) {
	messages, size := 0, 0
	for p := first; ; {
		messages, size = messages+len(p.messages), size+p.size()
		if len(group) > 0 && (messages > groupMessages || size > groupBytes) {
			return group, p
		}
		group = append(group, p)
		select {
		case p = <-a.queue:
		default:
			return group, nil
		}
	}
}

// store publishes a group and tells each append how it went.
func (a *appender) store(group []*pending) {
	j := a.journal
	s, err := j.writable()
	if err != nil {
		for _, p := range group {
			p.done <- outcome{err: err}
		}
		return
	}
	failed := s.publish(group, func(p *pending, sequence uint64) {
		if a.stored != nil {
			a.stored(sequence)
		}
		p.done <- outcome{sequence: sequence}
	})
	if len(failed) == 0 {
		return
	}
	// What is wrong with the store says more than what was wrong with one publish.
	s.doubt.Store(true)
	j.look()
	_, trouble := j.writable()
	for _, f := range failed {
		err := f.err
		if trouble != nil {
			err = trouble
		}
		f.done <- outcome{err: classify(err)}
	}
}
