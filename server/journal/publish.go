package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// outgoing is a message that is to be stored.
type outgoing struct {
	subject string
	id      string // by which the server knows it again; none if empty
	rollup  bool   // it replaces those of its subject
	body    []byte
}

// message gives what is published. One that was published must not be used again.
func (e outgoing) message() *nats.Msg {
	m := &nats.Msg{Subject: e.subject, Data: e.body, Header: nats.Header{}}
	if e.id != "" {
		m.Header[jetstream.MsgIDHeader] = []string{e.id}
	}
	if e.rollup {
		m.Header[jetstream.MsgRollup] = []string{jetstream.MsgRollupSubject}
	}
	return m
}

// pending is an append that waits for its acknowledgement.
type pending struct {
	messages []outgoing
	done     chan outcome // holds one
}

type outcome struct {
	sequence uint64 // of its last message
	err      error
}

func (p *pending) size() int {
	n := 0
	for _, e := range p.messages {
		n += len(e.body)
	}
	return n
}

// failure is an append that was not acknowledged, and why.
type failure struct {
	*pending
	err error
}

// batchFrom is how many messages a group must have to go as one batch. A batch costs
// about six syncs, however large it is, and files that are made and removed; a
// message on its own costs one.
const batchFrom = 16

// publish stores a group in its order. It calls stored for each append as it is
// acknowledged, and gives those that were not.
func (s *session) publish(group []*pending, stored func(p *pending, sequence uint64)) []failure {
	messages := 0
	for _, p := range group {
		messages += len(p.messages)
	}
	if s.grouped && messages >= batchFrom && messages <= groupMessages {
		if s.publishBatch(group, messages, stored) {
			return nil
		}
		// None of it was stored, for instance since one is a duplicate, or nobody
		// knows: one by one, each finds out.
	}
	return s.publishEach(group, stored)
}

// publishEach stores messages one by one, each with its own sync. All of them are
// on their way at once.
func (s *session) publishEach(group []*pending, stored func(*pending, uint64)) (failed []failure) {
	futures := make([][]jetstream.PubAckFuture, len(group))
	for i, p := range group {
		for _, e := range p.messages {
			f, err := s.js.PublishMsgAsync(e.message())
			if err != nil {
				failed, futures[i] = append(failed, failure{p, err}), nil
				break
			}
			futures[i] = append(futures[i], f)
		}
	}
	for i, p := range group {
		if futures[i] == nil {
			continue
		}
		sequence, err := s.acknowledged(futures[i])
		if err != nil {
			failed = append(failed, failure{p, err})
			continue
		}
		stored(p, sequence)
	}
	return failed
}

// acknowledged waits for the messages of one append, and gives the sequence of the last.
func (s *session) acknowledged(futures []jetstream.PubAckFuture) (sequence uint64, err error) {
	for _, f := range futures {
		select {
		case ack := <-f.Ok():
			sequence = ack.Sequence
		case err := <-f.Err():
			return 0, err
		case <-s.alive.Done():
			// The server does not answer what it could not write.
			select {
			case ack := <-f.Ok():
				sequence = ack.Sequence
			default:
				return 0, errors.New("the server could not write")
			}
		}
	}
	return sequence, nil
}

// Headers of an atomic batch.
const (
	batchID       = "Nats-Batch-Id"
	batchSequence = "Nats-Batch-Sequence"
	batchCommit   = "Nats-Batch-Commit"
)

// publishBatch stores a group as one batch: the server syncs it beside the stream,
// puts it in, and syncs once. It says whether the batch was acknowledged.
func (s *session) publishBatch(group []*pending, messages int, stored func(*pending, uint64)) bool {
	id, n := nuid.Next(), 0
	for _, p := range group {
		for _, e := range p.messages {
			n++
			m := e.message()
			m.Header[batchID] = []string{id}
			m.Header[batchSequence] = []string{strconv.Itoa(n)}
			if n < messages {
				if err := s.writes.PublishMsg(m); err != nil {
					return false
				}
				continue
			}
			m.Header[batchCommit] = []string{"1"}
			end, err := s.commit(m, messages)
			if err != nil {
				s.options.Logger.Debug("journal: a batch was refused", "messages", messages, "error", err)
				return false
			}
			// The last one first: when any of them is acknowledged, all of them can be seen.
			for _, p := range slices.Backward(group) {
				stored(p, end)
				end -= uint64(len(p.messages))
			}
		}
	}
	return true
}

// commit sends the last message of a batch and gives its sequence.
func (s *session) commit(m *nats.Msg, size int) (sequence uint64, err error) {
	ctx, cancel := context.WithTimeout(s.alive, s.options.ackTimeout)
	defer cancel()
	reply, err := s.writes.RequestMsgWithContext(ctx, m)
	if err != nil {
		return 0, err
	}
	var ack struct {
		Error    *jetstream.APIError `json:"error"`
		Sequence uint64              `json:"seq"`
		Count    int                 `json:"count"`
	}
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return 0, fmt.Errorf("an acknowledgement that cannot be read: %w", err)
	}
	if ack.Error != nil {
		return 0, ack.Error
	}
	if ack.Count != size || ack.Sequence < uint64(size) {
		return 0, fmt.Errorf("an acknowledgement of %d messages for %d", ack.Count, size)
	}
	return ack.Sequence, nil
}
