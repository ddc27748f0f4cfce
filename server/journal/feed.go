package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	feedPulls     = 256 // records on their way to the tail
	feedHeartbeat = 5 * time.Second
	feedRetry     = 100 * time.Millisecond
)

// startTail feeds the tail with the records from sequence on, until the session
// is closed.
func (s *session) startTail(t *tail, from uint64, decode func(message) Record) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.tails.Go(func() {
		add := func(m message) {
			t.add(decode(m), len(m.body))
			from = m.sequence + 1
		}
		for known := ""; ctx.Err() == nil; pause(ctx, feedRetry) {
			err := s.feed(ctx, from, add)
			if text := err.Error(); ctx.Err() == nil && text != known {
				s.options.Logger.Debug("journal: its tail begins anew", "sequence", from, "error", err)
				known = text
			}
		}
	})
}

// feed calls add for each record from sequence on, in order, until something
// goes wrong.
func (s *session) feed(ctx context.Context, from uint64, add func(message)) error {
	ctx, cancel := s.untilReconnected(ctx)
	defer cancel()
	consumer, err := s.feeds.CreateConsumer(ctx, streamName, jetstream.ConsumerConfig{
		Description:       "the tail of a streamvet",
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       from,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: time.Minute,
	})
	if err != nil {
		return err
	}
	arrivals, err := consumer.Messages(
		jetstream.PullMaxMessages(feedPulls),
		jetstream.PullHeartbeat(feedHeartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer arrivals.Stop()
	for count := uint64(1); ; count++ {
		arrival, err := arrivals.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		at, err := arrival.Metadata()
		if err != nil {
			return err
		}
		if at.Sequence.Consumer != count {
			return fmt.Errorf("delivery %d came where %d was due", at.Sequence.Consumer, count)
		}
		add(message{at.Sequence.Stream, at.Timestamp, arrival.Data()})
	}
}

// untilReconnected gives a context that ends when the connection has come back:
// what was asked of the server before may have been forgotten there.
func (s *session) untilReconnected(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	back := s.reads.StatusChanged(nats.CONNECTED)
	s.tails.Go(func() {
		defer s.reads.RemoveStatusListener(back)
		defer cancel()
		select {
		case <-back:
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}
