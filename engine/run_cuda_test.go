//go:build cuda

package engine

import (
	"testing"

	"github.com/streamvet/streamvet/engine/device/cuda/double"
)

// onDouble runs the tests on the test double of NVIDIA's driver.
type onDouble struct{ m *testing.M }

func (d onDouble) Run() int { return double.Main(d.m) }

func tests(m *testing.M) interface{ Run() int } { return onDouble{m} }
