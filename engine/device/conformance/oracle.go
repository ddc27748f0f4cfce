package conformance

import (
	"github.com/streamvet/streamvet/engine/frame"
)

// describe works out the measures of p as frame.Measures describes them, in plain
// Go and without a thought for speed. It shares nothing with the kernels.
func describe(p, previous *picture) frame.Measures {
	o := oracle{p: p, w: p.Width, h: p.Height}
	o.y = samples8(p, 0)
	m := &o.m
	m.Width, m.Height, m.Pixels = uint32(o.w), uint32(o.h), uint32(o.w*o.h)
	m.Min, m.Max = 255, 0
	for _, row := range o.y {
		for _, v := range row {
			m.Sum += uint64(v)
			m.SumSq += uint64(v * v)
			m.Min, m.Max = min(m.Min, uint32(v)), max(m.Max, uint32(v))
		}
	}
	m.HistogramRows = 4
	for y := 0; y < o.h; y += 4 {
		for _, v := range o.y[y] {
			m.Histogram[v/4]++
		}
	}
	o.steps()
	o.combs()
	o.bands()
	o.blocks(previous)
	o.borders()
	o.chroma()
	grid(&m.GridY, o.y)
	return o.m
}

type oracle struct {
	p    *picture
	y    [][]int // luma in 8-bit units
	w, h int
	m    frame.Measures
}

func samples8(p *picture, plane int) [][]int {
	w, h := p.size(plane)
	rows := make([][]int, h)
	for y := range rows {
		rows[y] = make([]int, w)
		for x := range rows[y] {
			rows[y][x] = p.at(plane, x, y) >> (p.Format.BitDepth - 8)
		}
	}
	return rows
}

func abs(a int) int   { return max(a, -a) }
func sq(a int) uint64 { return uint64(a * a) }

func (o *oracle) steps() {
	m, y := &o.m, o.y
	for r := range o.h {
		for c := range o.w {
			if c > 0 {
				m.EdgeColumns[c%16] += uint64(min(abs(y[r][c]-y[r][c-1]), 32))
				m.GradientSq1 += sq(y[r][c] - y[r][c-1])
			}
			if r > 0 {
				m.EdgeRows[r%16] += uint64(min(abs(y[r][c]-y[r-1][c]), 32))
			}
			if c >= 4 {
				m.GradientSq4 += sq(y[r][c] - y[r][c-4])
			}
			if r%4 == 0 && r+1 < o.h {
				m.GradientSqV1 += sq(y[r][c] - y[r+1][c])
			}
			if r%4 == 0 && r+4 < o.h {
				m.GradientSqV4 += sq(y[r][c] - y[r+4][c])
			}
			if o.inner(c, r) {
				m.Laplacian += uint64(abs(4*y[r][c] - y[r][c-1] - y[r][c+1] - y[r-1][c] - y[r+1][c]))
			}
		}
	}
}

func (o *oracle) inner(x, y int) bool { return x > 0 && y > 0 && x < o.w-1 && y < o.h-1 }

func (o *oracle) combs() {
	tooth := func(a, c, b int) bool {
		return abs(a-b) <= 10 && ((c > a+10 && c > b+10) || (c < a-10 && c < b-10))
	}
	for r := range o.h {
		for c := range o.w {
			if r > 0 && r < o.h-1 && tooth(o.y[r-1][c], o.y[r][c], o.y[r+1][c]) {
				o.m.CombPixels++
			}
			if c > 0 && c < o.w-1 && tooth(o.y[r][c-1], o.y[r][c], o.y[r][c+1]) {
				o.m.CombColumns++
			}
		}
	}
}

func (o *oracle) bands() {
	count := func(at func(d int) int) {
		o.m.BandSamples++
		if at(-8) != at(0) || at(-4) != at(0) || at(5) != at(1) || at(9) != at(1) {
			return
		}
		switch d := abs(at(1) - at(0)); {
		case d == 0:
			o.m.BandFlat++
		case d <= 4:
			o.m.BandSteps[d-1]++
		}
	}
	for r := 0; r < o.h; r += 4 {
		for c := range o.w {
			if c >= 8 && c+9 < o.w {
				count(func(d int) int { return o.y[r][c+d] })
			}
			if r >= 8 && r+9 < o.h {
				count(func(d int) int { return o.y[r+d][c] })
			}
		}
	}
}

