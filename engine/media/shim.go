package media

/*
#cgo pkg-config: libavcodec libavformat libavutil libswscale
#cgo CFLAGS: -std=gnu11 -O2 -Wall
#cgo noescape svm_read
#cgo nocallback svm_read
#cgo noescape svm_send
#cgo nocallback svm_send
#cgo noescape svm_receive
#cgo nocallback svm_receive
#cgo noescape svm_track_take
#cgo nocallback svm_track_take
#include <stdlib.h>
#include "media.h"
*/
import "C"

import (
	"fmt"
	"math"
	"time"
	"unsafe"

	astiav "github.com/asticode/go-astiav"
)

// noTime is a timestamp that the container does not give.
const noTime = time.Duration(math.MinInt64)

// raw is the C pointer in a wrapper of go-astiav's that does not tell it: both
// have it as their first field, which TestRawPointers guards.
func raw[T astiav.FormatContext | astiav.Packet](w *T) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(w))
}

func formatC(fc *astiav.FormatContext) *C.AVFormatContext { return (*C.AVFormatContext)(raw(fc)) }
func codecC(cc *astiav.CodecContext) *C.AVCodecContext {
	return (*C.AVCodecContext)(cc.UnsafePointer())
}
func frameC(f *astiav.Frame) *C.AVFrame { return (*C.AVFrame)(f.UnsafePointer()) }

// code makes an error of what FFmpeg returned; nil for 0 and above.
func code(rc C.int) error {
	if rc >= 0 {
		return nil
	}
	return astiav.Error(rc)
}

// input is the C side of a source: deadline, cancellation and log.
type input struct {
	c       *C.svm_input
	guarded *C.svm_packet_info // on the heap; nil: there is no guard
}

// newInput keeps log lines up to the level of FFmpeg (24 is a warning).
func newInput(level astiav.LogLevel) input { return input{c: C.svm_input_new(C.int(level))} }
func (in input) free()                     { C.svm_input_free(in.c) }
func (in input) cancel()                   { C.svm_input_cancel(in.c) }
func (in input) timedOut() bool            { return C.svm_input_timed_out(in.c) != 0 }

func (in input) open(fc *astiav.FormatContext, url string, options *astiav.Dictionary, timeout time.Duration) error {
	u := C.CString(url)
	defer C.free(unsafe.Pointer(u))
	// The same first-field layout as in raw; FFmpeg sets the pointer to nil when it fails.
	return code(C.svm_open(in.c, (**C.AVFormatContext)(unsafe.Pointer(fc)), u, (**C.AVDictionary)(unsafe.Pointer(options)), C.int64_t(timeout.Microseconds())))
}

func (in input) probe(fc *astiav.FormatContext, maxPixels int, timeout time.Duration) error {
	return code(C.svm_probe(in.c, formatC(fc), C.int64_t(maxPixels), C.int64_t(timeout.Microseconds())))
}

// packetInfo is what the demuxer says of one packet. Times are those of the
// container, before the timeline.
type packetInfo struct {
	pts, dts, duration time.Duration // noTime, noTime, 0 where not given
	stream, size       int
	position           int64 // bytes read of the input, also after an error; -1 where that is not known
	logged             bool  // lines of the log wait to be taken
	key, corrupt       bool
	discard            bool // its frames are not shown: they lie before the start of an edit
}

func (in input) read(fc *astiav.FormatContext, pkt *astiav.Packet, timeout time.Duration, info *packetInfo) int {
	var c C.svm_packet_info
	var rc C.int
	if guarded := in.guarded; guarded != nil {
		// Go's stack may move while C calls back: what C writes to must not lie there.
		rc = C.svm_read_guarded(in.c, formatC(fc), (*C.AVPacket)(raw(pkt)), guarded, C.int64_t(timeout.Microseconds()))
		c = *guarded
	} else {
		rc = C.svm_read(in.c, formatC(fc), (*C.AVPacket)(raw(pkt)), &c, C.int64_t(timeout.Microseconds()))
	}
	*info = packetInfo{
		pts: time.Duration(c.pts), dts: time.Duration(c.dts), duration: time.Duration(c.duration),
		stream: int(c.stream), size: int(c.size), position: int64(c.position), logged: c.lines > 0,
		key: c.flags&C.AV_PKT_FLAG_KEY != 0, corrupt: c.flags&C.AV_PKT_FLAG_CORRUPT != 0, discard: c.flags&C.AV_PKT_FLAG_DISCARD != 0,
	}
	return int(rc)
}

// logLine is one line that FFmpeg logged.
type logLine struct {
	level      astiav.LogLevel
	from, text string
}

// log takes the lines that were kept since the last call; older ones than the
// ring holds were dropped.
func (in input) log() (lines []logLine, dropped int) {
	var buf [16]C.svm_log_line
	for {
		var d C.int64_t
		n := int(C.svm_input_log(in.c, &buf[0], C.int(len(buf)), &d))
		dropped += int(d)
		for i := range buf[:n] {
			l := &buf[i]
			lines = append(lines, logLine{astiav.LogLevel(l.level), C.GoString(&l.from[0]), C.GoString(&l.text[0])})
		}
		if n < len(buf) {
			return lines, dropped
		}
	}
}

