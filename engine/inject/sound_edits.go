package inject

import (
	"math"
	"math/rand/v2"
)

func gainOf(decibels float64) float32 { return float32(math.Pow(10, decibels/20)) }

// silenceRMS is what nobody hears: 60 dB below full scale. Where there was no more
// than that, taking it away leaves no mark.
const silenceRMS = 0.001

func silence(soundContext) soundEdit {
	return func(samples []float32, n int64) bool {
		sum := 0.0
		for i, v := range samples {
			sum += float64(v) * float64(v)
			samples[i] = 0
		}
		return sum > silenceRMS*silenceRMS*float64(len(samples))
	}
}

// clipping leaves a mark only where something was cut off.
func clipping(c soundContext) soundEdit {
	return amplify(gainOf(c.params["gain"]), gainOf(c.params["ceiling"]))
}

func amplify(gain, ceiling float32) soundEdit {
	return func(samples []float32, n int64) bool {
		cut := false
		for i, v := range samples {
			v *= gain
			cut = cut || v > ceiling || v < -ceiling
			samples[i] = min(max(v, -ceiling), ceiling)
		}
		return cut
	}
}

func level(c soundContext) soundEdit {
	change := amplify(gainOf(c.params["gain"]), 1)
	return func(samples []float32, n int64) bool {
		marked := audible(samples)
		change(samples, n)
		return marked
	}
}

func audible(samples []float32) bool {
	for _, v := range samples {
		if v != 0 {
			return true
		}
	}
	return false
}

func phase(c soundContext) soundEdit { return c.oneChannel(func(v float32) float32 { return -v }) }

func deadChannel(c soundContext) soundEdit {
	return c.oneChannel(func(float32) float32 { return 0 })
}

func (c soundContext) oneChannel(f func(float32) float32) soundEdit {
	ch := int(c.params["channel"]) - 1
	return func(samples []float32, n int64) bool {
		marked := false
		for i := ch; i < len(samples); i += c.channels {
			marked = marked || samples[i] != 0
			samples[i] = f(samples[i])
		}
		return marked
	}
}

func dcOffset(c soundContext) soundEdit {
	offset := float32(c.params["offset"])
	return func(samples []float32, n int64) bool {
		for i, v := range samples {
			samples[i] = min(max(v+offset, -1), 1)
		}
		return offset != 0
	}
}

// clickShape is a short ringing impulse, as a scratch or a bad splice leaves it.
var clickShape = [...]float32{1, -0.8, 0.5, -0.3, 0.2, -0.1}

// click has a range of len(clickShape) samples; all channels get the same.
func click(c soundContext) soundEdit {
	height := float32(c.params["amplitude"])
	return func(samples []float32, n int64) bool {
		for i := range samples {
			samples[i] = min(max(samples[i]+height*clickShape[n+int64(i/c.channels)], -1), 1)
		}
		return true
	}
}

// audioStutter repeats what it saw in its lead: the piece in front of the range.
// Where the clip begins later than that, the piece begins with silence.
func audioStutter(c soundContext) soundEdit {
	length := samplesOf(c.params, c.rateHz)
	piece := make([]float32, length*int64(c.channels))
	return func(samples []float32, n int64) bool {
		if n < 0 {
			copy(piece[(length+n)*int64(c.channels):], samples)
			return false
		}
		marked := false
		at := n % length * int64(c.channels)
		for i := range samples {
			marked = marked || samples[i] != piece[at]
			samples[i] = piece[at]
			if at++; at == int64(len(piece)) {
				at = 0
			}
		}
		return marked
	}
}

func hum(c soundContext) soundEdit {
	base := 2 * math.Pi * c.params["frequency"] / float64(c.rateHz)
	height := float64(gainOf(c.params["dbfs"]))
	harmonics := int(c.params["harmonics"])
	return func(samples []float32, n int64) bool {
		for i := 0; i < len(samples); i += c.channels {
			at := base * float64(n+int64(i/c.channels))
			v, h := 0.0, height
			for k := range harmonics + 1 {
				v += h * math.Sin(at*float64(k+1))
				h /= 2
			}
			for ch := range c.channels {
				samples[i+ch] = min(max(samples[i+ch]+float32(v), -1), 1)
			}
		}
		return true
	}
}

func hiss(c soundContext) soundEdit {
	rng := rand.New(rand.NewPCG(c.seed, 0))
	sigma := float64(gainOf(c.params["dbfs"]))
	return func(samples []float32, n int64) bool {
		for i, v := range samples {
			samples[i] = min(max(v+float32(sigma*rng.NormFloat64()), -1), 1)
		}
		return true
	}
}
