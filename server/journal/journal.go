package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

	records  *appender
	pictures *appender
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
		wake:      make(chan struct{}, 1),
	}
	j.records, j.pictures = newAppender(j, j.recorded), newAppender(j, nil)
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
	j.work.Go(j.records.run)
	j.work.Go(j.pictures.run)
	j.work.Go(j.supervise)
	j.work.Go(j.keepCount)
	return j, nil
}

// begin opens a session and makes it the journal's.
func (j *Journal) begin(ctx context.Context) error {
	if j.directory != nil && !j.directory.note().Closed {
		j.unclean = true
		if err := syncFiles(j.directory.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("journal: sync what was left: %w", classify(err))
		}
	}
	s, err := openSession(ctx, j.options, j.kick)
	if err != nil {
		return err
	}
	synced := uint64(everything)
	if j.directory != nil {
		if err := j.directory.begun(); err != nil {
			s.close()
			return err
		}
		synced = s.state.LastSeq
		j.compare(ctx, s)
	}
	j.condition.update(func(state *State) {
		state.ID = s.id
		state.count(s.state)
	})
	for _, gone := range ranges(s.state.Deleted) {
		j.lost(gone[0], gone[1])
	}
	s.startTail(j.tail, j.tail.resume(s.state.LastSeq, synced), j.decode)
	j.mu.Lock()
	j.session = s
	j.mu.Unlock()
	return nil
}

// compare finds out by the note whether the newest records are gone, and writes
// another note.
func (j *Journal) compare(ctx context.Context, s *session) {
	newest := s.state.LastSeq
	if noted := j.directory.note().Newest; noted > newest {
		// Their sequences will be given again, to other records.
		j.options.Logger.Error("journal: its newest records were damaged on disk and are gone; it has a new id",
			"first", newest+1, "last", noted)
		j.condition.update(func(state *State) { state.Lost += noted - newest })
		j.holes.forget(newest)
		s.renew(ctx)
	}
	j.note(note{Newest: newest})
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
		if _, trouble, _ := j.condition.get(); trouble != nil {
			return nil, trouble
		}
		return nil, fmt.Errorf("%w: it is being opened again", ErrUnavailable)
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

// Close waits for the appends that are on their way to the disk, fails those that
// still wait, and ends the journal and its followers. It may be called again.
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
