package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/streamvet/streamvet/models"
)

// Config is what an engine is opened with.
type Config struct {
	// Detectors are the ones to run; needed.
	Detectors []models.Detector
	// Device is where pictures are measured and networks run: "auto" (the
	// default) or "cpu".
	Device string
	// ORTLibrary is the path of libonnxruntime.so. Needed only when one of the
	// detectors is a network.
	ORTLibrary string
	// DecoderThreads is how many threads a video decoder may use; 0 stands for as
	// many as there are cores, at most 4. With many sources at once, 1 is best.
	DecoderThreads int
	// InferenceThreads is how many threads one run of a network may use; 0 stands for 1.
	InferenceThreads int
	// Logger takes what is worth knowing besides verdicts; nil discards it.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Device == "" {
		c.Device = "auto"
	}
	if c.DecoderThreads == 0 {
		c.DecoderThreads = min(runtime.NumCPU(), 4)
	}
	if c.InferenceThreads == 0 {
		c.InferenceThreads = 1
	}
	switch {
	case len(c.Detectors) == 0:
		return c, errors.New("no detectors to run")
	case c.Device != "auto" && c.Device != "cpu":
		return c, fmt.Errorf("device %q: this build knows auto and cpu", c.Device)
	case c.DecoderThreads < 0 || c.DecoderThreads > 64:
		return c, fmt.Errorf("decoder threads %d: not in 0..64", c.DecoderThreads)
	case c.InferenceThreads < 0 || c.InferenceThreads > 64:
		return c, fmt.Errorf("inference threads %d: not in 0..64", c.InferenceThreads)
	}
	return c, nil
}
