package journal

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// supervise looks after the store until the journal closes: at intervals, and
// whenever something seems wrong.
func (j *Journal) supervise() {
	tick := time.NewTicker(j.options.retryEvery)
	defer tick.Stop()
	var noted uint64
	for {
		select {
		case <-j.life.Done():
			return
		case <-j.wake:
			j.inspect()
		case <-tick.C:
			j.inspect()
			noted = j.count(noted)
		}
	}
}

func (j *Journal) kick() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// inspect finds out whether the journal can be appended to, and opens its store
// again where that helps.
func (j *Journal) inspect() {
	j.inspecting.Lock()
	defer j.inspecting.Unlock()
	err := j.examine()
	if !j.condition.set(err) {
		return
	}
	if err != nil {
		j.options.Logger.Error("journal: it takes no verdicts", "error", err)
	} else {
		j.options.Logger.Info("journal: it takes verdicts again")
	}
}

func (j *Journal) examine() error {
	s, err := j.readable()
	if errors.Is(err, ErrClosed) {
		return err
	}
	if s != nil {
		broken := s.broken()
		if broken == nil {
			return j.clearDoubt(s)
		}
		// It can still be read from, until there is a chance that another one does better.
		s.end()
		j.condition.set(broken)
		if j.options.canWrite() != nil {
			return broken
		}
	} else if err := j.options.canWrite(); err != nil {
		return err
	}
	return j.reopen(s)
}

// clearDoubt finds out whether a store that is not known to be broken works,
// after it has failed to acknowledge something.
func (j *Journal) clearDoubt(s *session) error {
	if err := s.room(); err != nil || !s.doubt.Load() {
		return err
	}
	ctx, cancel := context.WithTimeout(s.alive, j.options.ackTimeout)
	defer cancel()
	last, err := s.one(ctx, directGet{Last: everySubject})
	if err != nil {
		return classify(err)
	}
	j.tail.sync(last)
	s.doubt.Store(false)
	return nil
}

// reopen puts a new session in the place of a broken one.
func (j *Journal) reopen(broken *session) error {
	j.mu.Lock()
	j.session = nil
	j.mu.Unlock()
	if broken != nil {
		broken.close()
	}
	ctx, cancel := context.WithTimeout(j.life, startTimeout)
	defer cancel()
	if err := j.begin(ctx); err != nil {
		return classify(err)
	}
	s, err := j.readable()
	if err != nil {
		return err
	}
	return errors.Join(s.broken(), s.room())
}

// count brings the numbers of the state up to date, and notes the newest record.
func (j *Journal) count(noted uint64) uint64 {
	s, err := j.readable()
	if err != nil {
		return noted
	}
	ctx, cancel := context.WithTimeout(s.alive, readTimeout)
	defer cancel()
	info, err := s.info(ctx)
	if err != nil {
		return noted
	}
	pictures, err := s.pictures.Status(ctx)
	j.condition.update(func(state *State) {
		state.count(info)
		if err == nil {
			state.Bytes += pictures.Size()
		}
	})
	if synced := j.tail.synced(); j.directory != nil && synced != noted {
		j.noteNewest(synced)
		return synced
	}
	return noted
}

// info gives the numbers of the records' stream.
func (s *session) info(ctx context.Context) (jetstream.StreamState, error) {
	stream, err := s.js.Stream(ctx, streamName)
	if err != nil {
		return jetstream.StreamState{}, classify(err)
	}
	return stream.CachedInfo().State, nil
}

// count takes the numbers of the records' stream.
func (s *State) count(stream jetstream.StreamState) {
	s.Records, s.Bytes = stream.Msgs, stream.Bytes
	s.First = 0
	if stream.Msgs > 0 {
		s.First = stream.FirstSeq
	}
	s.Latest = stream.LastSeq
}
