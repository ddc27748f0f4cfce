package inject

import "math"

func black(c pictureContext) pictureEdit {
	luma := byte(c.params["luma"])
	return func(p *Picture, n int64) bool {
		p.fillColor(luma, 128, 128)
		return true
	}
}

func solidColor(c pictureContext) pictureEdit {
	y, u, v := byte(c.params["y"]), byte(c.params["u"]), byte(c.params["v"])
	return func(p *Picture, n int64) bool {
		p.fillColor(y, u, v)
		return true
	}
}

func freeze(c pictureContext) pictureEdit {
	held := newPicture(c.width, c.height)
	return func(p *Picture, n int64) bool {
		if n == 0 {
			held.copyFrom(p)
			return false
		}
		marked := !p.equal(held)
		p.copyFrom(held)
		return marked
	}
}

// stutter keeps the last picture that is not hit; its lead gives it the one before the range.
func stutter(c pictureContext) pictureEdit {
	held := newPicture(c.width, c.height)
	every, run := int64(c.params["every"]), int64(c.params["repeat"])
	return func(p *Picture, n int64) bool {
		if n < 0 || n%every >= run {
			held.copyFrom(p)
			return false
		}
		marked := !p.equal(held)
		p.copyFrom(held)
		return marked
	}
}

// flash is on in the first half of each period.
func flash(c pictureContext) pictureEdit {
	high, low := byte(c.params["high"]), byte(c.params["low"])
	side := math.Sqrt(c.params["area"])
	halves := 2 * c.params["rate"] / c.rate.FPS() // half periods a picture
	return func(p *Picture, n int64) bool {
		level := high
		if int64(math.Floor(float64(n)*halves+1e-9))%2 == 1 {
			level = low
		}
		p.paintMiddle(side, level, 128, 128)
		return true
	}
}

// paintMiddle paints a rectangle in the middle; side is its share of the width and of the height.
func (p *Picture) paintMiddle(side float64, y, u, v byte) {
	for i, value := range []byte{y, u, v} {
		pl := p.luma()
		if i > 0 {
			pl = p.chroma(i - 1)
		}
		w, h := int(math.Round(float64(pl.w)*side)), int(math.Round(float64(pl.h)*side))
		x0, y0 := (pl.w-w)/2, (pl.h-h)/2
		for row := y0; row < y0+h; row++ {
			fill(pl.row(row)[x0:x0+w], value)
		}
	}
}

func dark(c pictureContext) pictureEdit { return exposure(c.params["gain"], false) }

func overexposed(c pictureContext) pictureEdit { return exposure(c.params["gain"], true) }

// exposure scales luma above black, and chroma with it where it gets darker
// (brighter pictures lose their colour only by clipping).
func exposure(gain float64, brighter bool) pictureEdit {
	var luma, chroma [256]byte
	for i := range 256 {
		luma[i] = clampByte(min(float32(16+(float64(i)-16)*gain), 235))
		chroma[i] = byte(i)
		if !brighter {
			chroma[i] = clampByte(float32(128 + (float64(i)-128)*gain))
		}
	}
	return func(p *Picture, n int64) bool {
		p.luma().lookUp(&luma)
		p.chroma(0).lookUp(&chroma)
		p.chroma(1).lookUp(&chroma)
		return true
	}
}

// brightness moves luma; chroma stays, except where luma meets black or white. It
// leaves a mark where half of the light above black is lost, or a twentieth of the
// picture burns out: less is another level, and no fault by itself.
func brightness(c pictureContext) pictureEdit {
	var luma [256]byte
	for i := range 256 {
		luma[i] = clampByte(float32(min(max(float64(i)+c.params["offset"], 16), 235)))
	}
	return func(p *Picture, n int64) bool {
		before, burntBefore := lightOf(p.luma())
		p.luma().lookUp(&luma)
		after, burnt := lightOf(p.luma())
		return 2*after <= before || burnt-burntBefore >= 0.05
	}
}

