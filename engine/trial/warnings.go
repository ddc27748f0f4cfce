package trial

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// warnings keeps what an engine warns of while a detector runs, and hands the rest on:
// the engine goes on without a network that it cannot use, a trial must not.
type warnings struct {
	next slog.Handler

	mu   sync.Mutex
	kept []string
}

func (w *warnings) logger() *slog.Logger { return slog.New(w) }

func (w *warnings) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.kept)
}

// Enabled is part of slog.Handler, as all below.
func (w *warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn || w.next.Enabled(ctx, l)
}

// Handle keeps warnings with what they say of the cause.
func (w *warnings) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return w.next.Handle(ctx, r)
	}
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "reason", "error":
			text += fmt.Sprintf(": %v", a.Value)
		case "detector", "source":
		default:
			text += fmt.Sprintf(" (%s: %v)", a.Key, a.Value)
		}
		return true
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = append(w.kept, strings.ReplaceAll(text, "\n", "; "))
	return nil
}

// WithAttrs leaves them out: they name the source and the detector, which are known.
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup is not needed by the engine.
func (w *warnings) WithGroup(string) slog.Handler { return w }
