package inject

import (
	"fmt"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// pictureKinds are the kinds that change raw pictures. Sample values are 8-bit
// levels as they are coded: black is 16, white 235. Levels of blur, noise, freeze
// and compression are those of MVAD (Feng et al., WACV 2025).
func pictureKinds() []Kind {
	kinds := append(lightKinds(), append(detailKinds(), motionKinds()...)...)
	for i := range kinds {
		kinds[i].Medium, kinds[i].Length = Pictures, time.Second
	}
	return kinds
}

// ladder makes levels that differ in one parameter.
func ladder(name string, values ...float64) (out []Params) {
	for _, v := range values {
		out = append(out, Params{name: v})
	}
	return out
}

func sample(name string, def float64, help string) Param {
	return Param{Name: name, Default: def, Max: 255, Whole: true, Help: help}
}

// lightKinds change brightness and colour, or cover the picture.
func lightKinds() []Kind {
	return []Kind{
		{Name: "black", Defect: verdict.Black, Summary: "pictures of one black", Example: "black@2-3.5",
			Params: []Param{sample("luma", 16, "16 is black")}, picture: black},
		{Name: "dark", Defect: verdict.Dark, Summary: "darkened pictures", Example: "dark:gain=0.15@2-4",
			Params: []Param{{Name: "gain", Default: 0.15, Max: 1, Help: "luma above black times this"}},
			Levels: ladder("gain", 0.3, 0.2, 0.14, 0.1), picture: dark},
		{Name: "overexposed", Defect: verdict.Overexposed, Summary: "brightened pictures that clip at white", Example: "overexposed:gain=4@2-4",
			Params: []Param{{Name: "gain", Default: 4, Min: 1, Max: 100, Help: "luma above black times this"}},
			Levels: ladder("gain", 2, 3, 4, 6), picture: overexposed},
		{Name: "brightness", defect: brightnessDefect, Summary: "all of luma moved down (dark) or up (overexposed)", Example: "brightness:offset=-80@2-4",
			Params: []Param{{Name: "offset", Default: -80, Min: -219, Max: 219, Unit: "levels", Help: "added to luma; cut off at black and white"}},
			Levels: ladder("offset", -40, -80, 40, 80), picture: brightness},
		{Name: "solid_color", Defect: verdict.SolidColor, Summary: "pictures of one colour", Example: "solid_color:y=81,u=90,v=240@2-3",
			Params: []Param{sample("y", 145, "luma"), sample("u", 54, "blue difference"), sample("v", 34, "red difference")}, picture: solidColor},
		{Name: "color_bars", Defect: verdict.ColorBars, Summary: "75 % colour bars", Example: "color_bars@2-4", picture: colorBars},
		{Name: "letterbox", Defect: verdict.LetterboxChange, Summary: "black bars above and below (or at the sides)", Example: "letterbox:share=0.25@2-4",
			Params: []Param{{Name: "share", Default: 0.25, Min: 0.02, Max: 0.9, Help: "share of the picture that the bars cover"},
				{Name: "sides", Max: 1, Whole: true, Help: "1: bars left and right"}},
			Levels: ladder("share", 0.08, 0.12, 0.18, 0.25), picture: letterbox},
		{Name: "flash", Defect: verdict.Flash, Summary: "a bright area that goes on and off", Example: "flash:rate=8,area=0.5@2-4",
			Params: []Param{{Name: "rate", Default: 6, Min: 0.1, Max: 60, Unit: "Hz", Help: "flashes a second"},
				{Name: "area", Default: 1, Min: 0.01, Max: 1, Help: "share of the picture, in its middle"},
				sample("high", 235, "luma when on"), sample("low", 16, "luma when off")},
			Levels: []Params{{"rate": 4, "area": 0.3}, {"rate": 5, "area": 0.5}, {"rate": 6, "area": 0.7}, {"rate": 8, "area": 1}}, picture: flash},
	}
}

// detailKinds change how fine or how true the picture is.
func detailKinds() []Kind {
	return []Kind{
		{Name: "blur", Defect: verdict.Blur, Summary: "Gaussian blur", Example: "blur:sigma=6@1-3",
			Params: []Param{{Name: "sigma", Default: 5, Min: 0.1, Max: 100, Unit: "pixels", Help: "standard deviation"},
				{Name: "kernel", Max: 99, Whole: true, Unit: "pixels", Help: "instead: an odd kernel with the deviation that OpenCV gives it, 0.15 kernel + 0.35"}},
			Levels: ladder("kernel", 3, 5, 7, 9), check: oddKernel, picture: blur},
		{Name: "noise", Defect: verdict.Noise, Summary: "Gaussian noise, new in every picture", Example: "noise:sigma=25@1-3",
			Params: []Param{{Name: "sigma", Default: 20, Min: 0.1, Max: 200, Unit: "levels", Help: "standard deviation in luma"},
				{Name: "chroma", Max: 200, Unit: "levels", Help: "standard deviation in chroma"}},
			Levels: ladder("sigma", 5, 10, 25, 50), picture: noise},
		{Name: "compression", Defect: verdict.Compression, Summary: "coarse coding by the encoder of the run, decoded again; of the clip's own pictures", Example: "compression:qp=42@2-4",
			Params: []Param{{Name: "qp", Default: 42, Min: 1, Max: 51, Help: "quantiser in H.264's scale"},
				{Name: "crf", Max: 51, Help: "instead: constant quality of libx264 and libx265"}},
			Levels: ladder("qp", 32, 37, 42, 47), substitute: recode},
		{Name: "upscaling", Defect: verdict.Upscaling, Summary: "pictures made smaller and larger again", Example: "upscaling:factor=3@2-4",
			Params: []Param{{Name: "factor", Default: 2, Min: 1.1, Max: 16, Help: "how much smaller, in each direction"},
				{Name: "cubic", Max: 1, Whole: true, Help: "1: enlarged with Catmull and Rom's cubic, 0: linearly"}},
			Levels: ladder("factor", 1.5, 2, 3, 4), picture: upscaling},
		{Name: "banding", Defect: verdict.Banding, Summary: "luma of few bits", Example: "banding:bits=4@2-4",
			Params: []Param{{Name: "bits", Default: 4, Min: 1, Max: 7, Whole: true, Help: "bits that are left"}},
			Levels: ladder("bits", 6, 5, 4, 3), picture: banding},
		{Name: "blockiness", Defect: verdict.Blockiness, Summary: "blocks pulled towards their mean, as in coarse coding", Example: "blockiness:strength=0.7@2-4",
			Params: []Param{{Name: "strength", Default: 0.7, Min: 0.01, Max: 1, Help: "1 leaves only the mean"},
				{Name: "size", Default: 8, Min: 4, Max: 64, Whole: true, Unit: "pixels", Help: "side of a block"}},
			Levels: ladder("strength", 0.3, 0.5, 0.7, 0.9), picture: blockiness},
		{Name: "combing", Defect: verdict.Combing, Summary: "odd rows of an earlier picture, as in wrongly woven fields", Example: "combing@2-4",
			Params: []Param{{Name: "lag", Default: 1, Min: 1, Max: 16, Whole: true, Unit: "pictures", Help: "how far the odd rows lag"}},
			Levels: ladder("lag", 1, 2, 3, 4), lead: 16, picture: combing},
	}
}

// motionKinds stop, repeat or leave out pictures.
func motionKinds() []Kind {
	frames := func(def, least float64, help string) Param {
		return Param{Name: "frames", Default: def, Min: least, Max: 100000, Whole: true, Unit: "pictures", Help: help}
	}
	ofFrames := func(p Params) int64 { return int64(p["frames"]) }
	return []Kind{
		{Name: "freeze", defect: freezeDefect, Summary: "the picture at START stands still until END (less than half a second is a stutter)", Example: "freeze@4-6",
			Params: []Param{frames(0, 0, "instead of END: so many pictures repeat the one at START")},
			Levels: ladder("frames", 4, 8, 12, 16, 50), pictures: func(p Params) int64 {
				if p["frames"] == 0 {
					return 0
				}
				return ofFrames(p) + 1 // and the one that stands still
			}, picture: freeze},
		stutterKind(),
		{Name: "frame_drop", Defect: verdict.Stutter, Summary: "pictures from START on are left out; the one before stays on", Example: "frame_drop:frames=8@4",
			Params: []Param{frames(4, 1, "so many")}, Levels: ladder("frames", 4, 8, 12, 16), lead: 1, pictures: ofFrames,
			removes: func(Params) bool { return true },
			removed: func(_ Params, at span) string { return fmt.Sprintf("gte(n,%d)*lt(n,%d)", at.start, at.end) }},
	}
}

// briefFreeze is where a stutter ends and a freeze begins, as in the detectors.
const briefFreeze = 0.5

func freezeDefect(_ Params, seconds float64) verdict.Defect {
	if seconds < briefFreeze {
		return verdict.Stutter
	}
	return verdict.Freeze
}

func brightnessDefect(p Params, _ float64) verdict.Defect {
	if p["offset"] < 0 {
		return verdict.Dark
	}
	return verdict.Overexposed
}

func oddKernel(p Params) error {
	if k := int(p["kernel"]); k > 0 && (k < 3 || k%2 == 0) {
		return fmt.Errorf("kernel %d is not odd and at least 3", k)
	}
	return nil
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
		Levels:  []Params{{"repeat": 1, "every": 8}, {"repeat": 2, "every": 8}, {"repeat": 3, "every": 8}, {"repeat": 4, "every": 8}},
		lead:    1,
		hit:     func(p Params, n int64) bool { return n%int64(p["every"]) < run(p) },
		removes: func(p Params) bool { return p["drop"] > 0 },
		removed: func(p Params, at span) string {
			return fmt.Sprintf("gte(n,%d)*lt(n,%d)*lt(mod(n-%d,%g),%g)", at.start, at.end, at.start, p["every"], p["drop"])
		},
		check: func(p Params) error {
			if run(p) >= int64(p["every"]) {
				return fmt.Errorf("of every %g pictures %d would be hit: make every larger, or use freeze", p["every"], run(p))
			}
			return nil
		},
		picture: stutter,
	}
}
