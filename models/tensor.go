package models

import (
	"fmt"
	"time"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

// Verdict is the rule in the words of the engine.
func (r Rule) Verdict() verdict.Rule { return verdict.Rule(r) }

// Type is DType in the words of the device, 0 if it is none.
func (t TensorSpec) Type() device.DType {
	return map[string]device.DType{"u8": device.U8, "f16": device.F16, "f32": device.F32}[t.DType]
}

// Shape is that of a tensor of n rows for pictures of width by height; with a
// fixed size, and for sound, theirs does not matter.
func (t TensorSpec) Shape(n, width, height int) device.Shape {
	if t.Window > 0 {
		return device.Shape{N: n, C: 1, H: 1, W: t.Window}
	}
	s := device.Shape{N: n, C: 1, H: t.Height, W: t.Width}
	if t.Channels == "rgb" {
		s.C = 3
	}
	if t.Resize == "none" {
		s.H, s.W = roundUp(height, t.Align), roundUp(width, t.Align)
	}
	return s
}

// Hop is how many samples of sound lie between the beginnings of two windows.
func (n *Network) Hop() int {
	return int(int64(n.Tensor.Rate) * int64(n.Sampling.Every) / int64(time.Second))
}

// ScoreOf names the network's output with the scores of output i, and the field of
// the manifest that says so.
func (m *Manifest) ScoreOf(i int) (name, field string) {
	if own := m.Outputs[i].Score; own != "" {
		return own, fmt.Sprintf("outputs[%d].score", i)
	}
	return m.Network.Score, "network.score"
}

// roundUp rounds to the next multiple of a power of two.
func roundUp(n, align int) int { return (n + align - 1) &^ (align - 1) }

// PlanConfig is the conversion that fills one row of such a tensor from pictures
// of this geometry, format and colour.
func (t TensorSpec) PlanConfig(width, height int, format frame.Format, colour frame.Colour) device.PlanConfig {
	s := t.Shape(1, width, height)
	c := device.PlanConfig{
		Width: width, Height: height, Format: format, Colour: colour,
		Channels: device.Luma, Filter: device.None,
		Letterbox: t.Letterbox, Pad: t.Pad, Mean: t.Mean, Std: t.Std,
		OutWidth: s.W, OutHeight: s.H, Type: t.Type(),
	}
	if t.Channels == "rgb" {
		c.Channels = device.RGB
	}
	switch t.Resize {
	case "area":
		c.Filter = device.Area
	case "bilinear":
		c.Filter = device.Bilinear
	}
	return c
}
