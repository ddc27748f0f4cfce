package server

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// collects counts the spans that come, by their names.
type collects struct {
	collector.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans map[string]int
}

func (c *collects) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.ResourceSpans {
		for _, in := range of.ScopeSpans {
			for _, s := range in.Spans {
				c.spans[s.Name]++
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// From the packet to the stored verdict, all stages arrive at the collector.
func TestTraces(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, g := &collects{spans: map[string]int{}}, grpc.NewServer()
	collector.RegisterTraceServiceServer(g, c)
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	defer func() {
		g.Stop()
		<-done
	}()
	clip := blackClip(t)
	s := setting{file: fmt.Sprintf("detectors: {only: [black, block_corruption]}\nreach: {roots: [%s]}\ntrace: {endpoint: '%s', insecure: true, every: 1}\n",
		filepath.Dir(clip), l.Addr())}.start(t)
	if _, err := streamvetv1.NewSourceServiceClient(s.dial()).AddSource(t.Context(), &streamvetv1.AddSourceRequest{
		Config: &streamvetv1.SourceConfig{Name: "film", Url: "file://" + clip},
	}); err != nil {
		t.Fatal(err)
	}
	s.eventually("its verdicts are stored", func() bool { return s.journal.State().Records >= 2 })
	if err := s.end(); err != nil { // the last ones are sent
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spans["picture"] != 100 || c.spans["decode"] != 100 || c.spans["measure"] != 100 || c.spans["append"] == 0 {
		t.Errorf("got %v", c.spans)
	}
	for _, name := range []string{"slot_wait", "prepare", "queue_wait", "inference"} {
		if c.spans[name] == 0 {
			t.Errorf("there is no %s: %v", name, c.spans)
		}
	}
	if got, want := c.spans["judge"], 100; got != want {
		t.Errorf("judged is %d times, want %d", got, want)
	}
}
