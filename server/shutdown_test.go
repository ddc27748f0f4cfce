package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Under load, every call ends with its answer or with UNAVAILABLE, and the server
// ends clean.
func TestEndUnderLoad(t *testing.T) {
	s := setting{args: []string{"--auth-rate=0"}}.start(t)
	ctx := context.Background()
	var calls sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[codes.Code]int{}
	note := func(err error) bool {
		mu.Lock()
		defer mu.Unlock()
		outcomes[status.Code(err)]++
		return err == nil
	}
	begun := make(chan struct{}, 100)
	for i := range 4 {
		conn := s.dial()
		for range 10 { // those that follow
			calls.Go(func() {
				f, err := streamvetv1.NewVerdictServiceClient(conn).FollowVerdicts(ctx, &streamvetv1.FollowVerdictsRequest{})
				if err == nil {
					_, err = f.Recv()
				}
				begun <- struct{}{}
				for err == nil {
					_, err = f.Recv()
				}
				note(err)
			})
		}
		calls.Go(func() { // one that watches
			f, err := streamvetv1.NewSourceServiceClient(conn).WatchSources(ctx, &streamvetv1.WatchSourcesRequest{})
			if err == nil {
				_, err = f.Recv()
			}
			begun <- struct{}{}
			for err == nil {
				_, err = f.Recv()
			}
			note(err)
		})
		calls.Go(func() { // one that asks all the time
			c := streamvetv1.NewServerServiceClient(conn)
			_, err := c.GetStatus(ctx, &streamvetv1.GetStatusRequest{})
			begun <- struct{}{}
			for note(err) {
				_, err = c.GetStatus(ctx, &streamvetv1.GetStatusRequest{})
			}
		})
		calls.Go(func() { // one that adds sources that cannot be reached
			c := streamvetv1.NewSourceServiceClient(conn)
			begun <- struct{}{}
			for n := 0; ; n++ {
				name := string(rune('a'+i)) + strings.Repeat("x", n%40)
				_, err := c.AddSource(ctx, &streamvetv1.AddSourceRequest{Config: &streamvetv1.SourceConfig{Name: name, Url: "udp://239.9.9.9:1"}})
				if note(err); status.Code(err) == codes.Unavailable {
					return
				}
			}
		})
	}
	for range 4 * 13 {
		<-begun
	}
	if err := s.end(); err != nil {
		t.Errorf("the end: %v", err)
	}
	calls.Wait()
	for code := range outcomes {
		if code != codes.OK && code != codes.Unavailable && code != codes.AlreadyExists && code != codes.ResourceExhausted {
			t.Errorf("calls ended with %v: %v", code, outcomes)
		}
	}
	if outcomes[codes.Unavailable] < 4*13 {
		t.Errorf("calls ended with %v", outcomes)
	}
}

// A client that never reads cannot hold up the end.
func TestEndCutsOffWhoDoesNotRead(t *testing.T) {
	s := setting{args: []string{"--shutdown-timeout=2s"}}.start(t)
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, http2.ClientPreface)
	f := http2.NewFramer(conn, conn)
	if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}); err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	e := hpack.NewEncoder(&head)
	for _, h := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", "/streamvet.v1.VerdictService/FollowVerdicts"}, {":authority", "x"},
		{"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head.Bytes(), EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteData(1, true, make([]byte, 5)); err != nil { // an empty message
		t.Fatal(err)
	}
	s.eventually("the call has begun", func() bool { return s.services.Followers() == 1 })
	began := time.Now()
	err = s.end()
	if err == nil || !strings.Contains(err.Error(), "some calls were cut off") {
		t.Errorf("the end: %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Each step has its time; one that hangs is left behind.
func TestStepsHaveTheirTime(t *testing.T) {
	s := setting{}.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	hang := make(chan struct{})
	defer close(hang)
	err := s.step(ctx, "a step", func(context.Context) error { <-hang; return nil })
	if err == nil || err.Error() != "end a step: it takes too long, and is left behind" {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	fault := errors.New("a fault")
	if err := s.step(ctx, "a step", func(context.Context) error { return fault }); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
}

// What ends first and what ends last is as doc.go says: a follower gets the
// verdicts that the end of the sources brings.
func TestOrderOfTheEnd(t *testing.T) {
	s := setting{}.start(t)
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	log, at := s.log.String(), -1
	for _, what := range []string{`what="the sources"`, `what="the calls"`, "what=HTTP", `what="the rest"`} {
		next := strings.Index(log, what)
		if next < at {
			t.Errorf("%s is not where it belongs:\n%s", what, log)
		}
		at = next
	}
	if at < 0 {
		t.Errorf("steps are missing:\n%s", log)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

// A server that is to end before it has begun ends clean.
func TestEndAtOnce(t *testing.T) {
	for range 3 {
		s, err := setting{}.make(t)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	}
}
