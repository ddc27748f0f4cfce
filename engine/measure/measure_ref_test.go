package measure

import (
	"math/rand/v2"
	"reflect"

	"github.com/streamvet/streamvet/engine/frame"
)

// drawing is a small 4:2:0 picture for tests.
type drawing struct {
	w, h    int
	y, u, v []uint8
}

func newDrawing(w, h int) *drawing {
	d := &drawing{w: w, h: h, y: make([]uint8, w*h), u: make([]uint8, w*h/4), v: make([]uint8, w*h/4)}
	for i := range d.u {
		d.u[i], d.v[i] = 128, 128
	}
	return d
}

func (d *drawing) clone() *drawing {
	c := *d
	c.y, c.u, c.v = append([]uint8(nil), d.y...), append([]uint8(nil), d.u...), append([]uint8(nil), d.v...)
	return &c
}

func (d *drawing) at(x, y int) int { return int(d.y[y*d.w+x]) }

// measureOf is the plain reference of frame.Measures, field by field as its
// documentation says; EdgeBlocks is left out. previous may be nil.
func measureOf(d, previous *drawing) *frame.Measures {
	m := &frame.Measures{
		Width: uint32(d.w), Height: uint32(d.h), Pixels: uint32(d.w * d.h), ChromaPixels: uint32(len(d.u)),
		HistogramRows: 1, Min: 255, UMin: 255, VMin: 255,
	}
	refMoments(m, d)
	refEdges(m, d)
	refContours(m, d)
	refBlocks(m, d, previous)
	refBorders(m, d)
	refGrid(&m.GridY, d.y, d.w, d.h)
	refGrid(&m.GridU, d.u, d.w/2, d.h/2)
	refGrid(&m.GridV, d.v, d.w/2, d.h/2)
	return m
}

func refMoments(m *frame.Measures, d *drawing) {
	for _, s := range d.y {
		v := uint32(s)
		m.Sum += uint64(v)
		m.SumSq += uint64(v * v)
		m.Min, m.Max = min(m.Min, v), max(m.Max, v)
		m.Histogram[v/4]++
	}
	for i := range d.u {
		u, v := uint32(d.u[i]), uint32(d.v[i])
		m.USum, m.VSum = m.USum+uint64(u), m.VSum+uint64(v)
		m.USumSq, m.VSumSq = m.USumSq+uint64(u*u), m.VSumSq+uint64(v*v)
		m.UMin, m.UMax = min(m.UMin, u), max(m.UMax, u)
		m.VMin, m.VMax = min(m.VMin, v), max(m.VMax, v)
	}
}

func refEdges(m *frame.Measures, d *drawing) {
	for y := range d.h {
		for x := range d.w {
			c := d.at(x, y)
			if x > 0 {
				m.EdgeColumns[x%16] += uint64(min(abs(c-d.at(x-1, y)), 32))
				m.GradientSq1 += square(c - d.at(x-1, y))
			}
			if x >= 4 {
				m.GradientSq4 += square(c - d.at(x-4, y))
			}
			if y > 0 {
				m.EdgeRows[y%16] += uint64(min(abs(c-d.at(x, y-1)), 32))
			}
			if y%4 == 0 && y+1 < d.h {
				m.GradientSqV1 += square(d.at(x, y+1) - c)
			}
			if y%4 == 0 && y+4 < d.h {
				m.GradientSqV4 += square(d.at(x, y+4) - c)
			}
			if y > 0 && y+1 < d.h && standsOut(c, d.at(x, y-1), d.at(x, y+1)) {
				m.CombPixels++
			}
			if x > 0 && x+1 < d.w && standsOut(c, d.at(x-1, y), d.at(x+1, y)) {
				m.CombColumns++
			}
			if x > 0 && y > 0 && x+1 < d.w && y+1 < d.h {
				m.Laplacian += uint64(abs(4*c - d.at(x-1, y) - d.at(x+1, y) - d.at(x, y-1) - d.at(x, y+1)))
			}
		}
	}
}

func square(a int) uint64 { return uint64(a * a) }

func standsOut(c, a, b int) bool {
	return abs(a-b) <= 10 && (c-a > 10 && c-b > 10 || a-c > 10 && b-c > 10)
}

