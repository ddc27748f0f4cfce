package measure

import (
	"math"
	"math/rand/v2"
)

// scene gives picture n of a test clip.
type scene func(n int) *drawing

const (
	sceneWidth  = 192
	sceneHeight = 108
)

// camera is a textured picture with sharp things in it, that pans by speed
// samples a picture, under a little noise that is new in every picture.
func camera(speed int, noise float64) scene {
	const frames = 100
	rng := rand.New(rand.NewPCG(1, 2))
	w := sceneWidth + speed*frames
	world := make([]float64, w*sceneHeight)
	for i := range world {
		fx, fy := float64(i%w), float64(i/w)
		v := 110 + 35*math.Sin(fx/17) + 30*math.Cos(fy/13+fx/29) + 10*math.Sin(fx*0.5+fy*0.3)
		if math.Mod(fx, 48) < 9 && math.Mod(fy, 37) < 14 {
			v += 60
		}
		world[i] = v
	}
	dither := make([]float64, 1<<16)
	for i := range dither {
		dither[i] = rng.NormFloat64()
	}
	return func(n int) *drawing {
		d := newDrawing(sceneWidth, sceneHeight)
		left := speed * min(max(n, 0), frames)
		shift := rand.New(rand.NewPCG(uint64(n), 2)).IntN(len(dither))
		for i := range d.y {
			v := world[i/d.w*w+i%d.w+left]
			d.y[i] = clamp(v + noise*dither[(i+shift)%len(dither)])
		}
		return d
	}
}

func clamp(v float64) uint8 { return uint8(min(max(v+0.5, 16), 235)) }

// change applies edit to the pictures from..to of a scene.
func (s scene) change(from, to int, edit func(d *drawing)) scene {
	return func(n int) *drawing {
		d := s(n)
		if n >= from && n < to {
			edit(d)
		}
		return d
	}
}

// show shows picture pick(n) of s as picture n.
func (s scene) show(pick func(n int) int) scene {
	cache := map[int]*drawing{}
	return func(n int) *drawing {
		k := pick(n)
		if cache[k] == nil {
			cache[k] = s(k)
		}
		return cache[k].clone()
	}
}

// held shows picture from again and again until to.
func (s scene) held(from, to int) scene {
	return s.show(func(n int) int {
		if n > from && n < to {
			return from
		}
		return n
	})
}

// refined adds what an encoder does to a repeated picture: it changes a few
// blocks by a level for some pictures, and all of them at a keyframe.
func (s scene) refined(from int) scene {
	rng := rand.New(rand.NewPCG(3, 4))
	return s.change(from, from+4, func(d *drawing) {
		for range 60 {
			i := rng.IntN(len(d.y))
			d.y[i] = clamp(float64(d.y[i]) + 1)
		}
	})
}

// empty is a picture whose samples are all 0, which is green.
func empty(d *drawing) {
	clear(d.y)
	clear(d.u)
	clear(d.v)
}

func fill(level uint8) func(d *drawing) {
	return func(d *drawing) {
		for i := range d.y {
			d.y[i] = level
		}
		for i := range d.u {
			d.u[i], d.v[i] = 128, 128
		}
	}
}

func paint(x0, y0, x1, y1 int, level uint8) func(d *drawing) {
	return func(d *drawing) {
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				d.y[y*d.w+x] = level
			}
		}
	}
}

func grain(sigma float64) func(d *drawing) {
	rng := rand.New(rand.NewPCG(5, 6))
	return func(d *drawing) {
		for i := range d.y {
			d.y[i] = clamp(float64(d.y[i]) + sigma*rng.NormFloat64())
		}
	}
}

// levels maps luma.
func levels(f func(y float64) float64) func(d *drawing) {
	return func(d *drawing) {
		for i := range d.y {
			d.y[i] = clamp(f(float64(d.y[i])))
		}
	}
}

// woven puts the odd rows of the picture lag pictures earlier into each picture.
func (s scene) woven(lag int) scene {
	return func(n int) *drawing {
		d, other := s(n), s(n-lag)
		for y := 1; y < d.h; y += 2 {
			copy(d.y[y*d.w:(y+1)*d.w], other.y[y*d.w:(y+1)*d.w])
		}
		return d
	}
}

// blocky pulls blocks of 8 by 8 towards their mean.
func blocky(strength float64) func(d *drawing) {
	return func(d *drawing) {
		for by := 0; by+8 <= d.h; by += 8 {
			for bx := 0; bx+8 <= d.w; bx += 8 {
				mean := 0.0
				for k := range 64 {
					mean += float64(d.at(bx+k%8, by+k/8)) / 64
				}
				for k := range 64 {
					i := (by+k/8)*d.w + bx + k%8
					d.y[i] = clamp(mean + (1-strength)*(float64(d.y[i])-mean))
				}
			}
		}
	}
}

// bars75 are SMPTE bars of 75 % in BT.601.
func bars75(d *drawing) {
	y := [7]uint8{180, 162, 131, 112, 84, 65, 35}
	u := [7]uint8{128, 44, 156, 72, 184, 100, 212}
	v := [7]uint8{128, 142, 44, 58, 198, 212, 114}
	for i := range d.y {
		d.y[i] = y[i%d.w*7/d.w]
	}
	for i := range d.u {
		k := i % (d.w / 2) * 7 / (d.w / 2)
		d.u[i], d.v[i] = u[k], v[k]
	}
}

// page is a screen: black text on white, and a small cursor that blinks.
func page(n int) *drawing {
	d := newDrawing(sceneWidth, sceneHeight)
	rng := rand.New(rand.NewPCG(7, 8))
	fill(235)(d)
	for y := 8; y < d.h-8; y += 10 {
		for x := 10; x < d.w-30; x += 2 + rng.IntN(5) {
			paint(x, y, x+1, y+6, 16)(d)
		}
	}
	if n/12%2 == 0 {
		paint(170, 90, 173, 100, 60)(d)
	}
	return d
}
