package trial

import (
	"fmt"
	"io"
	"math"
)

// sample is Y, U and V of one place, 0..255.
type sample struct{ y, u, v byte }

// grey is a sample without colour.
func grey(y float64) sample { return sample{byte(min(max(y, 16), 235)), 128, 128} }

// scenes are what pictures show: plain ones, patterns, textures, and damage. x and y are
// pixels of a picture of w by h, turn counts how often the scene came before.
var scenes = [...]func(x, y, w, h, turn int) sample{
	func(_, _, _, _, _ int) sample { return grey(16) },
	func(_, _, _, _, _ int) sample { return grey(235) },
	func(_, _, _, _, turn int) sample { return grey(128 + 40*float64(turn)) },
	func(_, _, _, _, _ int) sample { return sample{145, 54, 34} },  // green
	func(_, _, _, _, _ int) sample { return sample{81, 90, 240} },  // red
	func(_, _, _, _, _ int) sample { return sample{41, 240, 110} }, // blue
	func(x, _, w, _, _ int) sample { return grey(16 + 219*float64(x)/float64(w)) },
	func(x, y, _, _, turn int) sample { return grey(235 * float64((x+y+turn)%2)) },
	func(x, y, _, _, turn int) sample { return grey(235 * float64((x/16+y/16+turn)%2)) },
	func(x, y, _, _, turn int) sample { return grey(235 * noise(x, y, turn)) },
	func(x, y, _, _, turn int) sample { return grey(texture(x, y, turn) + 20*noise(x, y, turn)) },
	func(x, y, _, _, turn int) sample { return grey(texture(x, y, turn) / 6) },
	func(x, y, _, _, turn int) sample { // a texture with foreign blocks of 16
		if noise(x/16, y/16, turn) > 0.8 {
			return grey(texture(x+97, y+31, turn+5))
		}
		return grey(texture(x, y, turn))
	},
	func(x, y, _, _, turn int) sample { // in coarse steps
		return grey(math.Floor(texture(x/4, y/4, turn)/24) * 24)
	},
	func(x, _, w, _, _ int) sample { // bars
		return [...]sample{{180, 128, 128}, {162, 44, 142}, {131, 156, 44}, {112, 72, 58}, {84, 184, 198}, {65, 100, 212}, {35, 212, 114}, {16, 128, 128}}[8*x/w]
	},
	func(x, y, _, _, turn int) sample { // colours everywhere
		return sample{byte(texture(x, y, turn)), byte(texture(y, x, turn)), byte(255 * noise(x/8, y/8, turn))}
	},
}

// texture is smooth and moves, 20..220.
func texture(x, y, turn int) float64 {
	return float64(20 + wave(x+37*turn, 197, 120) + wave(y+x/3, 107, 80))
}

// wave goes from 0 to high and back within a period.
func wave(at, period, high int) int {
	at %= period
	return 2 * high * min(at, period-at) / period
}

// noise is 0..1, different at every place and the same each time.
func noise(x, y, turn int) float64 {
	n := uint32(x)*0x9E3779B1 ^ uint32(y)*0x85EBCA77 ^ uint32(turn)*0xC2B2AE3D
	n = (n ^ n>>15) * 0x2C1B3C6D
	n = (n ^ n>>12) * 0x297A2D39
	return float64(n^n>>15) / math.MaxUint32
}

// writePictures writes n pictures of 25 a second as YUV4MPEG2, 8 bits, 4:2:0.
func writePictures(out io.Writer, w, h, n int) error {
	if _, err := fmt.Fprintf(out, "YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420jpeg\n", w, h); err != nil {
		return err
	}
	cw, ch := (w+1)/2, (h+1)/2
	picture := make([]byte, w*h+2*cw*ch)
	for i := range n {
		scene, turn := scenes[i%len(scenes)], i/len(scenes)
		for y := range h {
			for x := range w {
				s := scene(x, y, w, h, turn)
				picture[y*w+x] = s.y
				picture[w*h+y/2*cw+x/2], picture[w*h+cw*ch+y/2*cw+x/2] = s.u, s.v
			}
		}
		if _, err := io.WriteString(out, "FRAME\n"); err != nil {
			return err
		}
		if _, err := out.Write(picture); err != nil {
			return err
		}
	}
	return nil
}
