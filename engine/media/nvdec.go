package media

import (
	"context"
	"fmt"
	"log/slog"
)

// CUDA says where pictures are decoded on a GPU. The zero value is decoding in
// software.
type CUDA struct {
	// Context is the CUcontext and Stream the CUstream that the decoders copy their
	// pictures on: what is queued on Stream after Next reads them whole. The context
	// must live until the last picture was released, the stream until Close.
	//
	// Pictures are copies, so they may be held in any number: each takes device
	// memory of its own, and the decoder none for it.
	Context, Stream uintptr
}

func (c CUDA) wanted() bool { return c != CUDA{} }

// What decodes a track, in TrackInfo.Decoder.
const (
	NVDEC    = "nvdec"
	Software = "software"
)

// inSoftware is what the log says of a track that NVDEC does not decode.
const inSoftware = "a picture track is decoded in software: it costs CPU, and its pictures cross the bus"

// decodedBy is what decodes a track, and why it is not NVDEC.
type decodedBy struct{ name, reason string }

// Decoder says what the last picture of the track came from, NVDEC or Software, and
// why it was Software where NVDEC is wanted. It begins with what Info says, and may
// be called from any goroutine at any time.
func (t *VideoTrack) Decoder() (name, reason string) {
	by := t.from.Load()
	return by.name, by.reason
}

// tellDecoder notes where a picture came from. The log is told of the first change
// to software alone: a source may go back and forth with each of its programmes.
func (t *VideoTrack) tellDecoder(onDevice bool) {
	name, _ := t.Decoder()
	if onDevice == (name == NVDEC) {
		return
	}
	if onDevice {
		t.src.log.Debug("NVDEC decodes a track again", "source", t.src.name, "track", t.Info.Index)
		t.from.Store(&decodedBy{name: NVDEC})
		return
	}
	by := &decodedBy{Software, t.dec.trouble.reason}
	t.from.Store(by)
	level := slog.LevelWarn
	if t.told {
		level = slog.LevelDebug
	}
	t.told = true
	t.src.log.Log(context.Background(), level, inSoftware, "source", t.src.name, "track", t.Info.Index, "reason", by.reason)
}

// DecoderCaps is what the NVDEC of a GPU does with one codec, chroma format and
// bit depth.
type DecoderCaps struct {
	Supported           bool
	Engines             int // that decode at the same time
	MinWidth, MinHeight int
	MaxWidth, MaxHeight int
	MaxMacroblocks      int // of 16x16 a picture
}

// refusal says why a picture of that size is not decoded; "" where it is. Coded
// sizes are whole macroblocks with most codecs, and not declared: both ends are
// taken generously, since the decoder itself has the last word.
func (c DecoderCaps) refusal(width, height int) string {
	up := func(n int) int { return (n + 15) &^ 15 }
	switch {
	case !c.Supported:
		return "this GPU does not decode this codec, chroma format and bit depth"
	case up(width) < c.MinWidth || up(height) < c.MinHeight:
		return fmt.Sprintf("%dx%d is less than the %dx%d that this GPU decodes", width, height, c.MinWidth, c.MinHeight)
	case width > c.MaxWidth || height > c.MaxHeight || (width/16)*(height/16) > c.MaxMacroblocks:
		return fmt.Sprintf("%dx%d is more than this GPU decodes (%dx%d, %d macroblocks)", width, height, c.MaxWidth, c.MaxHeight, c.MaxMacroblocks)
	}
	return ""
}
