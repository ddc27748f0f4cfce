package inject

import "math"

// upscaling makes pictures smaller by the mean over areas, and larger again.
func upscaling(c pictureContext) pictureEdit {
	factor, cubic := c.params["factor"], c.params["cubic"] == 1
	smaller := func(n int) int { return max(int(math.Round(float64(n)/factor)), 1) }
	return func(p *Picture, n int64) bool {
		for i := range 3 {
			pl := p.luma()
			if i > 0 {
				pl = p.chroma(i - 1)
			}
			w, h := smaller(pl.w), smaller(pl.h)
			down := resample(pl.floats(), pl.w, pl.h, w, h, areaTaps)
			taps := linearTaps
			if cubic {
				taps = cubicTaps
			}
			pl.set(resample(down, w, h, pl.w, pl.h, taps))
		}
		return true
	}
}

func (p plane) floats() []float32 {
	out := make([]float32, len(p.data))
	for i, v := range p.data {
		out[i] = float32(v)
	}
	return out
}

func (p plane) set(values []float32) {
	for i, v := range values {
		p.data[i] = clampByte(v)
	}
}

// tap is how much one sample counts.
type tap struct {
	at     int
	weight float32
}

// tapsOf gives the samples of a row of n that make sample i of a row of m.
type tapsOf func(i, n, m int) []tap

// resample scales columns, then rows.
func resample(src []float32, w, h, toW, toH int, taps tapsOf) []float32 {
	across := make([]float32, toW*h)
	columns := make([][]tap, toW)
	for x := range columns {
		columns[x] = taps(x, w, toW)
	}
	eachRow(h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			row := src[y*w : (y+1)*w]
			for x, list := range columns {
				sum := float32(0)
				for _, t := range list {
					sum += t.weight * row[t.at]
				}
				across[y*toW+x] = sum
			}
		}
	})
	out := make([]float32, toW*toH)
	eachRow(toH, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			row := out[y*toW : (y+1)*toW]
			for _, t := range taps(y, h, toH) {
				for x, v := range across[t.at*toW : (t.at+1)*toW] {
					row[x] += t.weight * v
				}
			}
		}
	})
	return out
}

// areaTaps weigh samples by how much of them lies under the new one.
func areaTaps(i, n, m int) (out []tap) {
	step := float64(n) / float64(m)
	from, to := float64(i)*step, float64(i+1)*step
	for at := int(from); at < n && float64(at) < to; at++ {
		share := min(to, float64(at+1)) - max(from, float64(at))
		if share > 1e-9 {
			out = append(out, tap{at, float32(share / step)})
		}
	}
	return out
}

func linearTaps(i, n, m int) []tap {
	at, part := position(i, n, m)
	return []tap{{clampIndex(at, n), float32(1 - part)}, {clampIndex(at+1, n), float32(part)}}
}

// cubicTaps are those of Catmull and Rom.
func cubicTaps(i, n, m int) []tap {
	at, t := position(i, n, m)
	weights := [4]float64{
		((-t+2)*t - 1) * t / 2, ((3*t-5)*t*t + 2) / 2, (((-3*t+4)*t + 1) * t) / 2, (t - 1) * t * t / 2,
	}
	out := make([]tap, 4)
	for k, w := range weights {
		out[k] = tap{clampIndex(at-1+k, n), float32(w)}
	}
	return out
}

// position is where the middle of sample i of m lies among n samples.
func position(i, n, m int) (at int, part float64) {
	x := (float64(i)+0.5)*float64(n)/float64(m) - 0.5
	floor := math.Floor(x)
	return int(floor), x - floor
}

func clampIndex(i, n int) int { return min(max(i, 0), n-1) }