func (o *oracle) blocks(previous *picture) {
	m := &o.m
	var before [][]int
	if previous != nil {
		before, m.HasPrevious = samples8(previous, 0), 1
	}
	for by := 0; by < o.h; by += 16 {
		for bx := 0; bx < o.w; bx += 16 {
			m.Blocks++
			x1, y1 := min(bx+16, o.w), min(by+16, o.h)
			sum, sad, mask, inner := 0, 0, 0, 0
			for y := by; y < y1; y++ {
				for x := bx; x < x1; x++ {
					sum += o.y[y][x]
					if before != nil {
						sad += abs(o.y[y][x] - before[y][x])
					}
					if o.inner(x, y) {
						inner++
						mask += abs(o.immerkaer(x, y))
					}
				}
			}
			o.changed(sad, (x1-bx)*(y1-by), before != nil)
			mean := float64(sum) / 256
			if x1-bx == 16 && y1-by == 16 && mean >= 24 && mean <= 228 {
				m.NoiseHistogram[min(int(float64(mask)/float64(inner)/2), 63)]++
				m.NoiseBlocks++
			}
			if o.sideAcross(bx, by) || o.sideAcross(bx+16, by) || o.sideDown(bx, by) || o.sideDown(bx, by+16) {
				m.EdgeBlocks++
			}
		}
	}
}

func (o *oracle) changed(sad, n int, compared bool) {
	if !compared {
		return
	}
	o.m.SAD += uint64(sad)
	mean := float64(sad) / float64(n)
	for k, limit := range []float64{0, 0.5, 2, 8} {
		if mean > limit {
			o.m.BlocksChanged[k]++
		}
	}
	o.m.BlockDiffMax = max(o.m.BlockDiffMax, uint32(sad*256/n))
}

func (o *oracle) immerkaer(x, y int) int {
	weights, sum := [3][3]int{{1, -2, 1}, {-2, 4, -2}, {1, -2, 1}}, 0
	for j, row := range weights {
		for i, k := range row {
			sum += k * o.y[y+j-1][x+i-1]
		}
	}
	return sum
}

// sideAcross tells whether the vertical block side at column x stands out over
// the rows of the block that begins at row y.
func (o *oracle) sideAcross(x, y int) bool {
	if x == 0 || x+1 >= o.w || y >= o.h {
		return false
	}
	excess, n := 0.0, 0.0
	for ; n < 16 && y < o.h; y, n = y+1, n+1 {
		step := func(x int) float64 { return float64(min(abs(o.y[y][x]-o.y[y][x-1]), 32)) }
		excess += step(x) - (step(x-1)+step(x+1))/2
	}
	return excess/n > 8
}

func (o *oracle) sideDown(x, y int) bool {
	if y == 0 || y+1 >= o.h || x >= o.w {
		return false
	}
	excess, n := 0.0, 0.0
	for ; n < 16 && x < o.w; x, n = x+1, n+1 {
		step := func(y int) float64 { return float64(min(abs(o.y[y][x]-o.y[y-1][x]), 32)) }
		excess += step(y) - (step(y-1)+step(y+1))/2
	}
	return excess/n > 8
}

func (o *oracle) borders() {
	bar := func(n int, at func(i int) int) bool {
		lo, hi := 255, 0
		for i := range n {
			lo, hi = min(lo, at(i)), max(hi, at(i))
		}
		return hi-lo <= 8 && hi <= 40
	}
	count := func(half, n int, at func(line, i int) int) (lines uint32) {
		for line := range half {
			if !bar(n, func(i int) int { return at(line, i) }) {
				break
			}
			lines++
		}
		return lines
	}
	o.m.BorderLeft = count(o.w/2, o.h, func(line, i int) int { return o.y[i][line] })
	o.m.BorderRight = count(o.w/2, o.h, func(line, i int) int { return o.y[i][o.w-1-line] })
	o.m.BorderTop = count(o.h/2, o.w, func(line, i int) int { return o.y[line][i] })
	o.m.BorderBottom = count(o.h/2, o.w, func(line, i int) int { return o.y[o.h-1-line][i] })
}

func (o *oracle) chroma() {
	if o.p.Format.Mono {
		return
	}
	m := &o.m
	for i, c := range []struct {
		sum, sq  *uint64
		min, max *uint32
		grid     *[frame.GridHeight * frame.GridWidth]uint8
	}{{&m.USum, &m.USumSq, &m.UMin, &m.UMax, &m.GridU}, {&m.VSum, &m.VSumSq, &m.VMin, &m.VMax, &m.GridV}} {
		rows := samples8(o.p, i+1)
		m.ChromaPixels = uint32(len(rows) * len(rows[0]))
		*c.min = 255
		for _, row := range rows {
			for _, v := range row {
				*c.sum += uint64(v)
				*c.sq += sq(v)
				*c.min, *c.max = min(*c.min, uint32(v)), max(*c.max, uint32(v))
			}
		}
		grid(c.grid, rows)
	}
}

// grid takes cell means; a picture smaller than the grid repeats its samples.
func grid(out *[frame.GridHeight * frame.GridWidth]uint8, rows [][]int) {
	h, w := len(rows), len(rows[0])
	for j := range frame.GridHeight {
		for i := range frame.GridWidth {
			sum, n := 0.0, 0.0
			for y := j * h / 18; y < max((j+1)*h/18, j*h/18+1); y++ {
				for x := i * w / 32; x < max((i+1)*w/32, i*w/32+1); x++ {
					sum, n = sum+float64(rows[y][x]), n+1
				}
			}
			out[j*frame.GridWidth+i] = uint8(sum/n + 0.5)
		}
	}
}
