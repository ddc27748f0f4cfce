package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// server sends a file to each who connects, and hangs up; while it is shut, it
// hangs up at once, and while it holds, it does not hang up but sends nothing more.
type server struct {
	url   string
	shut  atomic.Bool
	hold  atomic.Bool
	calls atomic.Int64
}

func serve(t *testing.T, path string) *server {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{url: fmt.Sprintf("tcp://%s", l.Addr())}
	var calls sync.WaitGroup
	calls.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.calls.Add(1)
			calls.Go(func() {
				if !s.shut.Load() {
					c.Write(data)
				}
				if s.hold.Load() {
					io.Copy(io.Discard, c)
				}
				c.Close()
			})
		}
	})
	t.Cleanup(func() { l.Close(); calls.Wait() })
	return s
}

// life is what became of a supervised source.
type life struct {
	mu    sync.Mutex
	turns []Turn
	on    func(Turn)
}

func (l *life) tell(t Turn) {
	l.mu.Lock()
	l.turns = append(l.turns, t)
	l.mu.Unlock()
	if l.on != nil {
		l.on(t)
	}
}

func (l *life) phases() (p []Phase) {
	for _, t := range l.turns {
		p = append(p, t.Phase)
	}
	return p
}

var soon = Reconnect{Initial: time.Millisecond, Max: 5 * time.Millisecond, Jitter: 0.5}

// A source that is lost again and again: each connection is an epoch, and verdicts
// of different ones are different.
func TestSuperviseConnectsAgain(t *testing.T) {
	s := serve(t, clip(t, "a.ts", "-f", "lavfi", "-i", "color=black:size=64x48:rate=25:duration=2", "-c:v", "mpeg2video"))
	e := openWith(t, shipped(t, "black", "stall"))
	ctx, stop := context.WithCancel(context.Background())
	l, n := &life{}, &notebook{}
	l.on = func(turn Turn) {
		if turn.Phase == Reconnecting && turn.Epoch == 12 {
			stop()
		}
		if turn.Phase == Running && turn.Source == nil || turn.Phase == Reconnecting && (turn.Retry.IsZero() || turn.Reason == nil) {
			t.Errorf("turn %+v", turn)
		}
	}
	err := e.Supervise(ctx, SourceConfig{URL: s.url, Sink: n, Realtime: true, Epoch: 7}, soon, l.tell)
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Repeat([]Phase{Connecting, Running, Reconnecting}, 5); !slices.Equal(l.phases(), want) {
		t.Errorf("phases %v", l.phases())
	}
	black := n.of(verdict.Black, streamvetv1.State_STATE_CLEARED)
	ids := map[string]bool{}
	for i, v := range black {
		ids[v.Id] = true
		if v.Epoch != uint32(8+i) || v.Start.AsDuration() != 0 {
			t.Errorf("verdict %d: %v", i, v)
		}
	}
	if len(black) != 5 || len(ids) != 5 {
		t.Errorf("%d verdicts of %d ids in 5 epochs", len(black), len(ids))
	}
}

