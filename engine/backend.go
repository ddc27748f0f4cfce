package engine

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cpu"
	"github.com/streamvet/streamvet/engine/device/cuda"
)

// backend is one device that Config.Device may stand for.
type backend struct {
	gpu     bool
	ordinal int
}

// parseDevice lists the devices to try, the best first.
func parseDevice(name string) ([]backend, error) {
	kind, number, numbered := strings.Cut(name, ":")
	switch {
	case name == "auto":
		return []backend{{gpu: true}, {}}, nil
	case name == "cpu":
		return []backend{{}}, nil
	case name == "cuda":
		return []backend{{gpu: true}}, nil
	case kind == "cuda" && numbered:
		if n, err := strconv.Atoi(number); err == nil && n >= 0 {
			return []backend{{gpu: true, ordinal: n}}, nil
		}
	}
	return nil, fmt.Errorf("device %q is none of auto, cuda, cuda:N (the N-th GPU, from 0), cpu", name)
}

func (b backend) open(log *slog.Logger) (device.Device, error) {
	if b.gpu {
		return cuda.Open(cuda.Options{Ordinal: b.ordinal, Logger: log})
	}
	return cpu.Open(cpu.Options{})
}
