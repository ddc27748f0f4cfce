package engine

import "strings"

// decoderRate is how many 1920x1080 4:2:0 pictures a second one NVDEC engine
// decodes at a video clock of so many MHz (NVIDIA, Video Codec SDK 13.0,
// application note "NVDEC", table of decode performance). It grows with the clock.
type decoderRate struct {
	clock                        float64
	h264, hevc, hevc10, vp9, av1 float64 // 0: this generation does not decode it
}

// decoderRates are by compute capability, of the first that is not below.
var decoderRates = []struct {
	major, minor int
	decoderRate
}{
	{12, 0, decoderRate{2362, 2172, 1872, 1818, 1445, 1119}}, // Blackwell
	{10, 0, decoderRate{2362, 2172, 1872, 1818, 1445, 1119}},
	{9, 0, decoderRate{1860, 771, 1316, 1158, 932, 0}},     // Hopper has the engine of Turing
	{8, 9, decoderRate{2160, 903, 1641, 1520, 1290, 1018}}, // Ada
	{8, 6, decoderRate{1665, 748, 1415, 1299, 1075, 790}},  // Ampere GA10x
	{8, 0, decoderRate{1860, 771, 1316, 1158, 932, 0}},     // GA100, as Turing
	{7, 5, decoderRate{1860, 771, 1316, 1158, 932, 0}},     // Turing
}

func rateOf(major, minor int) decoderRate {
	for _, r := range decoderRates {
		if major > r.major || major == r.major && minor >= r.minor {
			return r.decoderRate
		}
	}
	return decoderRates[len(decoderRates)-1].decoderRate
}

// pictures is the rate for a codec. What the note leaves out (MPEG-2, VC-1, VP8)
// is taken for H.264, the slowest of those in it.
func (r decoderRate) pictures(codec string, deep bool) float64 {
	switch {
	case codec == "hevc" && deep:
		return r.hevc10
	case codec == "hevc":
		return r.hevc
	case codec == "vp9":
		return r.vp9
	case strings.HasPrefix(codec, "av1") && r.av1 > 0:
		return r.av1
	}
	return r.h264
}

// engines is what share of one NVDEC engine a source takes at its own pace, at a
// video clock of clock MHz (0: that of the table).
func (r decoderRate) engines(codec string, deep bool, width, height int, rate, clock float64) float64 {
	full := r.pictures(codec, deep)
	if clock > 0 {
		full *= clock / r.clock
	}
	return rate * float64(width) * float64(height) / (1920 * 1080) / full
}