// While nobody answers, that is a verdict; it ends with the next picture.
func TestOutageIsAVerdict(t *testing.T) {
	s := serve(t, clip(t, "a.ts", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2", "-c:v", "mpeg2video"))
	ds := shipped(t, "black", "stall")
	for i := range ds {
		if ds[i].Name == "stall" {
			ds[i].Name, ds[i].Params = "quiet_line", map[string]float64{"seconds": 0.25}
		}
	}
	e := openWith(t, ds)
	ctx, stop := context.WithCancel(context.Background())
	w := &waiter{raised: make(chan *streamvetv1.Verdict, 4), cleared: make(chan *streamvetv1.Verdict, 4)}
	l := &life{on: func(turn Turn) {
		if turn.Phase == Reconnecting && turn.Epoch == 1 {
			s.shut.Store(true)
		}
	}}
	done := make(chan error)
	go func() {
		done <- e.Supervise(ctx, SourceConfig{URL: s.url, Name: "camera", Sink: w, Realtime: true}, soon, l.tell)
	}()
	v := <-w.raised
	if v.Defect != string(verdict.Stall) || v.Detector != "quiet_line" || v.Epoch != 1 || v.Source != "camera" || v.Start.AsDuration() != 2*time.Second || v.Severity != streamvetv1.Severity_SEVERITY_CRITICAL {
		t.Errorf("raised %v", v)
	}
	s.shut.Store(false)
	c := <-w.cleared
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if c.Id != v.Id || c.Epoch != 1 || c.End.AsDuration() < v.End.AsDuration() {
		t.Errorf("cleared %v after %v", c, v)
	}
}

// The silence in which a source was given up belongs to the outage: a server that
// has nothing but old pictures when called again, as one of HLS, must not hide it.
func TestOutageBeginsWithTheSilence(t *testing.T) {
	s := serve(t, clip(t, "a.ts", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2", "-c:v", "mpeg2video"))
	s.hold.Store(true)
	e := openWith(t, shipped(t, "black", "stall"))
	ctx, stop := context.WithCancel(context.Background())
	n := &notebook{}
	l := &life{on: func(turn Turn) {
		if turn.Phase == Reconnecting && turn.Epoch == 2 {
			stop()
		}
	}}
	// Neither the silence nor the wait is as long as the two seconds that are borne.
	c := SourceConfig{URL: s.url, Sink: n, Realtime: true, StallTimeout: 1600 * time.Millisecond}
	if err := e.Supervise(ctx, c, Reconnect{Initial: 800 * time.Millisecond}, l.tell); err != nil {
		t.Fatal(err)
	}
	for _, state := range []streamvetv1.State{streamvetv1.State_STATE_RAISED, streamvetv1.State_STATE_CLEARED} {
		of := n.of(verdict.Stall, state)
		if len(of) == 0 || of[0].Id != "e1/outage" || of[0].Start.AsDuration() != 2*time.Second {
			t.Errorf("%v: %v", state, of)
		}
	}
}

func TestSuperviseGivesUp(t *testing.T) {
	e := openWith(t, shipped(t, "black"))
	for _, c := range []struct {
		name   string
		source SourceConfig
		policy Reconnect
		is     error
		tries  int
	}{
		{"after so many tries", SourceConfig{URL: "tcp://127.0.0.1:1"}, Reconnect{Initial: time.Millisecond, Attempts: 4}, nil, 4},
		{"an address that is none", SourceConfig{URL: "gopher://a"}, soon, media.ErrAddress, 1},
		{"a file that is not there", SourceConfig{URL: "/no/such/file"}, soon, os.ErrNotExist, 1},
		{"detectors that are not there", SourceConfig{URL: "tcp://127.0.0.1:1", Selection: Selection{Only: []string{"blakc"}}}, soon, ErrSelection, 1},
	} {
		l := &life{}
		c.source.Sink = &notebook{}
		err := e.Supervise(context.Background(), c.source, c.policy, l.tell)
		last := l.turns[len(l.turns)-1]
		if err == nil || c.is != nil && !errors.Is(err, c.is) || last.Phase != Failed || last.Epoch != c.tries || last.Reason == nil {
			t.Errorf("%s: %v, last turn %+v", c.name, err, last)
		}
	}
	l := &life{}
	if err := e.Supervise(context.Background(), SourceConfig{URL: spoiled(t), Sink: &notebook{}}, soon, l.tell); err != nil || !slices.Equal(l.phases(), []Phase{Connecting, Running, Ended}) {
		t.Errorf("a file: %v, %v", err, l.phases())
	}
}

func TestReconnectWaits(t *testing.T) {
	r := Reconnect{}.withDefaults()
	for n, want := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 4: 4 * time.Second, 7: 30 * time.Second, 1 << 30: 30 * time.Second} {
		if got := r.wait(n); got != want {
			t.Errorf("try %d waits %v, want %v", n, got, want)
		}
	}
	r.Jitter = 0.2
	for range 1000 {
		if d := r.wait(2); d < 800*time.Millisecond || d > 1200*time.Millisecond {
			t.Fatalf("with a jitter of a fifth: %v", d)
		}
	}
}
