package registry

import (
	"context"
	"sync"
	"time"
)

// watch tells watchers which sources have changed. It keeps names, not states:
// who is slow misses states in between, never the last one.
type watch struct {
	mu       sync.Mutex
	watchers map[*Watcher]struct{}
	closed   bool
}

// Watcher collects the names of sources that have changed.
type Watcher struct {
	watch *watch
	names map[string]struct{}
	order []string
	wake  chan struct{} // cap 1
}

// Watch begins to collect names: all sources that there are, first.
func (r *Registry) Watch() *Watcher {
	w := &Watcher{watch: &r.watch, names: map[string]struct{}{}, wake: make(chan struct{}, 1)}
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	if r.watch.watchers == nil {
		r.watch.watchers = map[*Watcher]struct{}{}
	}
	r.watch.watchers[w] = struct{}{}
	return w
}

// changed notes that something about a source is to be told.
func (w *watch) changed(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.watchers {
		if _, noted := one.names[name]; noted {
			continue
		}
		one.names[name] = struct{}{}
		one.order = append(one.order, name)
		poke(one.wake)
	}
}

func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for one := range w.watchers {
		poke(one.wake)
	}
}

// Next gives the names of sources that have changed since the call before; it
// waits for some. It fails with ErrClosed when the registry closes, and ctx's error.
func (w *Watcher) Next(ctx context.Context) ([]string, error) {
	for {
		w.watch.mu.Lock()
		names, closed := w.order, w.watch.closed
		w.order = nil
		clear(w.names)
		w.watch.mu.Unlock()
		if closed {
			return nil, ErrClosed
		}
		if len(names) > 0 {
			return names, nil
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close ends the collecting.
func (w *Watcher) Close() {
	w.watch.mu.Lock()
	defer w.watch.mu.Unlock()
	delete(w.watch.watchers, w)
}

// How often sources are looked at for silence, and how often counters are told.
const (
	lookEvery  = 250 * time.Millisecond
	countEvery = time.Second
	// stallAfter is how long a source is silent before it counts as stalled.
	stallAfter = 2 * time.Second
)

// tick looks at all that run until the registry closes.
func (r *Registry) tick() {
	defer close(r.ticking)
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for n := 1; ; n++ {
		select {
		case <-t.C:
			r.look(n%int(countEvery/lookEvery) == 0)
		case <-r.life.Done():
			return
		}
	}
}

func (r *Registry) look(count bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, e := range r.entries {
		e.look(count)
	}
}

// look notices when the source falls silent or comes again.
func (e *entry) look(count bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.life.source == nil {
		return
	}
	silent := e.life.source.Realtime() && e.life.source.Silent() > e.patience()
	if silent != e.life.silent {
		e.life.silent, e.life.since = silent, time.Now()
		e.log.Info("source", "state", stateName(e.state()), "epoch", e.life.epoch)
	} else if !count {
		return
	}
	e.registry.watch.changed(e.name)
}

// patience is how long the source may be silent; mu is held.
func (e *entry) patience() time.Duration {
	if t := e.record.Config.GetStallTimeout(); t != nil {
		return min(stallAfter, t.AsDuration()/2)
	}
	return stallAfter
}
