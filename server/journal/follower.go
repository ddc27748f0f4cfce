package journal

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// Follower gives records in order, each once, and waits for new ones. One
// goroutine at a time may call Next or Poll; the other methods are free.
type Follower struct {
	journal *Journal
	id      string // of the journal that it follows
	filter  Filter
	pattern string
	pick    func(Record) bool
	from    time.Time // the first record must not have been stored before
	kept    uint64    // the oldest one when it began; before lies a gap

	mu      sync.Mutex
	next    uint64    // everything before was given, was filtered out, or is gone
	batch   []message // read from disk and not given yet
	upto    uint64    // where to go on behind the batch
	live    bool      // there was nothing more, the last time
	closed  chan struct{}
	closing sync.Once
}

// Follow gives the records from a position on that filter lets through. It fails
// with ErrAhead if a sequence is beyond the next record's.
func (j *Journal) Follow(ctx context.Context, from Position, filter Filter) (*Follower, error) {
	s, err := j.readable()
	if err != nil {
		return nil, fmt.Errorf("journal: follow: %w", err)
	}
	next, err := j.resolve(ctx, s, from)
	if err != nil {
		return nil, fmt.Errorf("journal: follow: %w", err)
	}
	f := &Follower{
		journal: j, id: j.State().ID, filter: filter, pattern: filter.pattern(),
		next: next, upto: next, closed: make(chan struct{}),
	}
	f.pick = f.wants
	switch from.at {
	case atTime:
		f.from = from.time
	case atSequence:
		newest, err := j.newest(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("journal: follow: %w", err)
		}
		if next > newest+1 {
			return nil, fmt.Errorf("journal: follow from %d: %w (%d)", next, ErrAhead, newest+1)
		}
		first, err := j.resolve(ctx, s, FromStart())
		if err != nil {
			return nil, fmt.Errorf("journal: follow: %w", err)
		}
		f.kept = first
	}
	return f, nil
}

// Reached is the sequence up to which everything was given, was filtered out or
// is gone. To resume, follow from the next one.
func (f *Follower) Reached() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next - 1
}

// Live says that there was nothing more when Next last looked.
func (f *Follower) Live() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.live
}

// Close ends the follower: Next gives io.EOF. It may be called again.
func (f *Follower) Close() error {
	f.closing.Do(func() { close(f.closed) })
	return nil
}

// JournalID names the journal that is followed, as in State.
func (f *Follower) JournalID() string { return f.id }

// Next gives the next record. While the journal cannot be read, it waits.
//
// It fails with a *Gap, once for each, where records are gone; with ErrReplaced
// if the journal's sequences began anew; with ErrClosed when the journal closes,
// io.EOF when the follower does, and ctx's error. After a *Gap and after ctx's
// error it can be called again.
func (f *Follower) Next(ctx context.Context) (Record, error) {
	for {
		r, wait, err := f.Poll(ctx)
		if err != nil || r.Verdict != nil {
			return r, err
		}
		if wait == nil {
			continue
		}
		select {
		case <-wait:
		case <-f.closed:
		case <-f.journal.life.Done():
		case <-ctx.Done():
		}
	}
}

// Poll gives the next record, or, without one, a channel that is closed when there
// may be more; or neither, if it only came further: call it again. It fails as
// Next does, and waits for nothing but the disk.
func (f *Follower) Poll(ctx context.Context) (r Record, wait <-chan struct{}, err error) {
	select {
	case <-f.closed:
		return Record{}, nil, io.EOF
	case <-f.journal.life.Done():
		return Record{}, nil, fmt.Errorf("journal: follow: %w", ErrClosed)
	case <-ctx.Done():
		return Record{}, nil, ctx.Err()
	default:
	}
	if id := f.journal.State().ID; id != f.id {
		return Record{}, nil, fmt.Errorf("journal: follow: %w", ErrReplaced)
	}
	return f.step(ctx)
}

// step gives a record, or an error, or what to wait for, or nothing of these if
// it only came further.
func (f *Follower) step(ctx context.Context) (Record, <-chan struct{}, error) {
	if gap := (Gap{First: f.next, Last: f.kept - 1}); f.next < f.kept {
		f.upto = f.kept
		f.set(f.kept, false)
		return Record{}, nil, &gap
	}
	if len(f.batch) > 0 || f.upto > f.next {
		r, err := f.unpack()
		return r, nil, err
	}
	r, next, more, onDisk := f.journal.tail.since(f.next, f.pick)
	if onDisk {
		f.set(f.next, false)
		wait, err := f.read(ctx, next)
		return Record{}, wait, err
	}
	if err := f.advance(next); err != nil {
		return Record{}, nil, err
	}
	f.set(next, r.Verdict == nil)
	return r, more, nil
}

// wants tells whether r passes. A clock that jumps back later does not matter.
func (f *Follower) wants(r Record) bool {
	if !f.filter.matches(r.Verdict) || r.Stored.Before(f.from) {
		return false
	}
	f.from = time.Time{}
	return true
}

// unpack gives the next record of the batch that passes.
func (f *Follower) unpack() (Record, error) {
	for len(f.batch) > 0 {
		m := f.batch[0]
		if err := f.advance(m.sequence); err != nil {
			return Record{}, err
		}
		f.batch = f.batch[1:]
		f.set(m.sequence+1, false)
		if r := f.journal.decode(m); f.wants(r) {
			return r, nil
		}
	}
	f.batch = nil
	if err := f.advance(f.upto); err != nil {
		return Record{}, err
	}
	f.set(f.upto, false)
	return Record{}, nil
}

// advance tells of the damaged records between here and upto.
func (f *Follower) advance(upto uint64) error {
	first, last, ok := f.journal.holes.between(f.next, upto)
	if !ok {
		return nil
	}
	f.set(last+1, false)
	return &Gap{First: first, Last: last, Damage: true}
}

// read takes the next records before upto from disk, and tells of those that
// retention took. Where the journal cannot be read, it gives what to wait for.
func (f *Follower) read(ctx context.Context, upto uint64) (<-chan struct{}, error) {
	var found []message
	var next, first uint64
	s, err := f.journal.readable()
	if err == nil {
		found, next, first, err = f.journal.read(ctx, s, f.next, upto, f.pattern)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f.journal.options.Logger.Debug("journal: a follower waits", "error", err)
		return soon(f.journal.options.retryEvery), nil
	}
	f.batch, f.upto = found, next
	if len(found) > 0 {
		first = min(first, found[0].sequence)
	}
	if first <= f.next {
		return nil, nil
	}
	gap := &Gap{First: f.next, Last: first - 1}
	f.upto = max(f.upto, first)
	f.set(first, false)
	return nil, gap
}

// soon gives a channel that is closed after d.
func soon(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	time.AfterFunc(d, func() { close(c) })
	return c
}

func (f *Follower) set(next uint64, live bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next, f.live = next, live
}
