package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
	"github.com/streamvet/streamvet/server/reach"
)

// What a caller tells apart, with errors.Is. An address that may not be read from
// is reach.ErrRefused.
var (
	ErrExists   = errors.New("there is a source of that name already")
	ErrUnknown  = errors.New("there is no source of that name")
	ErrRevision = errors.New("the source has changed since")
	ErrFromFile = errors.New("the configuration file declares the source: change it there")
	ErrCapacity = errors.New("the server takes no more sources: remove one, or raise the limit")
	ErrInvalid  = errors.New("the configuration makes no sense")
	ErrClosed   = errors.New("the server ends")
	// ErrNewer: a newer version of streamvet wrote the state directory.
	ErrNewer = errors.New("the sources were written by a newer version: start that one, or name another state directory")
	// ErrLocked: another process has the directory.
	ErrLocked = errors.New("the directory is in use by another process: stop it, or name another state directory")
)

// Options are what a registry works with; all but MaxSources and Logger are needed.
type Options struct {
	Engine  *engine.Engine
	Journal Journal
	// Dir is where configurations and epochs are kept. It belongs to one process at a time.
	Dir   string
	Reach *reach.Policy
	// MaxSources is how many sources there may be; 0: no limit.
	MaxSources int
	// Paced lets files come no faster than they play, as live sources do; for tests.
	Paced  bool
	Logger *slog.Logger
}

// Journal is what a registry needs of *journal.Journal.
type Journal interface {
	// Append stores a verdict durably; doing it again stores it once.
	Append(context.Context, *streamvetv1.Verdict) (sequence uint64, err error)
	// State says how the journal is, and Changed is closed when that changes.
	State() journal.State
	Changed() <-chan struct{}
	// Latest is the newest record of a verdict.
	Latest(ctx context.Context, source, id string) (journal.Record, error)
}

// Registry is the sources of a server. Its methods may be called from any goroutine.
type Registry struct {
	options Options
	log     *slog.Logger
	store   *store
	watch   watch
	gallery gallery
	life    context.Context // until Close
	end     context.CancelFunc
	flushes sync.WaitGroup  // outboxes of sources that are gone
	storing context.Context // until Close waits no more for what is stored
	giveUp  context.CancelFunc
	ticking chan struct{} // closed when the ticker has ended

	declaring sync.Mutex // one Declare at a time
	mu        sync.RWMutex
	entries   map[string]*entry
	closed    bool
}

// Open takes up the sources that the directory has, and connects them.
func Open(o Options) (*Registry, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := openStore(o.Dir, o.Logger)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	r := &Registry{options: o, log: o.Logger, store: s, entries: map[string]*entry{}, ticking: make(chan struct{})}
	r.life, r.end = context.WithCancel(context.Background())
	r.storing, r.giveUp = context.WithCancel(context.Background())
	for _, record := range s.records() {
		e := newEntry(r, record)
		r.entries[record.name()] = e
		e.changing.Lock()
		e.takeUp()
		e.changing.Unlock()
	}
	r.flushes.Go(func() { r.clearStale(r.life) })
	go r.tick()
	return r, nil
}

// Close stops every source, stores what they found, and waits for that until ctx
// ends. It may be called again.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	entries := r.sorted()
	r.mu.Unlock()
	r.end()
	<-r.ticking
	r.watch.close()
	for _, e := range entries {
		e.interrupt()
	}
	for _, e := range entries {
		e.changing.Lock()
		e.stop()
		e.sink.outbox.finish()
		e.sink.scores.close()
		e.changing.Unlock()
	}
	defer context.AfterFunc(ctx, r.giveUp)()
	lost := uint64(0)
	for _, e := range entries {
		lost += e.sink.outbox.flush(ctx)
	}
	r.flushes.Wait()
	r.giveUp()
	err := r.store.close()
	if lost > 0 {
		err = errors.Join(err, fmt.Errorf("%d verdicts could not be stored: the journal is %v", lost, r.options.Journal.State().Status))
	}
	if err != nil {
		return fmt.Errorf("registry: close: %w", err)
	}
	return nil
}

// Add takes in a source and begins to connect it.
func (r *Registry) Add(c *streamvetv1.SourceConfig) (*streamvetv1.Source, error) {
	return r.add(c, false)
}

