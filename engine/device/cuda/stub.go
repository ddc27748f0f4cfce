//go:build !cuda

package cuda

import (
	"errors"
	"log/slog"

	"github.com/streamvet/streamvet/engine/device"
)

var errNotBuilt = errors.New("device: this program was built without CUDA. Remedy: build it with make build on a machine " +
	"where scripts/cuda.sh finds cuda.h (it says what it lacks), without STREAMVET_NO_CUDA")

// Open fails in this build: it has no CUDA.
func Open(Options) (device.Device, error) { return nil, errNotBuilt }

// List fails in this build: it has no CUDA.
func List() ([]Info, error) { return nil, errNotBuilt }

// Monitor knows nothing in this build: it has no CUDA.
type Monitor struct{}

// NewMonitor logs that there will be no numbers.
func NewMonitor(o Options) *Monitor {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Logger.Warn("the load of GPUs is not known", "reason", errNotBuilt)
	return &Monitor{}
}

// Read gives no numbers.
func (*Monitor) Read() Reading { return Reading{GPUPercent: -1, DecoderPercent: -1} }

// Close has nothing to do.
func (*Monitor) Close() error { return nil }
