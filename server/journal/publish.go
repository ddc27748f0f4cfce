package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// failure is an append that was not acknowledged, and why.
type failure struct {
	*pending
	err error
}

// batchFrom is how large a group must be to go as one batch. A batch costs about
// six syncs, however large it is, and files that are made and removed; a record on
// its own costs one.
const batchFrom = 16

// publish stores a group in its order. It calls stored for each record as it is
// acknowledged, and gives those that were not.
func (s *session) publish(group []*pending, stored func(p *pending, sequence uint64)) []failure {
	if s.grouped && len(group) >= batchFrom {
		if s.publishBatch(group, stored) {
			return nil
		}
		// None of it was stored, for instance since one is a duplicate, or nobody
		// knows: one by one, each finds out.
	}
	return s.publishEach(group, stored)
}

// publishEach stores records one by one, each with its own sync. All of them are
// on their way at once.
func (s *session) publishEach(group []*pending, stored func(*pending, uint64)) (failed []failure) {
	futures := make([]jetstream.PubAckFuture, len(group))
	for i, p := range group {
		var err error
		if futures[i], err = s.js.PublishMsgAsync(p.message()); err != nil {
			failed = append(failed, failure{p, err})
		}
	}
	for i, p := range group {
		if futures[i] == nil {
			continue
		}
		select {
		case ack := <-futures[i].Ok():
			stored(p, ack.Sequence)
		case err := <-futures[i].Err():
			failed = append(failed, failure{p, err})
		case <-s.alive.Done():
			// The server does not answer what it could not write.
			select {
			case ack := <-futures[i].Ok():
				stored(p, ack.Sequence)
			default:
				failed = append(failed, failure{p, errors.New("the server could not write")})
			}
		}
	}
	return failed
}

// Headers of an atomic batch.
const (
	batchID       = "Nats-Batch-Id"
	batchSequence = "Nats-Batch-Sequence"
	batchCommit   = "Nats-Batch-Commit"
)

// publishBatch stores a group as one batch: the server syncs it beside the stream,
// puts it in, and syncs once. It says whether the batch was acknowledged.
func (s *session) publishBatch(group []*pending, stored func(*pending, uint64)) bool {
	id := nuid.Next()
	last := len(group) - 1
	for i, p := range group {
		m := p.message()
		m.Header[batchID] = []string{id}
		m.Header[batchSequence] = []string{strconv.Itoa(i + 1)}
		if i < last {
			if err := s.writes.PublishMsg(m); err != nil {
				return false
			}
			continue
		}
		m.Header[batchCommit] = []string{"1"}
		end, err := s.commit(m, len(group))
		if err != nil {
			s.options.Logger.Debug("journal: a batch was refused", "records", len(group), "error", err)
			return false
		}
		// The last one first: when any of them is acknowledged, all of them can be seen.
		for k := last; k >= 0; k-- {
			stored(group[k], end-uint64(last-k))
		}
	}
	return true
}

// commit sends the last record of a batch and gives its sequence.
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
		return 0, fmt.Errorf("an acknowledgement of %d records for %d", ack.Count, size)
	}
	return ack.Sequence, nil
}
