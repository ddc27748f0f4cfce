//go:build cuda

package cuda

import (
	"strings"
	"testing"

	"gorgonia.org/cu"
)

// What the double cannot answer: drivers that are there and do not start.
func TestRefusalsNameTheRemedy(t *testing.T) {
	for err, words := range map[error]string{
		cu.NoDevice:                 "nvidia-smi",
		cu.SystemDriverMismatch:     "restart the machine",
		cu.SystemNotReady:           "SystemNotReady",
		cu.Unknown:                  "nvidia-smi",
		resultOf(cu.Success, 99999): "99999",
	} {
		if got := refusal(err).Error(); !strings.Contains(got, words) {
			t.Errorf("%v: %q, without %q", err, got, words)
		}
	}
}

func TestErrorsThatEndTheGPU(t *testing.T) {
	for _, err := range []error{cu.IllegalAddress, cu.LaunchFailed, cu.EccUncorrectable, cu.Unknown, resultOf(cu.Success, deviceUnavailable)} {
		if !final(err) {
			t.Errorf("%v does not lose the GPU", err)
		}
	}
	for _, err := range []error{cu.OutOfMemory, cu.InvalidValue, cu.NotReady, cu.LaunchOutOfResources, cu.NotFound} {
		if final(err) {
			t.Errorf("%v loses the GPU", err)
		}
	}
}
