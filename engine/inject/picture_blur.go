package inject

import "math"

func noise(c pictureContext) pictureEdit {
	luma, chroma := c.params["sigma"], c.params["chroma"]
	return func(p *Picture, n int64) bool {
		rng := c.rng(n)
		add := func(data []byte, sigma float64) {
			for i, v := range data {
				data[i] = clampByte(float32(float64(v) + sigma*rng.NormFloat64()))
			}
		}
		add(p.luma().data, luma)
		if chroma > 0 {
			add(p.chroma(0).data, chroma)
			add(p.chroma(1).data, chroma)
		}
		return true
	}
}

// blur convolves with a Gaussian, rows then columns; edges are continued.
func blur(c pictureContext) pictureEdit {
	luma, chroma := gaussian(c.params["sigma"], 0), gaussian(c.params["sigma"]/2, 0)
	if k := int(c.params["kernel"]); k > 0 {
		sigma := 0.15*float64(k) + 0.35
		luma, chroma = gaussian(sigma, k/2), gaussian(sigma/2, max(k/4, 1))
	}
	work := make([]float32, c.width*c.height)
	return func(p *Picture, n int64) bool {
		p.luma().convolve(luma, work)
		p.chroma(0).convolve(chroma, work)
		p.chroma(1).convolve(chroma, work)
		return true
	}
}

// gaussian gives the weights of offsets 0, 1, 2, ... out to a radius (0: three
// sigma); over both sides they sum to 1.
func gaussian(sigma float64, radius int) []float32 {
	if radius == 0 {
		radius = int(math.Ceil(3 * sigma))
	}
	out := make([]float32, radius+1)
	sum := 0.0
	for i := range out {
		w := math.Exp(-float64(i*i) / (2 * sigma * sigma))
		out[i] = float32(w)
		sum += w
		if i > 0 {
			sum += w
		}
	}
	for i := range out {
		out[i] /= float32(sum)
	}
	return out
}

func (p plane) convolve(weights, work []float32) {
	eachRow(p.h, func(y0, y1 int) {
		padded := make([]float32, p.w+2*len(weights))
		for y := y0; y < y1; y++ {
			convolveRow(work[y*p.w:(y+1)*p.w], p.row(y), padded, weights)
		}
	})
	eachRow(p.h, func(y0, y1 int) {
		sum := make([]float32, p.w)
		for y := y0; y < y1; y++ {
			p.convolveColumns(y, sum, weights, work)
		}
	})
}

// convolveRow spreads row into padded, with its ends continued, and convolves from there.
func convolveRow(dst []float32, row []byte, padded, weights []float32) {
	r := len(weights) - 1
	for i := range padded {
		padded[i] = float32(row[min(max(i-r, 0), len(row)-1)])
	}
	centre := padded[r : r+len(dst)]
	for x := range dst {
		dst[x] = weights[0] * centre[x]
	}
	for k := 1; k <= r; k++ {
		w, left, right := weights[k], padded[r-k:r-k+len(dst)], padded[r+k:r+k+len(dst)]
		for x := range dst {
			dst[x] += w * (left[x] + right[x])
		}
	}
}

func (p plane) convolveColumns(y int, sum, weights, work []float32) {
	line := func(i int) []float32 {
		i = min(max(i, 0), p.h-1)
		return work[i*p.w : (i+1)*p.w]
	}
	for x, v := range line(y) {
		sum[x] = weights[0] * v
	}
	for k := 1; k < len(weights); k++ {
		w, above, below := weights[k], line(y-k), line(y+k)
		for x := range sum {
			sum[x] += w * (above[x] + below[x])
		}
	}
	for x, v := range sum {
		p.row(y)[x] = clampByte(v)
	}
}
