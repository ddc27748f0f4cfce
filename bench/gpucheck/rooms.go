package gpucheck

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cuda"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// where says how an engine is opened for a comparison.
type where struct {
	name          string
	cpu           bool
	fullPrecision bool
}

var onGPU = where{name: "GPU"}

// openEngine opens an engine with every detector. It refuses no source for the sake of
// its decoders or latency: where the limits are is for the check to find out.
func (c *check) openEngine(w where) (*engine.Engine, error) {
	set, err := models.Default()
	if err != nil {
		return nil, err
	}
	device, threads := fmt.Sprintf("cuda:%d", c.Options.Ordinal), 1
	if w.cpu {
		device, threads = "cpu", 0
	}
	return engine.Open(engine.Config{
		Detectors: set.Detectors(), Device: device, FullPrecision: w.fullPrecision, ORTLibrary: c.Options.ORTLibrary,
		DecoderThreads: threads, Limits: engine.Limits{DecoderShare: 100, Latency: time.Hour}, Logger: c.log,
	})
}

func (c *check) openDevice() (device.Device, error) {
	return cuda.Open(cuda.Options{Ordinal: c.Options.Ordinal, Logger: c.log})
}

// nobody takes what is found and drops it.
type nobody struct{}

func (nobody) Verdict(*streamvetv1.Verdict) {}
func (nobody) Scores(int, []verdict.Score)  {}
func (nobody) Waveform(int, []sound.Peak)   {}

// recorder keeps the attributes that were logged, by name: the last of each.
type recorder struct {
	mu   sync.Mutex
	said map[string]slog.Value
}

func (r *recorder) logger() *slog.Logger { return slog.New(r) }

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *recorder) WithGroup(string) slog.Handler            { return r }

func (r *recorder) Handle(_ context.Context, l slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.said == nil {
		r.said = map[string]slog.Value{}
	}
	l.Attrs(func(a slog.Attr) bool {
		r.said[a.Key] = a.Value
		return true
	})
	return nil
}

func (r *recorder) text(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.said[name]; ok {
		return v.String()
	}
	return ""
}

func (r *recorder) duration(name string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.said[name]; ok && v.Kind() == slog.KindDuration {
		return v.Duration()
	}
	return 0
}
