package media

import (
	"time"

	astiav "github.com/asticode/go-astiav"
)

// Info is what the container declares. Frames may say otherwise.
type Info struct {
	URL       string
	Container string        // FFmpeg's names of the format, such as "mov,mp4,m4a,3gp,3g2,mj2"
	Duration  time.Duration // 0 where not known
	Start     time.Duration // timestamp of the container that is 0 on the timeline
	BitRate   int64         // bits a second, 0 where not known
	Tracks    []TrackInfo   // all of them, in the order of the container
}

// Kind of a track.
type Kind uint8

const (
	KindOther Kind = iota // subtitles, data, attachments
	KindVideo
	KindAudio
)

func (k Kind) String() string { return [...]string{"other", "video", "audio"}[k] }

// Chroma says how much colour there is to the luma.
type Chroma uint8

// The chroma formats; ChromaUnknown stands for rare ones and RGB too.
const (
	ChromaUnknown Chroma = iota
	ChromaNone           // luma alone
	Chroma420
	Chroma422
	Chroma444
)

func (c Chroma) String() string { return [...]string{"unknown", "4:0:0", "4:2:0", "4:2:2", "4:4:4"}[c] }

// TrackInfo is what the container declares of one track.
type TrackInfo struct {
	Index         int // in the container
	Kind          Kind
	Codec         string // FFmpeg's name: h264, aac, ...
	Profile       string // "" where there is none
	BitRate       int64
	Language      string
	Title         string
	Default       bool
	Cover         bool // a still picture that decorates a file of sound
	Decodable     bool
	Problem       string        // why it is not, for a track of picture or sound
	Decoder       string        // NVDEC or Software, as it began; "" for what is no picture. See VideoTrack.Decoder
	DecoderReason string        // why it is Software where NVDEC was asked for; else ""
	Start         time.Duration // as the container says, not on the timeline
	Duration      time.Duration // 0 where not declared
	Frames        int64         // 0 where not declared

	// Of pictures.
	Width, Height              int
	PixelFormat                string
	Chroma                     Chroma
	BitDepth                   int // of a sample, 0 where not known
	FrameRateNum, FrameRateDen int // 0, 0 where not declared
	AspectNum, AspectDen       int // of a sample; 0, 1 where not declared
	Rotation                   int // degrees clockwise that a player turns it by
	Interlaced                 bool

	// Of sound.
	SampleRate, Channels int
	Layout               string // "stereo", "5.1(side)", ...
	SampleFormat         string
}

// interval is the declared time from one picture to the next; 25 a second where
// nothing sensible is declared.
func (t *TrackInfo) interval() time.Duration {
	if t.FrameRateNum == 0 {
		return 40 * time.Millisecond
	}
	return time.Duration(int64(t.FrameRateDen) * int64(time.Second) / int64(t.FrameRateNum))
}

// setRate takes a frame rate if it is one, from one a minute to 1000 a second:
// FFmpeg gives the time base where it knows nothing.
func (t *TrackInfo) setRate(r astiav.Rational) {
	if n, d := int64(r.Num()), int64(r.Den()); n > 0 && d > 0 && n <= 1000*d && 60*n >= d {
		t.FrameRateNum, t.FrameRateDen = r.Num(), r.Den()
	}
}

func (s *Source) describe() Info {
	i := Info{URL: s.name, BitRate: s.format.BitRate(), Container: s.format.InputFormat().Name()}
	if d := s.format.Duration(); d > 0 {
		i.Duration = time.Duration(d) * time.Microsecond
	}
	if t := s.format.StartTime(); t != astiav.NoPtsValue {
		i.Start = time.Duration(t) * time.Microsecond
	}
	for _, st := range s.format.Streams() {
		i.Tracks = append(i.Tracks, s.describeTrack(st))
	}
	return i
}

func (s *Source) describeTrack(st *astiav.Stream) TrackInfo {
	par, native := st.CodecParameters(), streamOf(s.format, st.Index())
	disposition := st.DispositionFlags()
	t := TrackInfo{
		Index: st.Index(), Codec: par.CodecID().Name(), Profile: profileName(par.CodecID(), par.Profile()),
		BitRate: par.BitRate(), Language: tag(st, "language"), Title: tag(st, "title"),
		Default: disposition.Has(astiav.DispositionFlagDefault),
		Cover:   disposition.Has(astiav.DispositionFlagAttachedPic),
		Frames:  native.frames,
	}
	if native.start != noTime {
		t.Start = native.start
	}
	if native.duration != noTime {
		t.Duration = native.duration
	}
	switch par.MediaType() {
	case astiav.MediaTypeVideo:
		t.Kind = KindVideo
		s.describePicture(&t, st, par)
		t.Interlaced = native.fieldOrder > 1
		t.BitDepth, t.Chroma = native.depth, native.chroma
	case astiav.MediaTypeAudio:
		t.Kind = KindAudio
		t.SampleRate, t.Channels = native.sampleRate, native.channels
		t.Layout, t.SampleFormat = par.ChannelLayout().String(), par.SampleFormat().Name()
	}
	return t
}

func (s *Source) describePicture(t *TrackInfo, st *astiav.Stream, par *astiav.CodecParameters) {
	t.Width, t.Height, t.PixelFormat = par.Width(), par.Height(), par.PixelFormat().Name()
	t.setRate(s.format.GuessFrameRate(st, nil))
	if t.FrameRateNum == 0 {
		t.setRate(st.AvgFrameRate())
	}
	aspect := st.SampleAspectRatio()
	t.AspectNum, t.AspectDen = aspect.Num(), max(1, aspect.Den())
	if m, ok := par.SideData().DisplayMatrix().Get(); ok {
		t.Rotation = quarterTurns(m.Rotation())
	}
}

// quarterTurns rounds degrees to 0, 90, 180 or 270.
func quarterTurns(degrees float64) int {
	if degrees != degrees { // no rotation in the matrix at all
		return 0
	}
	n := int(degrees/90+360.5) % 4
	return 90 * n
}

func tag(st *astiav.Stream, key string) string {
	m := st.Metadata()
	if m == nil {
		return ""
	}
	if e := m.Get(key, nil, 0); e != nil {
		return e.Value()
	}
	return ""
}
