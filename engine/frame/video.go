package frame

import (
	"sync/atomic"
	"time"
)

// Video is one decoded picture. The decoder that made it keeps the memory; a
// holder of a reference may read the planes and must call Release once.
// Fields are written by the decoder before it hands the frame over and are
// read-only afterwards.
type Video struct {
	Planes        [3]Plane
	Mem           MemKind
	Format        Format
	Width, Height int // visible size in luma samples; planes begin at its top left sample
	Colour        Colour

	PTS      time.Duration // on the source's timeline: 0 is the start of the source
	Duration time.Duration // until the next picture, as declared or estimated; > 0
	Index    int64         // number of the picture in its track, from 0

	Keyframe   bool
	Interlaced bool
	Rotation   int // degrees clockwise that a player turns it by: 0, 90, 180, 270

	Evidence Evidence

	// Native is the decoder's own handle (an AVFrame), for the room that made it.
	Native any

	refs    atomic.Int32
	recycle func(*Video)
}

// Arm gives the frame its first reference and the function that takes it back
// when the last one is released. Only the decoder that owns v calls it.
func (v *Video) Arm(recycle func(*Video)) {
	v.recycle = recycle
	v.refs.Store(1)
}

// Retain adds a reference. The caller must hold one already.
func (v *Video) Retain() *Video {
	if v.refs.Add(1) < 2 {
		panic("frame: Retain of a released picture")
	}
	return v
}

// Release gives one reference back. After the last one the planes may be
// overwritten at any time.
func (v *Video) Release() {
	switch n := v.refs.Add(-1); {
	case n == 0:
		if v.recycle != nil {
			v.recycle(v)
		}
	case n < 0:
		panic("frame: Release of a released picture")
	}
}

// Evidence is what demuxer and decoder said about the bitstream between the
// previous frame of the track and this one.
type Evidence struct {
	CorruptPackets int           // packets that the demuxer flagged (continuity error, transport error bit, cut short)
	RefusedPackets int           // packets that the decoder refused
	DecodeErrors   DecodeError   // what the decoder flagged on this frame
	Gap            time.Duration // time missing before this frame; 0 if it follows on
	Jump           time.Duration // timestamps stepped by so much against the expected time (signed); the timeline goes on without it; 0 if none
	FormatChanged  bool          // size, pixel format, rate or channels differ from the frame before
}

// Damaged tells whether the bitstream around this frame was damaged.
func (e Evidence) Damaged() bool {
	return e.CorruptPackets > 0 || e.RefusedPackets > 0 || e.DecodeErrors != 0
}

// DecodeError is a set of reasons why a decoded frame is suspect.
type DecodeError uint8

// The reasons, as FFmpeg's decode_error_flags and frame flags name them.
const (
	InvalidBitstream DecodeError = 1 << iota
	MissingReference
	ConcealmentActive
	DecodeSlices
	FrameCorrupt
)