func refContours(m *frame.Measures, d *drawing) {
	look := func(at func(k int) int) {
		m.BandSamples++
		if at(-8) != at(-4) || at(-4) != at(0) || at(1) != at(5) || at(5) != at(9) {
			return
		}
		switch step := abs(at(1) - at(0)); {
		case step == 0:
			m.BandFlat++
		case step <= 4:
			m.BandSteps[step-1]++
		}
	}
	for y := 0; y < d.h; y += 4 {
		for x := range d.w {
			if x >= 8 && x+9 < d.w {
				look(func(k int) int { return d.at(x+k, y) })
			}
			if y >= 8 && y+9 < d.h {
				look(func(k int) int { return d.at(x, y+k) })
			}
		}
	}
}

func refBlocks(m *frame.Measures, d, previous *drawing) {
	for by := 0; by < d.h; by += frame.BlockSize {
		for bx := 0; bx < d.w; bx += frame.BlockSize {
			refBlock(m, d, previous, bx, by)
		}
	}
}

func refBlock(m *frame.Measures, d, previous *drawing, bx, by int) {
	x1, y1 := min(bx+frame.BlockSize, d.w), min(by+frame.BlockSize, d.h)
	samples, sum, sad, noise, masks := 0, 0, 0, 0, 0
	for y := by; y < y1; y++ {
		for x := bx; x < x1; x++ {
			samples++
			sum += d.at(x, y)
			if previous != nil {
				sad += abs(d.at(x, y) - previous.at(x, y))
			}
			if x > 0 && y > 0 && x+1 < d.w && y+1 < d.h {
				masks++
				noise += abs(4*d.at(x, y) - 2*(d.at(x-1, y)+d.at(x+1, y)+d.at(x, y-1)+d.at(x, y+1)) +
					d.at(x-1, y-1) + d.at(x+1, y-1) + d.at(x-1, y+1) + d.at(x+1, y+1))
			}
		}
	}
	m.Blocks++
	if mean := sum / samples; mean >= 24 && mean <= 228 && samples == 256 {
		m.NoiseHistogram[min(noise/max(masks, 1)/2, frame.NoiseBins-1)]++
		m.NoiseBlocks++
	}
	if previous == nil {
		return
	}
	m.HasPrevious = 1
	m.SAD += uint64(sad)
	diff := sad * 256 / samples
	m.BlockDiffMax = max(m.BlockDiffMax, uint32(diff))
	for k, limit := range [4]int{0, 128, 512, 2048} {
		if diff > limit || k == 0 && sad > 0 {
			m.BlocksChanged[k]++
		}
	}
}

func refBorders(m *frame.Measures, d *drawing) {
	uniform := func(n int, at func(k int) int) bool {
		lo, hi := 255, 0
		for k := range n {
			lo, hi = min(lo, at(k)), max(hi, at(k))
		}
		return hi-lo <= 8 && hi <= 40
	}
	row := func(y int) bool { return uniform(d.w, func(k int) int { return d.at(k, y) }) }
	column := func(x int) bool { return uniform(d.h, func(k int) int { return d.at(x, k) }) }
	for int(m.BorderTop) < d.h/2 && row(int(m.BorderTop)) {
		m.BorderTop++
	}
	for int(m.BorderBottom) < d.h/2 && row(d.h-1-int(m.BorderBottom)) {
		m.BorderBottom++
	}
	for int(m.BorderLeft) < d.w/2 && column(int(m.BorderLeft)) {
		m.BorderLeft++
	}
	for int(m.BorderRight) < d.w/2 && column(d.w-1-int(m.BorderRight)) {
		m.BorderRight++
	}
}

func refGrid(cells *[frame.GridHeight * frame.GridWidth]uint8, plane []uint8, w, h int) {
	for j := range frame.GridHeight {
		for i := range frame.GridWidth {
			sum, n := 0, 0
			for y := j * h / frame.GridHeight; y < (j+1)*h/frame.GridHeight; y++ {
				for x := i * w / frame.GridWidth; x < (i+1)*w/frame.GridWidth; x++ {
					sum += int(plane[y*w+x])
					n++
				}
			}
			if n > 0 {
				cells[j*frame.GridWidth+i] = uint8((sum + n/2) / n)
			}
		}
	}
}

// randomMeasures are numbers that no picture has, of all sizes.
func randomMeasures(rng *rand.Rand) *frame.Measures {
	m := &frame.Measures{}
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		randomField(rng, v.Field(i))
	}
	m.HasPrevious &= 1
	return m
}

func randomField(rng *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Array:
		for i := range v.Len() {
			randomField(rng, v.Index(i))
		}
	default:
		bits := min(rng.IntN(65), v.Type().Bits())
		if bits > 0 {
			v.SetUint(rng.Uint64() >> (64 - bits))
		}
	}
}
