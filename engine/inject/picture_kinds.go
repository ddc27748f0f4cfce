package inject

import (
	"fmt"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// pictureKinds are the kinds that change raw pictures. Levels are 8-bit values
// as they are coded: black is 16, white 235.
func pictureKinds() []Kind {
	level := func(name string, def float64, help string) Param {
		return Param{Name: name, Default: def, Max: 255, Whole: true, Help: help}
	}
	kinds := []Kind{
		{Name: "black", Defect: verdict.Black, Summary: "pictures of one black", Example: "black@2-3.5",
			Params: []Param{level("level", 16, "luma; 16 is black")}, picture: black},
		{Name: "freeze", Defect: verdict.Freeze, Summary: "the picture at START stands still until END", Example: "freeze@4-6", picture: freeze},
		stutterKind(),
		{Name: "blur", Defect: verdict.Blur, Summary: "Gaussian blur", Example: "blur:sigma=6@1-3",
			Params: []Param{{Name: "sigma", Default: 5, Min: 0.1, Max: 100, Unit: "pixels", Help: "standard deviation"}}, picture: blur},
		{Name: "noise", Defect: verdict.Noise, Summary: "Gaussian noise, new in every picture", Example: "noise:sigma=25@1-3",
			Params: []Param{{Name: "sigma", Default: 20, Min: 0.1, Max: 200, Unit: "levels", Help: "standard deviation in luma"},
				{Name: "chroma", Max: 200, Unit: "levels", Help: "standard deviation in chroma"}}, picture: noise},
		{Name: "flash", Defect: verdict.Flash, Summary: "a bright area that goes on and off", Example: "flash:rate=8,area=0.5@2-4",
			Params: []Param{{Name: "rate", Default: 6, Min: 0.1, Max: 60, Unit: "Hz", Help: "flashes a second"},
				{Name: "area", Default: 1, Min: 0.01, Max: 1, Help: "share of the picture, in its middle"},
				level("high", 235, "luma when on"), level("low", 16, "luma when off")}, picture: flash},
		{Name: "dark", Defect: verdict.Dark, Summary: "darkened pictures", Example: "dark:gain=0.15@2-4",
			Params: []Param{{Name: "gain", Default: 0.15, Max: 1, Help: "luma above black times this"}}, picture: dark},
		{Name: "overexposed", Defect: verdict.Overexposed, Summary: "brightened pictures that clip at white", Example: "overexposed:gain=4@2-4",
			Params: []Param{{Name: "gain", Default: 4, Min: 1, Max: 100, Help: "luma above black times this"}}, picture: overexposed},
		{Name: "solid_color", Defect: verdict.SolidColor, Summary: "pictures of one colour", Example: "solid_color:y=81,u=90,v=240@2-3",
			Params: []Param{level("y", 145, "luma"), level("u", 54, "blue difference"), level("v", 34, "red difference")}, picture: solidColor},
		{Name: "color_bars", Defect: verdict.ColorBars, Summary: "75 % colour bars", Example: "color_bars@2-4", picture: colorBars},
		{Name: "letterbox", Defect: verdict.LetterboxChange, Summary: "black bars above and below (or at the sides)", Example: "letterbox:share=0.25@2-4",
			Params: []Param{{Name: "share", Default: 0.25, Min: 0.02, Max: 0.9, Help: "share of the picture that the bars cover"},
				{Name: "sides", Max: 1, Whole: true, Help: "1: bars left and right"}}, picture: letterbox},
		{Name: "combing", Defect: verdict.Combing, Summary: "odd rows of the picture before, as in wrongly woven fields", Example: "combing@2-4",
			Params: []Param{{Name: "lag", Default: 1, Min: 1, Max: 16, Whole: true, Unit: "pictures", Help: "how far the odd rows lag"}}, lead: 16, picture: combing},
		{Name: "banding", Defect: verdict.Banding, Summary: "luma of few bits", Example: "banding:bits=4@2-4",
			Params: []Param{{Name: "bits", Default: 4, Min: 1, Max: 7, Whole: true, Help: "bits that are left"}}, picture: banding},
		{Name: "blockiness", Defect: verdict.Blockiness, Summary: "blocks pulled towards their mean, as in coarse coding", Example: "blockiness:strength=0.7@2-4",
			Params: []Param{{Name: "strength", Default: 0.7, Min: 0.01, Max: 1, Help: "1 leaves only the mean"},
				{Name: "size", Default: 8, Min: 4, Max: 64, Whole: true, Unit: "pixels", Help: "side of a block"}}, picture: blockiness},
	}
	for i := range kinds {
		kinds[i].Medium, kinds[i].Length = Pictures, time.Second
	}
	return kinds
}

// stutterKind repeats or leaves out the first pictures of every group. Left out
// pictures leave a hole: the timestamps of the others stay.
func stutterKind() Kind {
	whole := func(name string, def, least float64, help string) Param {
		return Param{Name: name, Default: def, Min: least, Max: 1000, Whole: true, Unit: "pictures", Help: help}
	}
	run := func(p Params) int64 {
		if p["drop"] > 0 {
			return int64(p["drop"])
		}
		return int64(p["repeat"])
	}
	return Kind{
		Name: "stutter", Defect: verdict.Stutter, Summary: "repeated pictures, or (drop) pictures left out while the timestamps of the others stay",
		Example: "stutter:repeat=2,every=6@2-4",
		Params: []Param{whole("repeat", 1, 1, "so many in a row show the picture before them"),
			whole("drop", 0, 0, "so many in a row are left out instead"),
			whole("every", 8, 2, "length of a group; its first pictures are hit")},
		lead:    1,
		hit:     func(p Params, n int64) bool { return n%int64(p["every"]) < run(p) },
		removes: func(p Params) bool { return p["drop"] > 0 },
		check: func(p Params) error {
			if run(p) >= int64(p["every"]) {
				return fmt.Errorf("of every %g pictures %d would be hit: make every larger, or use freeze", p["every"], run(p))
			}
			return nil
		},
		picture: stutter,
	}
}
