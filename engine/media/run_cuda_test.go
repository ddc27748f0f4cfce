//go:build cuda

package media

import (
	"testing"

	"github.com/streamvet/streamvet/engine/device/cuda/double"
)

// The tests run on the test double of NVIDIA's driver.
func runTests(m *testing.M) int { return double.Main(m) }
