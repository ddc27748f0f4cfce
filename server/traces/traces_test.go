package traces

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/config"
	"github.com/streamvet/streamvet/server/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collects keeps the spans that come.
type collects struct {
	collector.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans []*wire.Span
}

func (c *collects) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.ResourceSpans {
		for _, in := range of.ScopeSpans {
			c.spans = append(c.spans, in.Spans...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func (c *collects) named(name string) (found []*wire.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

func startCollector(t testing.TB) (*collects, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, s := &collects{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(s, c)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return c, l.Addr().String()
}

// shelf is a journal that fails so many times.
type shelf struct {
	registry.Journal
	fails int
}

func (s *shelf) Append(context.Context, *streamvetv1.Verdict) (uint64, error) {
	if s.fails--; s.fails >= 0 {
		return 0, errors.New("no room")
	}
	return 7, nil
}

// The way of a picture arrives as one tree, with the storing of its verdict, which
// comes after its end.
func TestOnePicture(t *testing.T) {
	c, address := startCollector(t)
	tracer, err := New(t.Context(), config.Trace{Endpoint: address, Insecure: true, Every: 1}, "1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-time.Second)
	p := tracer.Picture("cam", 40*time.Millisecond)
	p.Stage("decode", began, began.Add(10*time.Millisecond))
	v := &streamvetv1.Verdict{Id: "1", Defect: "black", State: streamvetv1.State_STATE_RAISED}
	p.Verdict(v)
	p.Stage("judge", began.Add(10*time.Millisecond), began.Add(30*time.Millisecond))
	p.End()
	j := tracer.Journal(&shelf{fails: 1})
	for _, want := range []uint64{0, 7} {
		if got, _ := j.Append(t.Context(), v); got != want {
			t.Errorf("append gives %d, want %d", got, want)
		}
	}
	if _, err := j.Append(t.Context(), &streamvetv1.Verdict{Id: "2"}); err != nil { // of no traced picture
		t.Error(err)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	root := c.named("picture")
	if len(root) != 1 || len(root[0].Events) != 1 || time.Duration(root[0].EndTimeUnixNano-root[0].StartTimeUnixNano) != 30*time.Millisecond {
		t.Fatalf("the picture is %v", root)
	}
	for name, times := range map[string]int{"decode": 1, "judge": 1, "append": 2} {
		spans := c.named(name)
		if len(spans) != times {
			t.Errorf("%s is there %d times, want %d", name, len(spans), times)
		}
		for _, s := range spans {
			if !slices.Equal(s.ParentSpanId, root[0].SpanId) || !slices.Equal(s.TraceId, root[0].TraceId) {
				t.Errorf("%s belongs elsewhere: %v", name, s)
			}
		}
	}
	if first := c.named("append")[0]; first.Status.GetCode() != wire.Status_STATUS_CODE_ERROR || first.Status.Message != "no room" {
		t.Errorf("the failed append is told as %v", first.Status)
	}
	if len(tracer.pending.byPtr) != 0 {
		t.Error("a stored verdict is remembered")
	}
}

func TestSampling(t *testing.T) {
	tracer := &Tracer{every: 10}
	n := 0
	for range 10_000 {
		if tracer.Picture("cam", 0) != nil {
			n++
		}
	}
	if n < 700 || n > 1300 {
		t.Errorf("%d of 10000 are traced, where it should be one in ten", n)
	}
}

func TestPendingIsBounded(t *testing.T) {
	var p pending
	var all []*streamvetv1.Verdict
	for range maxPending + 10 {
		v := &streamvetv1.Verdict{}
		all = append(all, v)
		p.add(v, t.Context())
	}
	_, first := p.of(all[0])
	_, last := p.of(all[len(all)-1])
	if len(p.byPtr) != maxPending || len(p.order) != maxPending || first || !last {
		t.Errorf("%d are kept, the first: %v, the last: %v", len(p.byPtr), first, last)
	}
}

// Without a collector pictures go on, and the log tells so once.
func TestNoCollector(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	var log bytes.Buffer
	tracer, err := New(t.Context(), config.Trace{Endpoint: address, Insecure: true, Every: 1}, "1.2.3", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 5000 { // more than the queue holds
		p := tracer.Picture("cam", 0)
		p.Stage("decode", time.Now(), time.Now())
		p.End()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	tracer.Close(ctx)
	if n := strings.Count(log.String(), "traces cannot be sent"); n > 1 {
		t.Errorf("it is told %d times", n)
	}
}
