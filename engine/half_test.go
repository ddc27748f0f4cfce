package engine

import (
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/models"
)

// farAway is a device whose memory the host cannot read, as that of a real GPU.
type farAway struct{ device.Device }

func (farAway) HostReads() bool { return false }

func TestGPUsTakeNetworksOfHalfPrecision(t *testing.T) {
	ds := shipped(t, "block_corruption", "black")
	var network models.Detector
	for _, d := range ds {
		if d.Network != nil {
			network = d
		}
	}
	if network.Network.Half == nil || len(network.HalfONNX) == 0 {
		t.Fatal("block_corruption has no variant of half precision")
	}
	for name, c := range map[string]struct {
		full bool
		sha  string
	}{"half": {false, network.Network.Half.SHA256}, "full": {true, network.Network.SHA256}} {
		e := &Engine{config: Config{FullPrecision: c.full}, device: farAway{}}
		for _, d := range e.fitting(ds) {
			if d.Network != nil && d.Network.SHA256 != c.sha {
				t.Errorf("%s precision: the network is %s, want %s", name, d.Network.SHA256, c.sha)
			}
		}
	}
	if network.Network.SHA256 == network.Network.Half.SHA256 {
		t.Error("the manifest was changed in place")
	}
}
