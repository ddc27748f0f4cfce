package livetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// witness writes down what becomes of a source, and lets a test wait for it.
type witness struct {
	mu       sync.Mutex
	news     chan struct{} // closed when something has happened
	turns    []engine.Turn
	verdicts []*streamvetv1.Verdict
	scores   map[int]int // how often scores came, by epoch
}

func newWitness() *witness {
	return &witness{news: make(chan struct{}), scores: map[int]int{}}
}

func (w *witness) note(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	close(w.news)
	w.news = make(chan struct{})
}

func (w *witness) tell(t engine.Turn) { w.note(func() { w.turns = append(w.turns, t) }) }

func (w *witness) Verdict(v *streamvetv1.Verdict) {
	w.note(func() { w.verdicts = append(w.verdicts, v) })
}

func (w *witness) Scores(int, []verdict.Score) { w.note(func() { w.scores[w.epoch()]++ }) }
func (w *witness) Waveform(int, []sound.Peak)  {}

// epoch, phase and has are for the conditions of await.
func (w *witness) epoch() int {
	if len(w.turns) == 0 {
		return 0
	}
	return w.turns[len(w.turns)-1].Epoch
}

func (w *witness) phase() engine.Phase {
	if len(w.turns) == 0 {
		return 0
	}
	return w.turns[len(w.turns)-1].Phase
}

func (w *witness) has(d verdict.Defect, s streamvetv1.State) bool { return w.count(d, s) > 0 }

func (w *witness) count(d verdict.Defect, s streamvetv1.State) (n int) {
	for _, v := range w.verdicts {
		if v.Defect == string(d) && v.State == s {
			n++
		}
	}
	return n
}

const raised, cleared = streamvetv1.State_STATE_RAISED, streamvetv1.State_STATE_CLEARED

// patience is for machines with much else to do; nothing that works takes so long.
const patience = 2 * time.Minute

// await waits until it is so.
func (w *witness) await(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		w.mu.Lock()
		ok, news := so(), w.news
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-news:
		case <-late.C:
			t.Fatalf("waited in vain: %s\n%s", what, w)
		}
	}
}

// String tells what happened, for the report of a test that failed.
func (w *witness) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, t := range w.turns {
		fmt.Fprintf(&b, "epoch %d %v: %v\n", t.Epoch, t.Phase, t.Reason)
	}
	for _, v := range w.verdicts {
		fmt.Fprintf(&b, "%s %s %s %v-%v\n", v.Id, v.Defect, v.State, v.Start.AsDuration(), v.End.AsDuration())
	}
	fmt.Fprintf(&b, "scores by epoch: %v", w.scores)
	return b.String()
}

// open lists what was raised and never cleared.
func (w *witness) open() map[string]bool {
	open := map[string]bool{}
	for _, v := range w.verdicts {
		if v.State == cleared {
			delete(open, v.Id)
		} else {
			open[v.Id] = true
		}
	}
	return open
}

func (w *witness) stalls(s streamvetv1.State) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count(verdict.Stall, s)
}

// last is the epoch at hand, and seen how often scores came in one.
func (w *witness) last() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.epoch()
}

func (w *witness) seen(epoch int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.scores[epoch]
}

// soon is a policy for tests: they have no time to wait.
var soon = engine.Reconnect{Initial: 100 * time.Millisecond, Max: 400 * time.Millisecond, Jitter: 0.2}

// watch supervises a source until the stop that it gives, which tells the error.
func watch(t *testing.T, e *engine.Engine, c engine.SourceConfig) (w *witness, stop func() error) {
	t.Helper()
	w = newWitness()
	c.Sink = w
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- e.Supervise(ctx, c, soon, w.tell) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-over
	})
	t.Cleanup(func() { stop() })
	return w, stop
}

// openEngine opens an engine with these detectors; a second of silence is a stall.
func openEngine(t *testing.T, names ...string) *engine.Engine {
	t.Helper()
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	var wanted []models.Detector
	for _, d := range set.Detectors() {
		for _, n := range names {
			if d.Name != n {
				continue
			}
			if n == "stall" {
				d.Params = map[string]float64{"seconds": 1}
			}
			wanted = append(wanted, d)
		}
	}
	e, err := engine.Open(engine.Config{Detectors: wanted, Device: "cpu", DecoderThreads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close the engine: %v", err)
		}
	})
	return e
}
