// Package traces sends the way of sampled pictures, from packet to stored
// verdict, to an OpenTelemetry collector. What cannot be sent is dropped: nothing
// waits for it.
package traces

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/server/config"
)

// Tracer is the engine's. Close it when the engine has ended.
type Tracer struct {
	every    int
	end      context.CancelFunc // of sending
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	pending  pending
}

// sendTimeout is how long the collector may take for a batch.
const sendTimeout = 5 * time.Second

// New begins to send to the collector that c names. Whether it is there shows only
// in the log. The variables of OpenTelemetry's exporters (OTEL_EXPORTER_OTLP_...)
// add what c does not say, such as headers.
func New(ctx context.Context, c config.Trace, version string, log *slog.Logger) (*Tracer, error) {
	options := []otlptracegrpc.Option{
		otlptracegrpc.WithEndpoint(c.Endpoint), otlptracegrpc.WithTimeout(sendTimeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: false}),
	}
	if c.Insecure {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	life, end := context.WithCancel(context.Background())
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(&candid{SpanExporter: exporter, log: log, life: life}),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "streamvet"), attribute.String("service.version", version))),
	)
	return &Tracer{every: c.Every, end: end, provider: provider, tracer: provider.Tracer("github.com/streamvet/streamvet")}, nil
}

// Close sends what there is until ctx ends, and ends. It may be called again.
func (t *Tracer) Close(ctx context.Context) error {
	err := t.provider.ForceFlush(ctx)
	t.end()
	return errors.Join(err, t.provider.Shutdown(context.WithoutCancel(ctx)))
}

// Picture traces one picture in so many.
func (t *Tracer) Picture(source string, pts time.Duration) engine.Trace {
	if t.every > 1 && rand.IntN(t.every) != 0 {
		return nil
	}
	return &picture{tracer: t, source: source, pts: pts}
}

// candid tells the log when sending fails, and when it works again.
type candid struct {
	sdk.SpanExporter
	log     *slog.Logger
	life    context.Context
	failing atomic.Bool
}

func (c *candid) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	err := c.SpanExporter.ExportSpans(ctx, spans)
	switch failing := err != nil; {
	case failing && !c.failing.Swap(true):
		c.log.Warn("traces cannot be sent, and are dropped", "error", err)
	case !failing && c.failing.Swap(false):
		c.log.Info("traces are sent again")
	}
	return nil
}
