package cpu_test

import (
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/conformance"
	"github.com/streamvet/streamvet/engine/device/cpu"
)

var forms = []cpu.Form{cpu.Reference, cpu.Baseline, cpu.AVX2, cpu.AVX512}

func TestConformance(t *testing.T) {
	for _, form := range forms {
		t.Run(form.String(), func(t *testing.T) {
			if !form.Runs() {
				t.Skip("not on this processor")
			}
			conformance.Run(t, func() (device.Device, error) { return cpu.Open(cpu.Options{Form: form}) })
		})
	}
}

func TestOpenChoosesTheBestForm(t *testing.T) {
	d, err := cpu.Open(cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	best := cpu.Reference
	for _, form := range forms {
		if form.Runs() {
			best = form
		}
	}
	if want := "cpu (" + best.String() + ")"; d.Name() != want {
		t.Errorf("the device is %q, want %q", d.Name(), want)
	}
	if _, err := cpu.Open(cpu.Options{Form: 200}); err == nil {
		t.Error("a form that does not exist was opened")
	}
}

func TestCloseTellsWhatIsStillOpen(t *testing.T) {
	d, err := cpu.Open(cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := d.NewTensor(device.Shape{N: 1, C: 1, H: 2, W: 2}, device.F32)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err == nil || !strings.Contains(err.Error(), "1 tensors, plans, meters or the like are open") {
		t.Errorf("close with a tensor open: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
}
