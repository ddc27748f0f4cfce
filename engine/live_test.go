package engine

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// sender serves a file over TCP as fast as it is taken, and pauses once after
// part of it, until it is let go on.
func sender(t *testing.T, path string, part float64) (url string, goOn chan<- struct{}) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		cut := int(part * float64(len(data)))
		if _, err := c.Write(data[:cut]); err != nil {
			return
		}
		<-open
		c.Write(data[cut:])
		io.Copy(io.Discard, c)
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return fmt.Sprintf("tcp://%s", l.Addr()), open
}

// A live source that sends nothing for a while: the verdict comes while it is
// silent, and ends when it sends again.
func TestStallOfALiveSource(t *testing.T) {
	ts := clip(t, "live.ts", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=20", "-c:v", "mpeg2video", "-q:v", "4")
	url, goOn := sender(t, ts, 0.9)
	quick := shipped(t, "stall", "black")
	for i := range quick {
		if quick[i].Name == "stall" {
			quick[i].Params = map[string]float64{"seconds": 0.5}
		}
	}
	e := openWith(t, quick)
	w := &waiter{raised: make(chan *streamvetv1.Verdict, 4)}
	s, err := e.Add(context.Background(), SourceConfig{URL: url, Sink: w, Realtime: true})
	if err != nil {
		t.Fatal(err)
	}
	v := <-w.raised
	if v.Defect != string(verdict.Stall) || s.Progress().Frames < 100 {
		t.Errorf("%v after %d pictures", v, s.Progress().Frames)
	}
	close(goOn)
	s.Stop() // TCP does not say that the file is over
	if _, err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := w.of(verdict.Stall, streamvetv1.State_STATE_CLEARED); len(got) != 1 || got[0].End.AsDuration() <= got[0].Start.AsDuration() {
		t.Errorf("cleared: %v", got)
	}
}

// waiter is a notebook that tells when something is raised, and, if that is asked
// for, cleared.
type waiter struct {
	notebook
	raised, cleared chan *streamvetv1.Verdict
}

func (w *waiter) Verdict(v *streamvetv1.Verdict) {
	w.notebook.Verdict(v)
	if v.State == streamvetv1.State_STATE_RAISED {
		w.raised <- v
	} else if v.State == streamvetv1.State_STATE_CLEARED && w.cleared != nil {
		w.cleared <- v
	}
}

// A paced file takes as long as it plays.
func TestPacedFilesComeAsTheyPlay(t *testing.T) {
	short := clip(t, "short.mkv", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=1", "-c:v", "mpeg4")
	e := openWith(t, shipped(t, "black"))
	s, err := e.Add(context.Background(), SourceConfig{URL: short, Sink: &notebook{}, Paced: true})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Wait()
	if err != nil || sum.Elapsed < 950*time.Millisecond || sum.Frames != 25 {
		t.Errorf("%d pictures of a second took %v: %v", sum.Frames, sum.Elapsed, err)
	}
}

// Files are not watched by the clock.
func TestFilesDoNotStall(t *testing.T) {
	e := openWith(t, shipped(t, "stall", "overload", "black"))
	n, _ := vet(t, e, spoiled(t))
	for _, name := range []string{"stall", "overload"} {
		if _, ok := n.last[name]; ok {
			t.Errorf("%s scored a file", name)
		}
	}
}

// Looks that a network has no time for become a verdict when that persists.
func TestOverloadIsTold(t *testing.T) {
	busy := append(shipped(t, "overload"), brightest(t, models.Sampling{Every: 40 * time.Millisecond}))
	busy[0].Outputs[0].Rule.MinDuration = 0
	e := openWith(t, busy)
	n := e.lineup.networks[0]
	l, err := n.enter(160, 90)
	if err != nil {
		t.Fatal(err)
	}
	var give []func()
	for s, ok := l.TryAcquire(); ok; s, ok = l.TryAcquire() {
		give = append(give, func() { l.Abandon(s) })
	}
	long := clip(t, "long.mkv", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=30", "-c:v", "mpeg4")
	w := &waiter{raised: make(chan *streamvetv1.Verdict, 4)}
	s, err := e.Add(context.Background(), SourceConfig{URL: long, Sink: w, Realtime: true, Paced: true})
	if err != nil {
		t.Fatal(err)
	}
	v := <-w.raised
	s.Stop()
	if _, err := s.Wait(); err != nil {
		t.Error(err)
	}
	for _, f := range give {
		f()
	}
	n.leave(l)
	if v.Defect != string(verdict.Overload) || v.Reading != 100 || v.Unit != "%" {
		t.Errorf("told %v", v)
	}
}
