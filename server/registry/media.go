package registry

import (
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamvet/streamvet/engine/media"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// MediaInfo is what is told of a container.
func MediaInfo(i *media.Info) *streamvetv1.MediaInfo { return mediaInfo(i) }

func mediaInfo(i *media.Info) *streamvetv1.MediaInfo {
	m := &streamvetv1.MediaInfo{Container: i.Container, BitRate: uint64(max(i.BitRate, 0))}
	if i.Duration > 0 {
		m.Duration = durationpb.New(i.Duration)
	}
	pictures := 0
	for _, t := range i.Tracks {
		track := &streamvetv1.Track{
			Index: uint32(t.Index), Codec: t.Codec, Profile: t.Profile, Language: t.Language,
			Vetted: t.Decodable, Note: t.Problem,
		}
		switch t.Kind {
		case media.KindVideo:
			track.Kind = streamvetv1.TrackKind_TRACK_KIND_VIDEO
			track.Width, track.Height = uint32(t.Width), uint32(t.Height)
			if t.FrameRateDen > 0 {
				track.FrameRate = float64(t.FrameRateNum) / float64(t.FrameRateDen)
			}
			switch t.Decoder {
			case media.NVDEC:
				track.Decoder = streamvetv1.Decoder_DECODER_NVDEC
			case media.Software:
				track.Decoder = streamvetv1.Decoder_DECODER_SOFTWARE
			}
			if t.Decodable {
				pictures++
			}
			switch {
			case t.Cover:
				track.Note = "a still picture that decorates sound"
			case pictures > 1:
				track.Vetted, track.Note = false, "only the first video track is vetted"
			case track.Note == "":
				track.Note = t.DecoderReason
			}
		case media.KindAudio:
			track.Kind = streamvetv1.TrackKind_TRACK_KIND_AUDIO
			track.SampleRate, track.Channels, track.Layout = uint32(t.SampleRate), uint32(t.Channels), t.Layout
		}
		m.Tracks = append(m.Tracks, track)
	}
	return m
}