func (r *Registry) add(c *streamvetv1.SourceConfig, fromFile bool) (*streamvetv1.Source, error) {
	c, err := restored(c, nil)
	if err == nil {
		err = r.check(c)
	}
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", c.GetName(), err)
	}
	e := newEntry(r, newRecord(c, fromFile, time.Now()))
	e.changing.Lock()
	defer e.changing.Unlock()
	if err := r.claim(e); err != nil {
		return nil, fmt.Errorf("source %s: %w", c.GetName(), err)
	}
	if err := r.store.save(e.record); err != nil {
		r.forget(e)
		return nil, fmt.Errorf("source %s: keep it: %w", c.GetName(), err)
	}
	e.start()
	r.watch.changed(e.name)
	return e.source(), nil
}

// claim gives the entry its name.
func (r *Registry) claim(e *entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch _, taken := r.entries[e.name]; {
	case r.closed:
		return ErrClosed
	case taken:
		return ErrExists
	case r.options.MaxSources > 0 && len(r.entries) >= r.options.MaxSources:
		return fmt.Errorf("%w (%d)", ErrCapacity, r.options.MaxSources)
	}
	r.entries[e.name] = e
	return nil
}

func (r *Registry) forget(e *entry) {
	r.mu.Lock()
	delete(r.entries, e.name)
	r.mu.Unlock()
	e.gone.Store(true)
	r.watch.changed(e.name)
}

// Remove stops a source, clears its open verdicts, and forgets it. It returns when
// that is stored, or, while the journal does not take verdicts, when it waits to be.
func (r *Registry) Remove(ctx context.Context, name string) error { return r.remove(ctx, name, false) }

func (r *Registry) remove(ctx context.Context, name string, fromFile bool) error {
	e, err := r.hold(name)
	if err != nil {
		return fmt.Errorf("source %s: %w", name, err)
	}
	defer e.changing.Unlock()
	if e.record.FromFile && !fromFile {
		return fmt.Errorf("source %s: %w", name, ErrFromFile)
	}
	if err := r.store.remove(name); err != nil {
		return fmt.Errorf("source %s: forget it: %w", name, err)
	}
	e.stop()
	e.sink.scores.close()
	e.sink.outbox.finish()
	if r.options.Journal.State().Status == journal.OK {
		e.sink.outbox.wait(ctx)
	}
	r.flushes.Go(func() {
		e.sink.outbox.flush(r.storing)
		r.store.epochs.free(name)
	})
	r.forget(e)
	return nil
}

// hold gives a source that nobody else changes until its changing is unlocked.
func (r *Registry) hold(name string) (*entry, error) {
	e, err := r.get(name)
	if err != nil {
		return nil, err
	}
	e.changing.Lock()
	if e.gone.Load() {
		e.changing.Unlock()
		return nil, ErrUnknown
	}
	if r.life.Err() != nil {
		e.changing.Unlock()
		return nil, ErrClosed
	}
	return e, nil
}

func (r *Registry) get(name string) (*entry, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e, ok := r.entries[name]; ok {
		return e, nil
	}
	return nil, ErrUnknown
}

// Get gives a source as it is now.
func (r *Registry) Get(name string) (*streamvetv1.Source, error) {
	e, err := r.get(name)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", name, err)
	}
	return e.source(), nil
}

// List gives the sources that pass the filter, by name, from the first one behind
// after on; at most limit, and whether there may be more.
func (r *Registry) List(f *streamvetv1.SourceFilter, after string, limit int) (page []*streamvetv1.Source, more bool) {
	r.mu.RLock()
	all := r.sorted()
	r.mu.RUnlock()
	for _, e := range all {
		if e.name <= after {
			continue
		}
		s := e.source()
		if !Passes(s, f) {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, s)
	}
	return page, false
}

// sorted gives the entries by name; mu is held.
func (r *Registry) sorted() []*entry {
	all := make([]*entry, 0, len(r.entries))
	for _, e := range r.entries {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int { return strings.Compare(a.name, b.name) })
	return all
}

// Left is how many more sources there may be; false where there is no limit.
func (r *Registry) Left() (int, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return max(0, r.options.MaxSources-len(r.entries)), r.options.MaxSources > 0
}

// Passes tells whether a source passes a filter.
func Passes(s *streamvetv1.Source, f *streamvetv1.SourceFilter) bool {
	for k, want := range f.GetLabels() {
		if has, ok := s.GetConfig().GetLabels()[k]; !ok || has != want {
			return false
		}
	}
	return len(f.GetStates()) == 0 || slices.Contains(f.GetStates(), s.GetStatus().GetState())
}
