package kernels

import (
	"errors"
	"fmt"
	"math"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// Plan is struct sv_plan: one conversion, as the kernels are told it.
type Plan struct {
	filter, channels, dtype int32
	outWidth, outHeight     int32
	boxX, boxY, boxW, boxH  int32
	inScale                 float32
	black                   float32
	ky, krv, kgu, kgv, kbu  float32
	mul, add, pad           [3]float32
}

// NewPlan checks c and works out the numbers of the conversion.
func NewPlan(c device.PlanConfig) (Plan, error) {
	if err := checkConfig(c); err != nil {
		return Plan{}, err
	}
	p := Plan{
		filter:   map[device.Filter]int32{device.Area: 0, device.Bilinear: 1, device.None: 2}[c.Filter],
		channels: map[device.Channels]int32{device.Luma: 0, device.RGB: 1}[c.Channels],
		dtype:    map[device.DType]int32{device.U8: 1, device.F16: 2, device.F32: 3}[c.Type],
		outWidth: int32(c.OutWidth), outHeight: int32(c.OutHeight),
		boxW: int32(c.OutWidth), boxH: int32(c.OutHeight),
	}
	if c.Letterbox {
		p.letterbox(c)
	}
	p.colour(c)
	p.normalise(c)
	return p, nil
}

// letterbox centres the largest box of the picture's shape, at least 1x1.
func (p *Plan) letterbox(c device.PlanConfig) {
	if c.Width*c.OutHeight > c.OutWidth*c.Height {
		p.boxH = int32(max(1, c.OutWidth*c.Height/c.Width))
	} else {
		p.boxW = int32(max(1, c.OutHeight*c.Width/c.Height))
	}
	p.boxX, p.boxY = (p.outWidth-p.boxW)/2, (p.outHeight-p.boxH)/2
}

// colour works out the YCbCr matrix (ITU-T H.273, table 4) for samples in 8-bit
// units. Full range of more than 8 bits ends at (2^d-1)/2^(d-8), not at 255.
func (p *Plan) colour(c device.PlanConfig) {
	depth := int(c.Format.BitDepth)
	p.inScale = float32(1 / float64(int(1)<<(depth-8)))
	kr, kb := 0.299, 0.114
	switch matrix(c) {
	case frame.MatrixBT709:
		kr, kb = 0.2126, 0.0722
	case frame.MatrixBT2020:
		kr, kb = 0.2627, 0.0593
	}
	kg := 1 - kr - kb
	luma, chroma := 255.0/219, 255.0/224
	p.black = 16
	if c.Colour.FullRange {
		luma = 255 * float64(int(1)<<(depth-8)) / float64(int(1)<<depth-1)
		chroma, p.black = luma, 0
	}
	p.ky = float32(luma)
	p.krv = float32(2 * (1 - kr) * chroma)
	p.kbu = float32(2 * (1 - kb) * chroma)
	p.kgu = float32(2 * (1 - kb) * kb / kg * chroma)
	p.kgv = float32(2 * (1 - kr) * kr / kg * chroma)
}

func matrix(c device.PlanConfig) frame.Matrix {
	if c.Colour.Matrix != frame.MatrixUnknown {
		return c.Colour.Matrix
	}
	if c.Height >= 720 {
		return frame.MatrixBT709
	}
	return frame.MatrixBT601
}

func (p *Plan) normalise(c device.PlanConfig) {
	for i := range 3 {
		std := float64(c.Std[i])
		if std == 0 {
			std = 1
		}
		mul, add := 1/(255*std), -float64(c.Mean[i])/std
		p.mul[i], p.add[i] = float32(mul), float32(add)
		p.pad[i] = float32(float64(c.Pad)*mul + add)
		if c.Type == device.U8 {
			p.pad[i] = float32(math.Floor(float64(c.Pad) + 0.5))
		}
	}
}

func checkConfig(c device.PlanConfig) error {
	if err := checkGeometry(c.Width, c.Height, c.Format); err != nil {
		return err
	}
	if c.OutWidth < 1 || c.OutHeight < 1 || c.OutWidth > SideMax || c.OutHeight > SideMax {
		return fmt.Errorf("a tensor of %dx%d: sides must be 1 to %d", c.OutWidth, c.OutHeight, SideMax)
	}
	if c.Colour.Matrix > frame.MatrixBT2020 {
		return fmt.Errorf("matrix %d is not known", c.Colour.Matrix)
	}
	if c.Channels > device.RGB {
		return fmt.Errorf("channels %d are not known", c.Channels)
	}
	if c.Type < device.U8 || c.Type > device.F32 {
		return fmt.Errorf("element type %d is not known", c.Type)
	}
	if err := checkFilter(c); err != nil {
		return err
	}
	return checkNumbers(c)
}

func checkFilter(c device.PlanConfig) error {
	if c.Filter > device.None {
		return fmt.Errorf("filter %d is not known", c.Filter)
	}
	if c.Filter != device.None {
		return nil
	}
	if c.Letterbox {
		return errors.New("letterbox needs a filter: native resolution is not scaled")
	}
	if c.OutWidth < c.Width || c.OutHeight < c.Height {
		return fmt.Errorf("a native picture of %dx%d does not fit a tensor of %dx%d", c.Width, c.Height, c.OutWidth, c.OutHeight)
	}
	return nil
}

func checkNumbers(c device.PlanConfig) error {
	if !(c.Pad >= 0 && c.Pad <= 255) {
		return fmt.Errorf("pad %v is outside 0..255", c.Pad)
	}
	for i := range 3 {
		mean, std := float64(c.Mean[i]), float64(c.Std[i])
		if math.IsNaN(mean) || math.IsInf(mean, 0) || !(std >= 0) || math.IsInf(std, 0) {
			return fmt.Errorf("mean %v and std %v of channel %d do not normalise", mean, std, i)
		}
		if c.Type == device.U8 && (mean != 0 || std != 0) {
			return errors.New("u8 tensors are not normalised: mean and std must be zero")
		}
	}
	return nil
}
