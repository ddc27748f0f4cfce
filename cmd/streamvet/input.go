package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// inputRun is one input on its way through the engine. It is the engine's sink
// for it.
type inputRun struct {
	url      string
	index    int
	printer  *printer
	scores   *scoreFile
	recorder *report.Recorder // nil without a report

	mu     sync.Mutex
	source *engine.Source // nil until it is open
	ended  []*streamvetv1.Verdict

	// Set when vet returns.
	summary engine.Summary
	err     error
}

// errNotBegun is of inputs that a Ctrl-C came before.
var errNotBegun = errors.New("stopped before opening")

// vet runs the input to its end.
func (r *inputRun) vet(ctx context.Context, v *vetting) {
	source, err := v.engine.Add(ctx, engine.SourceConfig{URL: r.url, Sink: r, StallTimeout: v.options.timeout, TLS: v.options.trust, Realtime: media.ComesAtItsPace(r.url)})
	if err == nil {
		r.mu.Lock()
		r.source = source
		r.mu.Unlock()
		r.summary, err = source.Wait()
	}
	switch {
	case err != nil && ctx.Err() != nil:
		err = errNotBegun
	case err != nil:
		r.printer.trouble(err)
	}
	r.err = err
	if r.recorder != nil {
		r.recorder.End(r.summary, r.err)
	}
}

// progress tells how far the input has come, and how long it is; false before
// it is open.
func (r *inputRun) progress() (p engine.Progress, length time.Duration, ok bool) {
	r.mu.Lock()
	source := r.source
	r.mu.Unlock()
	if source == nil {
		return p, 0, false
	}
	return source.Progress(), source.Info().Duration, true
}

// Verdict implements engine.Sink.
func (r *inputRun) Verdict(v *streamvetv1.Verdict) {
	r.printer.verdict(r.index, v)
	if r.recorder != nil {
		r.recorder.Verdict(v)
	}
	if v.State == streamvetv1.State_STATE_CLEARED {
		r.ended = append(r.ended, v)
	}
}

// Scores implements engine.Sink.
func (r *inputRun) Scores(track int, scores []verdict.Score) {
	r.scores.write(media.WithoutPassword(r.url), track, scores)
	if r.recorder != nil {
		r.recorder.Scores(track, scores)
	}
}

// Waveform implements engine.Sink.
func (r *inputRun) Waveform(track int, peaks []sound.Peak) {
	if r.recorder != nil {
		r.recorder.Waveform(track, peaks)
	}
}
