//go:build !cuda

package cuda

import (
	"errors"

	"github.com/streamvet/streamvet/engine/device"
)

var errNotBuilt = errors.New("device: this program was built without CUDA. Remedy: build it with make build on a machine " +
	"where scripts/cuda.sh finds cuda.h (it says what it lacks), without STREAMVET_NO_CUDA")

// Open fails in this build: it has no CUDA.
func Open(Options) (device.Device, error) { return nil, errNotBuilt }

// List fails in this build: it has no CUDA.
func List() ([]Info, error) { return nil, errNotBuilt }
