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
	for {
		select {
		case <-j.life.Done():
			return
		case <-j.wake:
		case <-tick.C:
		}
		j.inspect()
	}
}

func (j *Journal) kick() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// inspect finds out whether the journal can be appended to, and opens its store
// again where that helps. Only the supervisor does that: it may take long.
func (j *Journal) inspect() {
	j.inspecting.Lock()
	defer j.inspecting.Unlock()
	s, err := j.diagnose()
	j.report(err)
	switch {
	case errors.Is(err, ErrClosed):
	case s == nil || s.alive.Err() != nil:
		// A broken one can still be read from, until another one may do better.
		if j.options.canWrite() == nil && j.mayReopen() {
			j.report(j.reopen(s))
		}
	case err == nil && s.doubt.Load():
		j.report(j.clearDoubt(s))
	}
}

// look is an inspection by somebody who cannot wait: it opens nothing.
func (j *Journal) look() {
	if j.inspecting.TryLock() { // otherwise the supervisor is at it
		_, err := j.diagnose()
		j.report(err)
		j.inspecting.Unlock()
	}
	j.kick()
}

// diagnose gives the session, if there is one, and what stands in the way of
// appends. A session that takes no more of them is ended.
func (j *Journal) diagnose() (*session, error) {
	s, err := j.readable()
	if err != nil {
		return nil, err
	}
	if err := s.broken(); err != nil {
		j.report(err) // first: whoever waits for the session asks for the reason next
		s.end()
		return s, err
	}
	return s, s.room()
}

// report makes err the journal's condition.
func (j *Journal) report(err error) {
	if !j.condition.set(err) || errors.Is(err, ErrClosed) {
		return
	}
	if err != nil {
		j.options.Logger.Error("journal: it takes no verdicts", "error", err)
	} else {
		j.options.Logger.Info("journal: it takes verdicts again")
	}
}

// longestWait is the longest time between two attempts to open a store again.
const longestWait = time.Minute

// mayReopen spaces such attempts: the first is made at once, the others later and
// later, until an append succeeds.
func (j *Journal) mayReopen() bool {
	now := time.Now()
	if stored := j.stored.Load(); stored != j.again.stored {
		j.again.stored, j.again.wait, j.again.at = stored, 0, now
	}
	if now.Before(j.again.at) {
		return false
	}
	j.again.wait = min(max(2*j.again.wait, j.options.retryEvery), longestWait)
	j.again.at = now.Add(j.again.wait)
	return true
}

// clearDoubt finds out whether a store that is not known to be broken works,
// after it has failed to acknowledge something.
func (j *Journal) clearDoubt(s *session) error {
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

// countEvery is how old the numbers of the state may be.
const countEvery = time.Second

// keepCount keeps the numbers of the state up to date, and the note on disk.
func (j *Journal) keepCount() {
	var noted uint64
	for pause(j.life, countEvery) == nil {
		s, err := j.readable()
		if err != nil {
			continue
		}
		s.count(j.life, j.condition)
		if synced := j.tail.synced(); j.directory != nil && synced != noted {
			j.note(note{Newest: synced})
			noted = synced
		}
	}
}

// count asks the server for the numbers.
func (s *session) count(ctx context.Context, c *condition) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	info, err := s.info(ctx)
	if err != nil {
		return
	}
	pictures, err := s.pictures.Status(ctx)
	if err != nil {
		return
	}
	c.update(func(state *State) {
		state.count(info)
		state.Bytes += pictures.Size()
	})
}

// info gives the numbers of the records' stream.
func (s *session) info(ctx context.Context) (jetstream.StreamState, error) {
	stream, err := s.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && stream.CachedInfo().Config.Metadata[idKey] != s.stream {
		s.replaced.Store(true)
		return jetstream.StreamState{}, s.broken()
	}
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