// streamInfo is what go-astiav does not tell about a stream of the container.
type streamInfo struct {
	start, duration      time.Duration // noTime where not declared
	frames               int64
	crop                 crop
	fieldOrder, wrapBits int
	sampleRate, channels int
	lossless             bool
	depth                int // bits a sample of a picture; 0 where not known
	chroma               Chroma
}

type crop struct{ left, top, right, bottom int }

func streamOf(fc *astiav.FormatContext, index int) streamInfo {
	var c C.svm_stream_info
	C.svm_stream(formatC(fc), C.int(index), &c)
	return streamInfo{
		start: time.Duration(c.start), duration: time.Duration(c.duration), frames: int64(c.frames),
		crop:       crop{int(c.crop_left), int(c.crop_top), int(c.crop_right), int(c.crop_bottom)},
		fieldOrder: int(c.field_order), wrapBits: int(c.wrap_bits),
		sampleRate: int(c.sample_rate), channels: int(c.channels), lossless: c.lossless != 0,
		depth: int(c.depth), chroma: Chroma(c.chroma),
	}
}

func profileName(id astiav.CodecID, p astiav.Profile) string {
	return C.GoString(C.svm_profile_name(C.int(id), C.int(p)))
}

// timestampsMayJump tells whether the format of fc has timestamps that may be
// discontinuous in a file that is in order (MPEG-TS and the like).
func timestampsMayJump(fc *astiav.FormatContext) bool {
	return C.svm_format_flags(formatC(fc))&C.AVFMT_TS_DISCONT != 0
}

// durationIsDeclared tells whether the duration is written in the file, not guessed.
func durationIsDeclared(fc *astiav.FormatContext) bool {
	return C.svm_duration_is_declared(formatC(fc)) != 0
}

// Codes that FFmpeg's functions return.
const (
	rcAgain    = -int(C.EAGAIN)
	rcIO       = -int(C.EIO)
	rcMemory   = -int(C.ENOMEM)
	rcArgument = -int(C.EINVAL)
	rcEOF      = int(C.AVERROR_EOF)
	rcInvalid  = int(C.AVERROR_INVALIDDATA)
	rcMissing  = int(C.AVERROR_PATCHWELCOME)
	rcExternal = int(C.AVERROR_EXTERNAL)
)

// codecSpec is what it takes to open a decoder. par belongs to the demuxer, or to
// whoever may open another decoder while that runs.
type codecSpec struct {
	in        input
	par       *astiav.CodecParameters
	timeBase  astiav.Rational
	threads   int
	maxPixels int
}

// codec is an open decoder with its log counters.
type codec struct {
	cc *astiav.CodecContext
	c  *C.svm_track
	hw *hardware // nil: decodes in software
}

// openCodec opens a decoder; hw is nil for one in software, and else belongs to the
// codec, also where that fails.
func openCodec(s codecSpec, hw *hardware) (codec, error) {
	dec := findDecoder(s.par.CodecID(), hw != nil)
	if dec == nil {
		hw.free()
		return codec{}, fmt.Errorf("no decoder for %s", s.par.CodecID().Name())
	}
	k := codec{astiav.AllocCodecContext(dec), C.svm_track_new(s.in.c), hw}
	if err := k.open(dec, s); err != nil {
		k.free()
		return codec{}, err
	}
	return k, nil
}

// findDecoder gives FFmpeg's own decoder of AV1 for hardware: it does nothing else.
func findDecoder(id astiav.CodecID, hardware bool) *astiav.Codec {
	if hardware && id == astiav.CodecIDAv1 {
		return astiav.FindDecoderByName("av1")
	}
	return astiav.FindDecoder(id)
}

func (k codec) open(dec *astiav.Codec, s codecSpec) error {
	if err := s.par.ToCodecContext(k.cc); err != nil {
		return fmt.Errorf("read the parameters of %s: %w", dec.Name(), err)
	}
	k.cc.SetThreadCount(s.threads)
	timeBase := C.AVRational{num: C.int(s.timeBase.Num()), den: C.int(s.timeBase.Den())}
	C.svm_decoder_prepare(codecC(k.cc), timeBase, k.c, C.int64_t(s.maxPixels))
	if k.hw != nil {
		if err := k.hw.attach(k); err != nil {
			return err
		}
	}
	if err := k.cc.Open(dec, nil); err != nil {
		return fmt.Errorf("open the %s decoder: %w", dec.Name(), err)
	}
	return nil
}

func (k codec) free() {
	k.cc.Free()
	C.svm_track_free(k.c)
	k.hw.free()
}

// send hands a packet over, or the end for nil; number comes back with the frame.
func (k codec) send(pkt *astiav.Packet, number int64) int {
	var p *C.AVPacket
	if pkt != nil {
		p = (*C.AVPacket)(raw(pkt))
	}
	return int(C.svm_send(codecC(k.cc), p, C.int64_t(number)))
}

// frameInfo is the C struct that svm_receive fills.
type frameInfo struct{ c C.svm_frame_info }

func (k codec) receive(f *astiav.Frame, info *frameInfo) int {
	return int(C.svm_receive(codecC(k.cc), frameC(f), &info.c))
}

func (k codec) takeDamage() (invalid, missing int) {
	var i, m C.uint32_t
	C.svm_track_take(k.c, &i, &m)
	return int(i), int(m)
}
