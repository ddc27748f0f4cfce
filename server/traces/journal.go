package traces

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/registry"
)

// pending are verdicts of traced pictures that wait to be stored.
type pending struct {
	mu    sync.Mutex
	byPtr map[*streamvetv1.Verdict]context.Context
	order []*streamvetv1.Verdict
}

// maxPending bounds them: while the journal takes nothing, the oldest are forgotten.
const maxPending = 1000

func (p *pending) add(v *streamvetv1.Verdict, ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byPtr == nil {
		p.byPtr = map[*streamvetv1.Verdict]context.Context{}
	}
	p.byPtr[v] = ctx
	if p.order = append(p.order, v); len(p.order) > maxPending {
		delete(p.byPtr, p.order[0])
		p.order[0] = nil
		p.order = p.order[1:]
	}
}

func (p *pending) of(v *streamvetv1.Verdict) (context.Context, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, ok := p.byPtr[v]
	return ctx, ok
}

func (p *pending) drop(v *streamvetv1.Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byPtr, v)
}

// Journal adds a span for each try to store a verdict of a traced picture.
func (t *Tracer) Journal(next registry.Journal) registry.Journal { return &journal{next, t} }

type journal struct {
	registry.Journal
	tracer *Tracer
}

func (j *journal) Append(ctx context.Context, v *streamvetv1.Verdict) (uint64, error) {
	traced, ok := j.tracer.pending.of(v)
	if !ok {
		return j.Journal.Append(ctx, v)
	}
	_, span := j.tracer.tracer.Start(traced, "append", trace.WithAttributes(attribute.String("id", v.GetId()), attribute.String("state", v.GetState().String())))
	defer span.End()
	sequence, err := j.Journal.Append(ctx, v)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		return sequence, err
	}
	span.SetAttributes(attribute.Int64("sequence", int64(sequence)))
	j.tracer.pending.drop(v)
	return sequence, nil
}
