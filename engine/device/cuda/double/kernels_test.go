package double

import (
	"testing"

	"github.com/streamvet/streamvet/engine/device/kernels"
)

func TestShippedKernelsLoad(t *testing.T) {
	g := openGPU(t)
	if _, r, log := g.load(kernels.PTX); r != 0 {
		t.Fatalf("load gives %d: %s", r, log)
	}
}
