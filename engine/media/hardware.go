//go:build cuda

package media

/*
#cgo noescape svm_hardware_take
#cgo nocallback svm_hardware_take
#include "hardware.h"
*/
import "C"

import (
	"fmt"

	astiav "github.com/asticode/go-astiav"
)

// built is nil: this build can decode on a GPU.
func (c CUDA) built() error { return nil }

// hardware is what one decoder has to do with the GPU's driver.
type hardware struct{ c *C.svm_hardware }

func newHardware(at CUDA) (*hardware, error) {
	var why [256]C.char
	h := C.svm_hardware_new(C.uintptr_t(at.Context), C.uintptr_t(at.Stream), &why[0], C.int(len(why)))
	if h == nil {
		return nil, fmt.Errorf("NVIDIA's decoder library cannot be loaded (%s): run the container with NVIDIA_DRIVER_CAPABILITIES=compute,video,utility, or install the driver's libnvcuvid", C.GoString(&why[0]))
	}
	return &hardware{h}, nil
}

// free may be called on nil.
func (h *hardware) free() {
	if h != nil {
		C.svm_hardware_free(h.c)
	}
}

// refusal says why the GPU would not decode a track; "" where it should.
func (h *hardware) refusal(par *astiav.CodecParameters) string {
	id, format := C.int(par.CodecID()), C.int(par.PixelFormat())
	if why := C.svm_hardware_refuses(id, C.int(par.Profile()), format, C.int(par.Width()), C.int(par.Height())); why != nil {
		return C.GoString(why)
	}
	depth := C.svm_depth_of(format)
	if depth == 0 || par.Width() == 0 {
		return "" // not known before the first picture
	}
	caps, err := h.caps(id, C.svm_chroma_of(format), depth)
	if err != nil {
		return err.Error()
	}
	return caps.refusal(par.Width(), par.Height())
}

func (h *hardware) caps(codec, chroma, depth C.int) (DecoderCaps, error) {
	var c C.svm_caps
	if rc := C.svm_hardware_caps(h.c, codec, chroma, depth, &c); rc != 0 {
		return DecoderCaps{}, fmt.Errorf("ask NVDEC what it decodes: %s", h.errorName(rc))
	}
	return DecoderCaps{
		Supported: c.supported != 0, Engines: int(c.engines),
		MinWidth: int(c.min_width), MinHeight: int(c.min_height),
		MaxWidth: int(c.max_width), MaxHeight: int(c.max_height), MaxMacroblocks: int(c.max_macroblocks),
	}, nil
}

// attach makes a codec that is not open yet decode on the GPU.
func (h *hardware) attach(k codec) error {
	if err := code(C.svm_hardware_attach(h.c, codecC(k.cc), k.c)); err != nil {
		return fmt.Errorf("tie FFmpeg to the GPU: %w", err)
	}
	return nil
}

// take gives what happened in the last send or receive.
func (h *hardware) take(cc *astiav.CodecContext) hardwareSaid {
	var c C.svm_hardware_said
	C.svm_hardware_take(h.c, codecC(cc), &c)
	if c.refused == 0 && c.failures == 0 {
		return hardwareSaid{}
	}
	return hardwareSaid{
		refused: c.refused != 0, begun: c.begun != 0, failed: c.failures > 0,
		undecoded: c.undecoded != 0, ours: c.ours != 0, reason: C.GoString(&c.reason[0]),
	}
}

// lost is an error where the GPU does not answer any more.
func (h *hardware) lost() error {
	if rc := C.svm_hardware_lost(h.c); rc != 0 {
		return fmt.Errorf("%w (%s)", ErrDeviceLost, h.errorName(rc))
	}
	return nil
}

func (h *hardware) errorName(rc C.int) string {
	var name [64]C.char
	C.svm_hardware_error_name(h.c, rc, &name[0], C.int(len(name)))
	return C.GoString(&name[0])
}

// NVDECCaps asks the GPU what it does with a codec (as TrackInfo.Codec), chroma
// format and bit depth. It needs the context alone, and opens no decoder.
func NVDECCaps(at CUDA, codec string, chroma Chroma, depth int) (DecoderCaps, error) {
	dec := astiav.FindDecoderByName(codec)
	if dec == nil {
		return DecoderCaps{}, nil
	}
	h, err := newHardware(at)
	if err != nil {
		return DecoderCaps{}, err
	}
	defer h.free()
	return h.caps(C.int(dec.ID()), C.int(chroma), C.int(depth))
}
