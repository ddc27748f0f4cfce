package media

/*
#include "media.h"
*/
import "C"

import (
	astiav "github.com/asticode/go-astiav"

	"github.com/streamvet/streamvet/engine/frame"
)

// pictureFormat is a pixel format of FFmpeg's as frame.Format. Those that frame
// cannot describe (RGB, palettes, packed, big-endian) are converted to target.
type pictureFormat struct {
	frame.Format
	known       bool
	id, target  int
	direct, rgb bool
}

// set looks the format up; false where it is neither readable nor convertible.
func (f *pictureFormat) set(id int) bool {
	if f.known && f.id == id {
		return f.target >= 0
	}
	var c C.svm_format
	C.svm_format_of(C.int(id), &c)
	*f = pictureFormat{
		known: true, id: id, target: int(c.target), direct: c.direct != 0, rgb: c.rgb != 0,
		Format: frame.Format{
			BitDepth: uint8(c.depth), HighAligned: c.high != 0,
			ChromaShiftX: uint8(c.shift_x), ChromaShiftY: uint8(c.shift_y),
			Interleaved: c.interleaved != 0, Mono: c.mono != 0,
		},
	}
	return f.target >= 0
}

// converter wraps the C struct around swscale.
type converter struct{ c *C.svm_converter }

func (c *converter) free() { C.svm_converter_free(c.c) }

// convert puts the picture into p.converted and lets the decoder's description of
// it point there.
func (t *VideoTrack) convert(p *picture, colour frame.Colour) error {
	if t.converter == nil {
		t.converter = &converter{C.svm_converter_new()}
	}
	if p.converted == nil {
		p.converted = astiav.AllocFrame()
	}
	full := C.int(0)
	if colour.FullRange {
		full = 1
	}
	if err := code(C.svm_convert(t.converter.c, frameC(p.av), frameC(p.converted), C.int(t.format.target), C.int(colour.Matrix), full)); err != nil {
		return err
	}
	c, dst := &t.dec.info.c, frameC(p.converted)
	for i := range c.data {
		c.data[i] = dst.data[i]
		c.linesize[i] = C.int32_t(dst.linesize[i])
	}
	return nil
}