// lightOf is the mean of luma above black, and the share of samples at white.
func lightOf(p plane) (mean, burnt float64) {
	var counts [256]int
	for _, v := range p.data {
		counts[v]++
	}
	for v, n := range counts {
		share := float64(n) / float64(max(len(p.data), 1))
		mean += share * float64(max(v-16, 0))
		if v >= 235 {
			burnt += share
		}
	}
	return mean, burnt
}

func (p plane) lookUp(table *[256]byte) {
	for i, v := range p.data {
		p.data[i] = table[v]
	}
}

func banding(c pictureContext) pictureEdit {
	var table [256]byte
	step := 256 >> int(c.params["bits"])
	for i := range table {
		table[i] = byte(i/step*step + step/2)
	}
	return func(p *Picture, n int64) bool {
		p.luma().lookUp(&table)
		return true
	}
}

// colorBars are the 75 % bars of ITU-R BT.471 in 8-bit BT.601 levels.
func colorBars(pictureContext) pictureEdit {
	bars := [8][3]byte{{180, 128, 128}, {162, 44, 142}, {131, 156, 44}, {112, 72, 58}, {84, 184, 198}, {65, 100, 212}, {35, 212, 114}, {16, 128, 128}}
	return func(p *Picture, n int64) bool {
		for i := range 3 {
			pl := p.luma()
			if i > 0 {
				pl = p.chroma(i - 1)
			}
			first := pl.row(0)
			for x := range first {
				first[x] = bars[x*len(bars)/pl.w][i]
			}
			for y := 1; y < pl.h; y++ {
				copy(pl.row(y), first)
			}
		}
		return true
	}
}

// letterbox paints bars of an even number of rows or columns.
func letterbox(c pictureContext) pictureEdit {
	sides := c.params["sides"] == 1
	return func(p *Picture, n int64) bool {
		for i, value := range []byte{16, 128, 128} {
			pl, unit := p.luma(), 2
			if i > 0 {
				pl, unit = p.chroma(i-1), 1
			}
			length := pl.h
			if sides {
				length = pl.w
			}
			pl.bars(int(float64(length)*c.params["share"]/2)/unit*unit, sides, value)
		}
		return true
	}
}

func (p plane) bars(size int, sides bool, value byte) {
	for y := range p.h {
		row := p.row(y)
		switch {
		case sides:
			fill(row[:size], value)
			fill(row[p.w-size:], value)
		case y < size || y >= p.h-size:
			fill(row, value)
		}
	}
}

// combing keeps the last lag pictures as they came.
func combing(c pictureContext) pictureEdit {
	var past []*Picture
	lag := int(c.params["lag"])
	return func(p *Picture, n int64) bool {
		past = append(past, p.clone())
		if len(past) <= lag {
			return false
		}
		old := past[0]
		past = past[1:]
		if n < 0 {
			return false
		}
		for y := 1; y < p.Height; y += 2 {
			copy(p.luma().row(y), old.luma().row(y))
		}
		for i := range 2 {
			for y := 1; y < p.chroma(i).h; y += 2 {
				copy(p.chroma(i).row(y), old.chroma(i).row(y))
			}
		}
		return !p.equal(old)
	}
}

func blockiness(c pictureContext) pictureEdit {
	size, strength := int(c.params["size"]), float32(c.params["strength"])
	return func(p *Picture, n int64) bool {
		p.luma().pullToMeans(size, strength)
		p.chroma(0).pullToMeans(max(size/2, 1), strength)
		p.chroma(1).pullToMeans(max(size/2, 1), strength)
		return true
	}
}

func (p plane) pullToMeans(size int, strength float32) {
	for y0 := 0; y0 < p.h; y0 += size {
		for x0 := 0; x0 < p.w; x0 += size {
			x1, y1 := min(x0+size, p.w), min(y0+size, p.h)
			sum := 0
			for y := y0; y < y1; y++ {
				for _, v := range p.row(y)[x0:x1] {
					sum += int(v)
				}
			}
			mean := float32(sum) / float32((x1-x0)*(y1-y0))
			for y := y0; y < y1; y++ {
				row := p.row(y)[x0:x1]
				for x, v := range row {
					row[x] = clampByte(float32(v) + strength*(mean-float32(v)))
				}
			}
		}
	}
}
