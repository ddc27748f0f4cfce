package engine

import (
	"math"
	"testing"
)

// The numbers of the application note, and those that follow from them for the
// GPUs of cloud machines (notes on video clocks: T4 1470 MHz, L4 1770, H100 1545).
func TestDecoderRates(t *testing.T) {
	for _, c := range []struct {
		name         string
		major, minor int
		codec        string
		deep         bool
		clock        float64
		streams30    float64 // of 1080p at 30 pictures a second, one engine
	}{
		{"Turing at the note's clock", 7, 5, "h264", false, 0, 771.0 / 30},
		{"T4", 7, 5, "h264", false, 1470, 20.3},
		{"L4", 8, 9, "hevc", false, 1770, 44.8},
		{"L4 10 bit", 8, 9, "hevc", true, 1770, 41.5},
		{"H100", 9, 0, "h264", false, 1545, 21.3},
		{"a codec that the note leaves out", 8, 6, "mpeg2video", false, 0, 748.0 / 30},
		{"AV1 where there is none counts as H.264", 7, 5, "av1", false, 0, 771.0 / 30},
		{"a GPU of the future", 13, 1, "av1", false, 0, 1119.0 / 30},
		{"a GPU of the past", 6, 1, "h264", false, 0, 771.0 / 30},
	} {
		got := 1 / rateOf(c.major, c.minor).engines(c.codec, c.deep, 1920, 1080, 30, c.clock)
		if math.Abs(got-c.streams30) > 0.05 {
			t.Errorf("%s: %.2f streams an engine, want %.2f", c.name, got, c.streams30)
		}
	}
}

func TestSmallPicturesTakeLess(t *testing.T) {
	r := rateOf(8, 9)
	full, quarter := r.engines("h264", false, 1920, 1080, 30, 0), r.engines("h264", false, 960, 540, 15, 0)
	if math.Abs(full/quarter-8) > 1e-9 {
		t.Errorf("1080p30 takes %.3f engines, a quarter of it at half the rate %.3f", full, quarter)
	}
}
