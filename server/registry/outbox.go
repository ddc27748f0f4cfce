package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
)

// What may wait for the journal, for each source.
const (
	outboxVerdicts = 4096
	outboxPictures = 8 << 20 // bytes; beyond, verdicts wait without their pictures
)

// outbox brings the verdicts of one source to the journal, in order, and holds
// them while that takes none. When it is full, a source that can wait waits;
// that of a live one merges states of the same verdict, and what cannot be merged
// any more is lost, counted and told.
type outbox struct {
	journal Journal
	log     *slog.Logger
	before  func() error // must succeed before a verdict is stored
	stored  func(*streamvetv1.Verdict)
	changed func()      // its trouble has
	live    atomic.Bool // does not wait

	mu       sync.Mutex
	queue    []*streamvetv1.Verdict
	running  bool // verdicts are on their way
	flying   bool // the first of the queue is
	pictures int  // bytes of them in the queue
	trouble  string
	lost     uint64
	finished bool

	room  chan struct{} // cap 1: there is room
	empty chan struct{} // closed when it has finished and all is stored, or given up
	life  context.Context
	halt  context.CancelFunc
}

func newOutbox(j Journal, log *slog.Logger, before func() error, stored func(*streamvetv1.Verdict), changed func()) *outbox {
	o := &outbox{
		journal: j, log: log, before: before, stored: stored, changed: changed,
		room: make(chan struct{}, 1), empty: make(chan struct{}),
	}
	o.life, o.halt = context.WithCancel(context.Background())
	return o
}

// put takes a verdict, which is the outbox's from then on. ctx ends the waiting:
// then it is taken all the same.
func (o *outbox) put(ctx context.Context, v *streamvetv1.Verdict) {
	for {
		o.mu.Lock()
		if len(o.queue) < outboxVerdicts || ctx.Err() != nil && len(o.queue) < 2*outboxVerdicts {
			o.push(v)
			o.mu.Unlock()
			return
		}
		if ctx.Err() != nil || o.live.Load() {
			o.squeeze(v)
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		select {
		case <-o.room:
		case <-ctx.Done():
		}
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// push appends, and lets verdicts be on their way; mu is held.
func (o *outbox) push(v *streamvetv1.Verdict) {
	if n := len(v.GetEvidence().GetData()); o.pictures+n > outboxPictures {
		v.Evidence = nil
	} else {
		o.pictures += n
	}
	o.queue = append(o.queue, v)
	if !o.running && !o.finished {
		o.running = true
		go o.run()
	}
}

// squeeze makes room for a verdict in a full queue, by merging what is told of
// one verdict, or loses it; mu is held.
func (o *outbox) squeeze(v *streamvetv1.Verdict) {
	before := len(o.queue)
	o.queue = o.merged(append(o.queue, v))
	if len(o.queue) > before {
		o.queue = o.queue[:before]
		o.lost++
		o.log.Error("a verdict is lost: the journal takes none, and there is no more room to wait", "id", v.GetId(), "state", v.GetState(), "lost", o.lost)
	}
}

// merged leaves out the updates that a later state of the same verdict overtakes,
// and, where that does not help, the raised states of those that are cleared: a
// cleared verdict says all of it.
func (o *outbox) merged(queue []*streamvetv1.Verdict) []*streamvetv1.Verdict {
	for _, state := range []streamvetv1.State{streamvetv1.State_STATE_UPDATED, streamvetv1.State_STATE_RAISED} {
		later := map[string]streamvetv1.State{}
		keep := make([]bool, len(queue))
		for i := len(queue) - 1; i >= 0; i-- {
			v := queue[i]
			after, overtaken := later[v.GetId()]
			flying := i == 0 && o.flying
			keep[i] = flying || v.GetState() != state || !overtaken ||
				state == streamvetv1.State_STATE_RAISED && after != streamvetv1.State_STATE_CLEARED
			if keep[i] {
				later[v.GetId()] = v.GetState()
			}
		}
		i := -1
		queue = slices.DeleteFunc(queue, func(v *streamvetv1.Verdict) bool {
			if i++; !keep[i] {
				o.pictures -= len(v.GetEvidence().GetData())
			}
			return !keep[i]
		})
		if len(queue) < outboxVerdicts {
			break
		}
	}
	return queue
}

// finish says that nothing more will be put. Once.
func (o *outbox) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finished = true
	if !o.running {
		close(o.empty)
	}
}

// wait waits until all is stored, after finish, or ctx ends.
func (o *outbox) wait(ctx context.Context) {
	select {
	case <-o.empty:
	case <-ctx.Done():
	}
}

// flush waits likewise, then gives up and tells how many verdicts are lost.
func (o *outbox) flush(ctx context.Context) uint64 {
	o.wait(ctx)
	o.halt()
	<-o.empty
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost
}

// waiting is how many verdicts wait, why, and how many are lost.
func (o *outbox) waiting() (n int, trouble string, lost uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue), o.trouble, o.lost
}

// run stores what waits, until nothing does or the outbox is halted.
func (o *outbox) run() {
	for {
		o.mu.Lock()
		if len(o.queue) == 0 {
			o.queue, o.running = nil, false
			if o.finished {
				close(o.empty)
			}
			o.mu.Unlock()
			return
		}
		o.flying = true
		v := o.queue[0]
		o.mu.Unlock()
		err := o.append(v)
		if err == nil {
			o.stored(v)
		}
		o.mu.Lock()
		o.sent(v, err)
		o.mu.Unlock()
		poke(o.room)
	}
}

// sent takes the first verdict out of the queue; mu is held.
func (o *outbox) sent(v *streamvetv1.Verdict, err error) {
	o.flying = false
	switch {
	case err != nil && o.life.Err() != nil:
		o.lost += uint64(len(o.queue))
		o.queue = nil
		return
	case err != nil:
		o.lost++
		o.log.Error("a verdict is lost: the journal does not take it", "id", v.GetId(), "error", err)
	}
	o.pictures -= len(v.GetEvidence().GetData())
	o.queue[0] = nil
	o.queue = o.queue[1:]
}

// How long to wait before the journal is asked again, if its state does not change.
const firstPause, longestPause = 50 * time.Millisecond, 2 * time.Second

// append stores a verdict, however long that takes; the error is why it never will be.
func (o *outbox) append(v *streamvetv1.Verdict) error {
	ctx := o.life
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		changed := o.journal.Changed()
		err := o.before()
		if err == nil {
			_, err = o.journal.Append(ctx, v)
		}
		if err == nil || errors.Is(err, journal.ErrInvalid) || errors.Is(err, journal.ErrClosed) {
			o.tell("")
			return err
		}
		o.tell(err.Error())
		t := time.NewTimer(pause)
		select {
		case <-changed:
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		t.Stop()
	}
}

func (o *outbox) tell(trouble string) {
	o.mu.Lock()
	same := (trouble == "") == (o.trouble == "")
	o.trouble = trouble
	o.mu.Unlock()
	if !same {
		o.changed()
	}
}
