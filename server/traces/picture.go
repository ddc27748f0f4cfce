package traces

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// picture is the trace of one. Its first stage, decode, begins it.
type picture struct {
	tracer *Tracer
	source string
	pts    time.Duration

	mu    sync.Mutex
	ctx   context.Context
	root  trace.Span
	until time.Time
}

// Stage implements engine.Trace.
func (p *picture) Stage(name string, began, ended time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.root == nil {
		p.ctx, p.root = p.tracer.tracer.Start(context.Background(), "picture", trace.WithTimestamp(began),
			trace.WithAttributes(attribute.String("source", p.source), attribute.Float64("pts", p.pts.Seconds())))
	}
	_, span := p.tracer.tracer.Start(p.ctx, name, trace.WithTimestamp(began))
	span.End(trace.WithTimestamp(ended))
	if ended.After(p.until) {
		p.until = ended
	}
}

// Verdict implements engine.Trace.
func (p *picture) Verdict(v *streamvetv1.Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.root.AddEvent("verdict", trace.WithAttributes(attribute.String("id", v.GetId()), attribute.String("defect", v.GetDefect()), attribute.String("state", v.GetState().String())))
	p.tracer.pending.add(v, p.ctx)
}

// End implements engine.Trace. A verdict may be stored after it: that span is a
// child all the same.
func (p *picture) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.root.End(trace.WithTimestamp(p.until))
}
