package frame

import (
	"sync/atomic"
	"time"
)

// ChannelsMax bounds the channels of a block of sound; further ones are dropped
// by the decoder, and logged.
const ChannelsMax = 16

// Audio is one block of decoded sound: planar float32 at the track's own rate,
// full scale is -1..1 (decoded values may exceed it). Ownership is as for Video.
type Audio struct {
	Channels   int
	SampleRate int
	// Samples[c] are the samples of channel c, for c < Channels, all of the same
	// length. They lie in C memory and are valid until Release.
	Samples [ChannelsMax][]float32
	// Integer is true where the track's own samples were integers or the codec is
	// lossless PCM: runs of one exact value then mean something (clipping, dropout).
	Integer bool

	PTS      time.Duration // on the source's timeline, of the first sample
	Duration time.Duration
	Index    int64 // number of the first sample in the track, from 0

	Loudness Loudness
	Evidence Evidence

	// Native is the decoder's own handle.
	Native any

	refs    atomic.Int32
	recycle func(*Audio)
}

// Loudness is a reading of EBU R128 / ITU-R BS.1770-4 at the end of a block.
type Loudness struct {
	Valid      bool    // a reading was taken inside this block (they come every 100 ms)
	Momentary  float64 // LUFS, 400 ms
	ShortTerm  float64 // LUFS, 3 s
	Integrated float64 // LUFS, gated, since the start
	TruePeak   float64 // dBTP, highest of all channels in the last reading interval
}

// Arm is as Video.Arm.
func (a *Audio) Arm(recycle func(*Audio)) {
	a.recycle = recycle
	a.refs.Store(1)
}

// Release gives one reference back; after the last one Samples may be overwritten.
func (a *Audio) Release() {
	switch n := a.refs.Add(-1); {
	case n == 0:
		if a.recycle != nil {
			a.recycle(a)
		}
	case n < 0:
		panic("frame: Release of a released block of sound")
	}
}
