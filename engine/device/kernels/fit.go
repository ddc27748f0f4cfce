package kernels

import (
	"fmt"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// CheckPicture tells why a conversion is not for f, or nil.
func CheckPicture(c *device.PlanConfig, f *frame.Video) error {
	if f.Width != c.Width || f.Height != c.Height || f.Format != c.Format || f.Colour != c.Colour {
		return fmt.Errorf("a picture of %dx%d %+v %+v, the plan is for %dx%d %+v %+v",
			f.Width, f.Height, f.Format, f.Colour, c.Width, c.Height, c.Format, c.Colour)
	}
	return nil
}

// CheckRow tells why a conversion cannot write row n of a tensor, or nil.
func CheckRow(c *device.PlanConfig, s device.Shape, t device.DType, n int) error {
	want := device.Shape{N: s.N, C: 1, H: c.OutHeight, W: c.OutWidth}
	if c.Channels == device.RGB {
		want.C = 3
	}
	if s != want || t != c.Type {
		return fmt.Errorf("the tensor is %+v %v, the plan is for %+v %v", s, t, want, c.Type)
	}
	if n < 0 || n >= s.N {
		return fmt.Errorf("row %d of a tensor of %d", n, s.N)
	}
	return nil
}
