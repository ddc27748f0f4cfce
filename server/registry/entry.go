package registry

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/media"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// entry is one source: what is kept of it, and what runs.
type entry struct {
	registry *Registry
	name     string
	log      *slog.Logger
	sink     *sink
	gone     atomic.Bool // it was removed

	changing sync.Mutex   // held by who starts, stops or changes the source
	owed     atomic.Int64 // an epoch that is used and could not be written down yet

	mu     sync.Mutex
	record *record // written with changing held too
	cancel context.CancelFunc
	done   chan struct{} // of the run; nil before the first
	life   life
}

// life is what the supervisor last said, and the counters of epochs that are over.
type life struct {
	state      streamvetv1.SourceState
	reason     string
	since      time.Time
	epoch      int
	lost       bool // it was connected, or tried, before
	source     *engine.Source
	info       *media.Info // of the last connection
	silent     bool
	connects   uint64
	frames     int64
	drops      map[string]int64
	lastError  string
	lastFault  time.Time
	next       time.Time
	left       []string // detectors that are asked for and not there
	unselected bool     // what went wrong last is that none is there
}

func newEntry(r *Registry, rec *record) *entry {
	e := &entry{registry: r, name: rec.name(), record: rec, log: r.log.With("source", rec.name())}
	e.sink = newSink(e)
	e.life = life{since: time.Now(), epoch: r.store.epochs.of(e.name), drops: map[string]int64{}}
	e.sink.relabel(rec.Config)
	return e
}

// takeUp goes on where the process before has ended; changing is held.
func (e *entry) takeUp() {
	if !e.registry.store.epochs.hasEnded(e.name) || e.record.Config.GetPaused() {
		e.start()
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.turn(streamvetv1.SourceState_SOURCE_STATE_ENDED, "")
}

// start begins to supervise, unless the source is paused; changing is held.
func (e *entry) start() {
	c := e.record.Config
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.GetPaused() {
		e.turn(streamvetv1.SourceState_SOURCE_STATE_PAUSED, "")
		return
	}
	ctx, cancel := context.WithCancel(e.registry.life)
	e.cancel, e.done = cancel, make(chan struct{})
	e.life.lost, e.life.next = false, time.Time{}
	e.turn(streamvetv1.SourceState_SOURCE_STATE_CONNECTING, "")
	e.sink.begin(ctx, media.ComesAtItsPace(c.GetUrl()))
	go func(done chan struct{}) {
		defer close(done)
		defer cancel()
		e.supervise(ctx, c)
	}(e.done)
}

// interrupt lets the run end; it does not wait.
func (e *entry) interrupt() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cancel != nil {
		e.cancel()
	}
}

// stop ends the run and waits for it; changing is held.
func (e *entry) stop() {
	e.interrupt()
	e.mu.Lock()
	done := e.done
	e.mu.Unlock()
	if done != nil {
		<-done
	}
}

