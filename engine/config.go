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
	// Device is where pictures are decoded and measured and networks run: "cuda" or
	// "cuda:N" for a GPU, "cpu", or "auto" (the default), which stands for the first
	// GPU, and for the CPU where that cannot be used: Engine.Fallback says why.
	Device string
	// Provider is how networks run on a GPU: "auto" (the default) stands for "cuda";
	// "tensorrt" builds engines, which takes minutes the first time.
	Provider string
	// EngineCache is the folder where TensorRT keeps the engines that it builds; empty
	// stands for none: each start builds them.
	EngineCache string
	// FullPrecision keeps the networks on a GPU at 32 bits where they have a variant of 16.
	FullPrecision bool
	// ORTLibrary is the path of libonnxruntime.so. Needed only when one of the
	// detectors is a network.
	ORTLibrary string
	// DecoderThreads is how many threads a video decoder may use; 0 stands for as
	// many as there are cores, at most 4. With many sources at once, 1 is best.
	DecoderThreads int
	// Limits are what admission keeps free.
	Limits Limits
	// InferenceThreads is how many threads one run of a network may use; 0 stands for 1.
	InferenceThreads int
	// Tracer is told how pictures fare; nil for none.
	Tracer Tracer
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
	if c.Provider == "" {
		c.Provider = "auto"
	}
	if c.DecoderThreads == 0 {
		c.DecoderThreads = min(runtime.NumCPU(), 4)
	}
	if c.InferenceThreads == 0 {
		c.InferenceThreads = 1
	}
	if _, err := parseDevice(c.Device); err != nil {
		return c, err
	}
	switch {
	case len(c.Detectors) == 0:
		return c, errors.New("no detectors to run")
	case c.Provider != "auto" && c.Provider != "cuda" && c.Provider != "tensorrt":
		return c, fmt.Errorf("provider %q is none of auto, cuda, tensorrt", c.Provider)
	case c.DecoderThreads < 0 || c.DecoderThreads > 64:
		return c, fmt.Errorf("decoder threads %d: not in 0..64", c.DecoderThreads)
	case c.InferenceThreads < 0 || c.InferenceThreads > 64:
		return c, fmt.Errorf("inference threads %d: not in 0..64", c.InferenceThreads)
	}
	return c, nil
}
