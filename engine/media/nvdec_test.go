package media

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/streamvet/streamvet/engine/frame"
)

func TestCapsRefuse(t *testing.T) {
	caps := DecoderCaps{Supported: true, Engines: 1, MinWidth: 144, MinHeight: 144, MaxWidth: 4096, MaxHeight: 4096, MaxMacroblocks: 36864}
	for _, c := range []struct {
		caps          DecoderCaps
		width, height int
		says          string // "": taken
	}{
		{caps, 1920, 1080, ""},
		{caps, 144, 144, ""},
		{caps, 136, 136, ""}, // coded as 144
		{caps, 160, 90, "less than the 144x144"},
		{caps, 4096, 2160, ""},
		{caps, 4098, 2160, "more than"},
		{caps, 4096, 4096, "more than"}, // too many macroblocks
		{DecoderCaps{}, 1920, 1080, "does not decode this codec"},
	} {
		if why := c.caps.refusal(c.width, c.height); !strings.Contains(why, c.says) || (c.says == "") != (why == "") {
			t.Errorf("%dx%d: %q, want %q", c.width, c.height, why, c.says)
		}
	}
}

// Planes begin at the top left visible sample, whatever cuts the picture: of
// surfaces the decoder leaves the left and upper part of the bitstream's own crop.
func TestPlanesOfCroppedPictures(t *testing.T) {
	nv12, p010 := yuv420, deep(yuv420, 10)
	nv12.Interleaved, p010.Interleaved, p010.HighAligned = true, true, true
	for _, c := range []struct {
		name          string
		format        frame.Format
		left, top     int32 // of the bitstream
		container     crop
		luma, chroma  int // bytes from the start of the plane
		width, height int
	}{
		{"whole", yuv420, 0, 0, crop{}, 0, 0, 160, 90},
		{"planar", yuv420, 0, 0, crop{4, 2, 6, 8}, 2*1024 + 4, 1*1024 + 2, 150, 80},
		{"odd", yuv420, 0, 0, crop{left: 3}, 3, 1, 157, 90},
		{"10 bits", deep(yuv420, 10), 0, 0, crop{left: 6, top: 4}, 4*1024 + 12, 2*1024 + 6, 154, 86},
		{"10 bits, odd", deep(yuv420, 10), 0, 0, crop{left: 3}, 6, 2, 157, 90},
		{"4:2:2", yuv422, 0, 0, crop{left: 4, top: 3}, 3*1024 + 4, 3*1024 + 2, 156, 87},
		{"a surface", nv12, 24, 6, crop{}, 6*1024 + 24, 3*1024 + 24, 136, 84},
		{"a surface, odd", nv12, 0, 0, crop{left: 3}, 3, 2, 157, 90},
		{"a deep surface", p010, 24, 6, crop{}, 6*1024 + 48, 3*1024 + 48, 136, 84},
		{"a surface, twice", nv12, 24, 6, crop{2, 2, 2, 2}, 8*1024 + 26, 4*1024 + 26, 132, 80},
		{"nothing would be left", yuv420, 0, 0, crop{left: 100, right: 60}, 0, 0, 160, 90},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &VideoTrack{dec: &decoder{}, crop: c.container, format: pictureFormat{Format: c.format}}
			memory := make([]byte, 90*1024)
			i := &v.dec.info.c
			i.width, i.height = 160, 90
			number(&i.crop_left, c.left)
			number(&i.crop_top, c.top)
			for k := range i.data {
				pointer(&i.data[k], unsafe.Pointer(&memory[0]))
				i.linesize[k] = 1024
			}
			var p picture
			v.planes(&p)
			offset := func(k int) int { return int(uintptr(p.Planes[k].Data) - uintptr(unsafe.Pointer(&memory[0]))) }
			if offset(0) != c.luma || offset(1) != c.chroma || p.Width != c.width || p.Height != c.height {
				t.Errorf("luma %d, chroma %d, %dx%d; want %d, %d, %dx%d", offset(0), offset(1), p.Width, p.Height, c.luma, c.chroma, c.width, c.height)
			}
			if third := p.Planes[2].Data != nil; third == c.format.Interleaved {
				t.Errorf("a third plane: %v", third)
			}
		})
	}
}

// Types of C have no names in tests.
func number[T ~int32](to *T, v int32)         { *to = T(v) }
func pointer[T any](to **T, v unsafe.Pointer) { *to = (*T)(v) }

// What admission needs to know of a track before it is decoded.
func TestInfoOfPictures(t *testing.T) {
	for file, want := range map[string]struct {
		chroma Chroma
		depth  int
	}{
		"h264.mp4": {Chroma420, 8}, "h264-422-10.mkv": {Chroma422, 10}, "hevc-444-12.mkv": {Chroma444, 12}, "av1-10.mkv": {Chroma420, 10},
	} {
		i := open(t, "testdata/"+file, Options{}).Video()[0].Info
		if i.Chroma != want.chroma || i.BitDepth != want.depth || i.Decoder != Software || i.DecoderReason != "" {
			t.Errorf("%s: %v, %d bits, decoded by %q (%s); want %v", file, i.Chroma, i.BitDepth, i.Decoder, i.DecoderReason, want)
		}
	}
}