func (e *entry) supervise(ctx context.Context, c *streamvetv1.SourceConfig) {
	err := e.registry.options.Engine.Supervise(ctx, e.sourceConfig(c), reconnect(c.GetReconnect()), e.tell)
	if err == nil && ctx.Err() == nil {
		if err := e.registry.store.epochs.ended(e.name); err != nil {
			e.log.Warn("that the source has ended could not be written down: it will be vetted again", "error", err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle()
	if ctx.Err() != nil {
		e.life.silent = false
		return // whoever ended it says what comes next
	}
	if err != nil && e.life.state != streamvetv1.SourceState_SOURCE_STATE_FAILED {
		e.fault(err)
		e.turn(streamvetv1.SourceState_SOURCE_STATE_FAILED, e.life.lastError)
	}
}

// sourceConfig is what the engine is told.
func (e *entry) sourceConfig(c *streamvetv1.SourceConfig) engine.SourceConfig {
	e.mu.Lock()
	epoch := e.life.epoch
	e.mu.Unlock()
	to := Input(c, e.registry.options.Reach)
	to.Name, to.Sink, to.Epoch, to.Renew = e.name, e.sink, epoch, e.renew
	to.Paced = e.registry.options.Paced
	return to
}

// renew readies the next connection: by now other detectors may be asked for.
func (e *entry) renew(c *engine.SourceConfig) error {
	e.mu.Lock()
	config := e.record.Config
	e.mu.Unlock()
	c.Waits, c.Drops = dropPolicy(config)
	selection, left, err := selectionOf(config.GetDetection(), e.registry.options.Engine.Detectors())
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.life.left = left
	e.mu.Unlock()
	c.Selection = selection
	e.owed.Store(int64(c.Epoch))
	if err := e.payEpoch(); err != nil {
		// The source must be watched all the same. Its verdicts wait until the epoch is
		// written down: see outbox.before.
		e.log.Error("the epoch of the source could not be written down yet", "epoch", c.Epoch, "error", err)
	}
	return nil
}

// payEpoch writes down the epoch that is used, if that is not done.
func (e *entry) payEpoch() error {
	owed := e.owed.Load()
	if owed == 0 {
		return nil
	}
	if err := e.registry.store.epochs.use(e.name, int(owed)); err != nil {
		return err
	}
	e.owed.CompareAndSwap(owed, 0)
	return nil
}

// tell takes a turn in the life of the source.
func (e *entry) tell(t engine.Turn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.life.epoch, e.life.next = t.Epoch, t.Retry
	if t.Reason != nil {
		e.fault(t.Reason)
	}
	switch t.Phase {
	case engine.Connecting:
		e.sink.connecting()
		if e.life.lost {
			e.turn(streamvetv1.SourceState_SOURCE_STATE_RECONNECTING, e.life.lastError)
		} else {
			e.turn(streamvetv1.SourceState_SOURCE_STATE_CONNECTING, "")
		}
	case engine.Running:
		info := t.Source.Info()
		e.life.source, e.life.info, e.life.silent = t.Source, &info, false
		e.life.connects++
		e.sink.connected(t.Source.Realtime(), t.Epoch)
		e.turn(streamvetv1.SourceState_SOURCE_STATE_RUNNING, "")
	case engine.Reconnecting:
		e.settle()
		e.life.lost = true
		e.turn(streamvetv1.SourceState_SOURCE_STATE_RECONNECTING, e.life.lastError)
	case engine.Failed:
		e.settle()
		e.turn(streamvetv1.SourceState_SOURCE_STATE_FAILED, e.life.lastError)
		e.sink.scores.ended()
	case engine.Ended:
		e.settle()
		e.turn(streamvetv1.SourceState_SOURCE_STATE_ENDED, "")
		e.sink.scores.ended()
	}
}

// turn notes a state; mu is held.
func (e *entry) turn(s streamvetv1.SourceState, reason string) {
	if e.life.state != s {
		e.life.since = time.Now()
		e.log.Info("source", "state", stateName(s), "epoch", e.life.epoch, "reason", reason)
	}
	e.life.state, e.life.reason = s, reason
	e.registry.watch.changed(e.name)
}

// fault notes what went wrong; mu is held.
func (e *entry) fault(err error) {
	text := err.Error()
	e.life.unselected = errors.Is(err, engine.ErrSelection)
	var refusal *engine.Refusal
	if errors.As(err, &refusal) {
		text = refusal.Error()
	}
	e.life.lastError, e.life.lastFault = scrub(e.record.Config, text), time.Now()
}

// settle adds up the counters of a connection that is over; mu is held.
func (e *entry) settle() {
	if e.life.source == nil {
		return
	}
	counts := e.life.source.Counts()
	e.life.frames += counts.Frames
	for d, n := range counts.Drops {
		e.life.drops[d] += n
	}
	e.life.source = nil
	e.sink.gallery.tell(func(o Onlooker) { o.Over(e.name) })
}
