//go:build cuda

package cuda_test

import (
	"testing"

	"github.com/streamvet/streamvet/engine/device/conformance"
)

func TestConformance(t *testing.T) { conformance.Run(t, open) }
