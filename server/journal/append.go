package journal

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// pending is an append that waits for its acknowledgement.
type pending struct {
	subject, id string
	body        []byte
	done        chan outcome // holds one
}

type outcome struct {
	sequence uint64
	err      error
}

// message gives what is published. One that was published must not be used again.
func (p *pending) message() *nats.Msg {
	return &nats.Msg{Subject: p.subject, Data: p.body, Header: nats.Header{jetstream.MsgIDHeader: {p.id}}}
}

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
	p := &pending{subject: subjectOf(v), id: id, body: body, done: make(chan outcome, 1)}
	select {
	case j.queue <- p:
	case <-ctx.Done():
		return 0, fmt.Errorf("journal: append: %w", ctx.Err())
	case <-j.life.Done():
		return 0, fmt.Errorf("journal: append: %w", ErrClosed)
	}
	select {
	case o := <-p.done:
		return o.sequence, o.err
	case <-ctx.Done():
		return 0, fmt.Errorf("journal: append: %w", ctx.Err())
	case <-j.appended:
	}
	select {
	case o := <-p.done: // in the last group
		return o.sequence, o.err
	default:
		return 0, fmt.Errorf("journal: append: %w", ErrClosed)
	}
}

// Appends that come while others are on their way form the next group.
const (
	queueLength  = 1024
	groupRecords = 1000    // the most that the server takes as one batch
	groupBytes   = 2 << 20 // more than one record of the largest size
)

// appendGroups takes appends from the queue until the journal closes.
func (j *Journal) appendGroups() {
	defer close(j.appended)
	for {
		select {
		case p := <-j.queue:
			j.appendGroup(j.gather(p))
		case <-j.life.Done():
			return
		}
	}
}

func (j *Journal) gather(first *pending) []*pending {
	group, size := []*pending{first}, len(first.body)
	for len(group) < groupRecords && size < groupBytes {
		select {
		case p := <-j.queue:
			group = append(group, p)
			size += len(p.body)
		default:
			return group
		}
	}
	return group
}

// appendGroup publishes a group and tells each append how it went.
func (j *Journal) appendGroup(group []*pending) {
	s, err := j.writable()
	if err != nil {
		for _, p := range group {
			p.done <- outcome{err: fmt.Errorf("journal: append: %w", err)}
		}
		return
	}
	failed := s.publish(group, func(p *pending, sequence uint64) {
		j.tail.sync(sequence)
		j.stored.Add(1)
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
		f.done <- outcome{err: fmt.Errorf("journal: append: %w", classify(err))}
	}
}
