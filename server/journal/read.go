package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What one read from disk may bring. It bounds what a slow follower costs.
const (
	readRecords = 64
	readBytes   = 64 << 10
	readTimeout = 10 * time.Second
)

// directGet asks for records as they lie, without a consumer. The server keeps
// nothing for it, and does not answer from the midst of a batch.
type directGet struct {
	Sequence  uint64     `json:"seq,omitempty"`
	StartTime *time.Time `json:"start_time,omitempty"`
	Next      string     `json:"next_by_subj,omitempty"`
	Last      string     `json:"last_by_subj,omitempty"`
	Batch     int        `json:"batch,omitempty"`
	MaxBytes  int        `json:"max_bytes,omitempty"`
}

// Answers of the server that are not records.
const (
	statusHeader = "Status"
	statusEnd    = "204" // of a batch
	statusNone   = "404"
)

// read gives the first records from sequence from on, before upto, that lie under
// pattern. next is the sequence to go on from: upto, if there are no more.
func (s *session) read(ctx context.Context, from, upto uint64, pattern string) (found []message, next uint64, err error) {
	if !s.whole {
		// A replica that is behind does not know what it lacks. Only if every record
		// is asked for can be seen whether the last one came.
		pattern = everySubject
	}
	for from < upto {
		found, err = s.get(ctx, directGet{Sequence: from, Next: pattern, Batch: readRecords, MaxBytes: readBytes})
		if err != nil {
			return nil, 0, err
		}
		for i, m := range found {
			if m.sequence >= upto {
				return found[:i], upto, nil
			}
		}
		if len(found) > 0 {
			// Not full by count or by bytes: perhaps there are no more. The next read tells.
			return found, found[len(found)-1].sequence + 1, nil
		}
		if s.whole {
			return nil, upto, nil
		}
		if after, err := s.nextAtLeader(ctx, from); err != nil || after >= upto {
			return nil, upto, err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, 0, err
		}
	}
	return nil, upto, nil
}

// get sends a request and gives the records that come back, none if there are none.
func (s *session) get(ctx context.Context, request directGet) (found []message, err error) {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	inbox := s.reads.NewRespInbox()
	answers, err := s.reads.SubscribeSync(inbox)
	if err != nil {
		return nil, classify(err)
	}
	defer answers.Unsubscribe()
	if err := s.reads.PublishRequest("$JS.API.DIRECT.GET."+streamName, inbox, body); err != nil {
		return nil, classify(err)
	}
	for {
		answer, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return nil, classify(fmt.Errorf("read records: %w", err))
		}
		switch status := answer.Header.Get(statusHeader); status {
		case "":
			m, err := messageOf(answer)
			if err != nil {
				return nil, err
			}
			if found = append(found, m); request.Batch == 0 {
				return found, nil
			}
		case statusEnd, statusNone:
			return found, nil
		default:
			return nil, classify(fmt.Errorf("read records: the server says %s %s", status, answer.Header.Get("Description")))
		}
	}
}

func messageOf(m *nats.Msg) (message, error) {
	sequence, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return message{}, fmt.Errorf("read records: a sequence that is no number: %w", err)
	}
	stored, err := time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return message{}, fmt.Errorf("read record %d: %w", sequence, err)
	}
	return message{sequence, stored, m.Data}, nil
}

// one gives the sequence that a request finds, 0 if it finds none.
func (s *session) one(ctx context.Context, request directGet) (sequence uint64, err error) {
	found, err := s.get(ctx, request)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0].sequence, nil
}

// first gives the sequence of the oldest record that is kept, 0 without one.
func (s *session) first(ctx context.Context) (uint64, error) {
	return s.one(ctx, directGet{Sequence: 1, Next: everySubject})
}

// nextAtLeader gives the sequence of the first record from sequence on, as the
// leader of the cluster knows it; beyond all others if there is none.
func (s *session) nextAtLeader(ctx context.Context, sequence uint64) (uint64, error) {
	body, err := json.Marshal(directGet{Sequence: sequence, Next: everySubject})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	reply, err := s.reads.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+streamName, body)
	if err != nil {
		return 0, classify(fmt.Errorf("ask the leader: %w", err))
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Sequence uint64 `json:"seq"`
		} `json:"message"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return 0, fmt.Errorf("ask the leader: %w", err)
	}
	if answer.Error != nil {
		if answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
			return math.MaxUint64, nil
		}
		return 0, classify(answer.Error)
	}
	return answer.Message.Sequence, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
