package media

/*
#include <stdlib.h>
#include "media.h"
*/
import "C"

import (
	"errors"
	"unsafe"

	astiav "github.com/asticode/go-astiav"
)

// samples are planes of float samples in C memory.
type samples struct {
	data   *C.float
	size   int // floats
	stride int // floats from one channel to the next
}

// fill converts the samples of f. It is true where f is planar float already, and
// nothing was done.
func (s *samples) fill(f *astiav.Frame, channels, n int) (planar bool, err error) {
	if C.svm_samples(frameC(f), C.int(channels), nil, 0) == 0 {
		return true, nil
	}
	stride := (n + 15) &^ 15
	if need := stride * channels; need > s.size {
		s.free()
		s.data = (*C.float)(C.aligned_alloc(64, C.size_t(need)*4))
		if s.data == nil {
			return false, errors.New("out of memory")
		}
		s.size = need
	}
	s.stride = stride
	return false, code(C.svm_samples(frameC(f), C.int(channels), s.data, C.int(stride)))
}

func (s *samples) channel(c, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(s.data), c*s.stride*4)), n)
}

func (s *samples) free() {
	C.free(unsafe.Pointer(s.data))
	s.data, s.size = nil, 0
}

func planeOf(f *astiav.Frame, channel int) *float32 {
	return (*float32)(unsafe.Pointer(C.svm_plane(frameC(f), C.int(channel))))
}
