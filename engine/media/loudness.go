package media

/*
#cgo pkg-config: libavfilter
#cgo LDFLAGS: -lm
#cgo noescape feed
#cgo nocallback feed
#include "media.h"

// A Go array of pointers to C memory may not be handed to C as it is.
typedef struct svm_planes { const float *p[16]; } svm_planes;
static int feed(svm_meter *m, const AVFrame *f, svm_planes planes, int channels, int n, svm_loudness *out) {
  return svm_meter_feed(m, f, planes.p, channels, n, out);
}
*/
import "C"

import (
	"log/slog"
	"math"
	"unsafe"

	"github.com/streamvet/streamvet/engine/frame"
)

// meter measures the loudness of one track by EBU R128 (ITU-R BS.1770-4).
type meter struct {
	c      *C.svm_meter
	log    *slog.Logger
	failed bool // told once; a later block in another format may do
}

func newMeter(log *slog.Logger) *meter { return &meter{c: C.svm_meter_new(), log: log} }
func (m *meter) free()                 { C.svm_meter_free(m.c) }

// measure takes a block in and gives the reading that falls into it, if one does.
func (m *meter) measure(s *sound) frame.Loudness {
	var planes C.svm_planes
	for c := range s.Channels {
		planes.p[c] = (*C.float)(unsafe.Pointer(unsafe.SliceData(s.Samples[c])))
	}
	var out C.svm_loudness
	rc := C.feed(m.c, frameC(s.av), planes, C.int(s.Channels), C.int(len(s.Samples[0])), &out)
	if err := code(rc); err != nil {
		if !m.failed {
			m.log.Warn("loudness cannot be measured", "rate", s.SampleRate, "channels", s.Channels, "err", err)
		}
		m.failed = true
		return frame.Loudness{}
	}
	if out.valid == 0 {
		return frame.Loudness{}
	}
	return frame.Loudness{
		Valid:     true,
		Momentary: float64(out.momentary), ShortTerm: float64(out.short_term), Integrated: float64(out.integrated),
		TruePeak: 20 * math.Log10(float64(out.true_peak)),
	}
}
