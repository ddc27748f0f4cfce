//go:build cuda

package cuda

import (
	"log/slog"
	"strings"
	"testing"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device/cuda/double"
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

// Waiting threads sleep in a context of ours; one that somebody has made active stays as it is.
func TestContextOfOthersStaysAsItIs(t *testing.T) {
	d := cu.Device(0)
	opened := func() cu.ContextFlags {
		g, err := Open(Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		flags, active, err := d.PrimaryCtxState()
		if err != nil || active == 0 {
			t.Fatalf("the context is active: %d, %v", active, err)
		}
		return flags
	}
	if flags := opened(); flags&cu.SchedMask != cu.SchedBlockingSync {
		t.Errorf("the flags of our context are %v", flags)
	}
	if err := d.SetPrimaryCtxFlags(cu.SchedYield); err != nil {
		t.Fatal(err)
	}
	if _, err := d.RetainPrimaryCtx(); err != nil {
		t.Fatal(err)
	}
	defer d.ReleasePrimaryCtx()
	if flags := opened(); flags&cu.SchedMask != cu.SchedYield {
		t.Errorf("the flags of a context that was active became %v", flags)
	}
}

func TestOpenThatFailsLeavesNoContext(t *testing.T) {
	if !double.Active() {
		t.Skip("the driver is a real one")
	}
	t.Cleanup(double.Reset)
	for n := 1; ; n++ {
		double.FailAllocation(n)
		d, err := Open(Options{Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = d.Close()
		}
		_, active, stateErr := cu.Device(0).PrimaryCtxState()
		if stateErr != nil || active != 0 {
			t.Errorf("open says %v and leaves the context active: %v", err, stateErr)
		}
		if err == nil {
			return
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
