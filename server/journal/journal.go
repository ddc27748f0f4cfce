package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Journal is a durable log of verdicts. Its methods may be called from any
// goroutine.
type Journal struct {
	options   Options
	directory *directory // nil for a cluster
	condition *condition
	tail      *tail
	holes     holes
	unclean   bool // the process before this one did not close the journal

	queue    chan *pending
	appended chan struct{}   // closed when no append is on its way any more
	life     context.Context // until Close
	end      context.CancelFunc
	wake     chan struct{}
	work     sync.WaitGroup
	once     sync.Once

	stored     atomic.Uint64 // how many appends were acknowledged
	inspecting sync.Mutex    // one look at what is wrong at a time
	again      struct {      // when a store is opened again
		stored uint64
		wait   time.Duration
		at     time.Time
	}
	mu      sync.RWMutex
	session *session // nil while there is none
}

// Open opens the journal that the options name, or begins it. It fails with
// ErrLocked, ErrNewer or ErrDamaged, and with ErrFull, ErrReadOnly or
// ErrUnavailable where it cannot even read; what goes wrong later is a State.
func Open(ctx context.Context, o Options) (*Journal, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	j := &Journal{
		options:   o,
		condition: newCondition(),
		tail:      newTail(o.tailRecords, tailBytes),
		queue:     make(chan *pending, queueLength),
		appended:  make(chan struct{}),
		wake:      make(chan struct{}, 1),
	}
	j.life, j.end = context.WithCancel(context.Background())
	if o.Dir != "" {
		if j.directory, err = openDirectory(o.Dir); err != nil {
			return nil, err
		}
	}
	if err := j.begin(ctx); err != nil {
		if j.directory != nil {
			j.directory.close()
		}
		return nil, err
	}
	j.inspect()
	if j.unclean {
		j.work.Go(j.readAll)
	}
	j.work.Go(j.appendGroups)
	j.work.Go(j.supervise)
	j.work.Go(j.keepCount)
	return j, nil
}

// begin opens a session and makes it the journal's.
func (j *Journal) begin(ctx context.Context) error {
	s, err := openSession(ctx, j.options, j.kick)
	if err != nil {
		return err
	}
	if j.directory != nil {
		if err := j.directory.begun(); err != nil {
			s.close()
			return err
		}
	}
	j.takeStock(ctx, s)
	synced := uint64(everything)
	if j.options.URL == "" {
		synced = s.state.LastSeq
	}
	s.startTail(j.tail, j.tail.resume(s.state.LastSeq, synced), j.decode)
	j.mu.Lock()
	j.session = s
	j.mu.Unlock()
	return nil
}

// takeStock compares what a session found with what is known to have been there,
// and reports what was lost.
func (j *Journal) takeStock(ctx context.Context, s *session) {
	if j.directory != nil {
		last := j.directory.note()
		j.unclean = !last.Closed
		if last.Newest > s.state.LastSeq {
			// Their sequences will be given again, to other records.
			j.options.Logger.Error("journal: its newest records were damaged on disk and are gone; it has a new id",
				"first", s.state.LastSeq+1, "last", last.Newest)
			j.condition.update(func(state *State) { state.Lost += last.Newest - s.state.LastSeq })
			j.holes.forget(s.state.LastSeq)
			s.renew(ctx)
		}
		j.note(note{Newest: s.state.LastSeq})
	}
	j.condition.update(func(state *State) {
		state.ID = s.id
		state.count(s.state)
	})
	for _, n := range s.state.Deleted {
		if n > 0 { // which an empty stream counts
			j.lost(n, n)
		}
	}
}

// lost notes records in the journal's midst that cannot be read.
func (j *Journal) lost(first, last uint64) {
	more := j.holes.add(first, last)
	if more == 0 {
		return
	}
	j.options.Logger.Error("journal: records in its midst were damaged on disk and are gone", "first", first, "last", last)
	j.condition.update(func(state *State) { state.Lost += more })
}

// readable gives the session to read with.
func (j *Journal) readable() (*session, error) {
	if j.life.Err() != nil {
		return nil, ErrClosed
	}
	j.mu.RLock()
	s := j.session
	j.mu.RUnlock()
	if s == nil {
		_, trouble, _ := j.condition.get()
		return nil, classify(errors.Join(errors.New("it cannot be read"), trouble))
	}
	return s, nil
}

// writable gives the session to append with, or what stands in the way.
func (j *Journal) writable() (*session, error) {
	s, err := j.readable()
	if err != nil {
		return nil, err
	}
	if _, trouble, _ := j.condition.get(); trouble != nil {
		return nil, trouble
	}
	if err := s.room(); err != nil {
		j.kick()
		return nil, err
	}
	return s, nil
}

// State says how the journal is; its numbers are a second old at most.
func (j *Journal) State() State {
	state, _, _ := j.condition.get()
	if newest := j.tail.seen(); newest > state.Latest {
		state.Latest = newest
	}
	return state
}

// Changed gives a channel that is closed when the status changes next.
func (j *Journal) Changed() <-chan struct{} {
	_, _, changed := j.condition.get()
	return changed
}

// Close stores what was appended already and ends the journal and its followers.
// It may be called again.
func (j *Journal) Close() error {
	var err error
	j.once.Do(func() {
		j.end()
		j.work.Wait()
		j.condition.set(ErrClosed)
		j.mu.Lock()
		s := j.session
		j.session = nil
		j.mu.Unlock()
		if s != nil {
			s.close()
		}
		if j.directory != nil {
			j.note(note{Newest: j.tail.synced(), Closed: true})
			if e := j.directory.close(); e != nil {
				err = fmt.Errorf("journal: close: %w", e)
			}
		}
	})
	return err
}

// note is a help to find damage, not more: it may fail.
func (j *Journal) note(n note) {
	if err := j.directory.writeNote(n); err != nil {
		j.options.Logger.Debug("journal: write its note", "error", err)
	}
}
