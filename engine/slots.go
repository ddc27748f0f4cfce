package engine

import (
	"context"
	"time"

	"github.com/streamvet/streamvet/engine/batch"
)

// How long a source that drops waits for a slot at most: others' bursts pass, and
// what comes after this picture or window must not be late for it.
const (
	picturePatience = 20 * time.Millisecond
	soundPatience   = 100 * time.Millisecond
)

// acquire takes a slot. A source that drops waits no longer than patience; it is
// false where there was none.
func (s *Source) acquire(ctx context.Context, l *lane, patience time.Duration) (batch.Slot, bool, error) {
	if slot, ok := l.TryAcquire(); ok {
		return slot, true, nil
	}
	if !s.drop.Load() {
		slot, err := s.await(ctx, l)
		return slot, err == nil, err
	}
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	slot, err := s.await(short, l)
	if err != nil && ctx.Err() == nil && short.Err() != nil {
		return batch.Slot{}, false, nil
	}
	return slot, err == nil, err
}

// await takes a slot, waiting until there is one.
func (s *Source) await(ctx context.Context, l *lane) (batch.Slot, error) {
	began := time.Now()
	slot, err := l.Acquire(ctx)
	s.clock.wait.add(time.Since(began))
	return slot, err
}

// missed counts a look that a network has had no time for.
func (s *Source) missed(n *network) {
	s.drops.count(n.detector.Name)
	s.engine.tally.drop(plainName(n.detector.Name))
}
