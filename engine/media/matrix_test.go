package media

import (
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
)

var (
	yuv420 = frame.Format{BitDepth: 8, ChromaShiftX: 1, ChromaShiftY: 1}
	yuv422 = frame.Format{BitDepth: 8, ChromaShiftX: 1}
	yuv444 = frame.Format{BitDepth: 8}
	gray8  = frame.Format{BitDepth: 8, Mono: true}
)

func deep(f frame.Format, bits uint8) frame.Format {
	f.BitDepth = bits
	return f
}

// Containers and codecs that the private ffmpeg can write: all frames come, in
// order, over the whole length, and nothing is held against them.
func TestContainersAndCodecs(t *testing.T) {
	both := picture2s + " " + sound2s + " "
	for _, c := range []struct {
		file, args string
		audioOnly  bool
		integer    bool
	}{
		{file: "mpeg4-aac.mp4", args: both + "-c:v mpeg4 -c:a aac"},
		{file: "mpeg4-bframes.mp4", args: both + "-c:v mpeg4 -bf 2 -c:a aac"},
		{file: "fragments.mp4", args: both + "-c:v mpeg4 -c:a aac -movflags frag_keyframe+empty_moov"},
		{file: "mjpeg-pcm.mov", args: both + "-c:v mjpeg -c:a pcm_s16le", integer: true},
		{file: "ffv1-flac.mkv", args: both + "-c:v ffv1 -c:a flac", integer: true},
		{file: "mpeg2-ac3.mkv", args: both + "-c:v mpeg2video -bf 2 -c:a ac3"},
		{file: "mpeg2-mp2.ts", args: both + "-c:v mpeg2video -bf 2 -c:a mp2"},
		{file: "mpeg2-eac3.ts", args: both + "-c:v mpeg2video -c:a eac3"},
		{file: "mpeg2-mp2.mpg", args: both + "-c:v mpeg2video -c:a mp2 -f vob"},
		{file: "mpeg4-mp2.avi", args: both + "-c:v mpeg4 -c:a mp2"},
		{file: "mpeg4-vorbis.mkv", args: both + "-c:v mpeg4 -c:a vorbis -ac 2 -strict -2"},
		{file: "pcm16.wav", args: sound2s + " -c:a pcm_s16le", audioOnly: true, integer: true},
		{file: "pcm24.wav", args: sound2s + " -c:a pcm_s24le", audioOnly: true, integer: true},
		{file: "pcmf32.wav", args: sound2s + " -c:a pcm_f32le", audioOnly: true, integer: true},
		{file: "pcmu8.wav", args: sound2s + " -c:a pcm_u8", audioOnly: true, integer: true},
		{file: "alaw.wav", args: sound2s + " -c:a pcm_alaw", audioOnly: true, integer: true},
		{file: "sound.flac", args: sound2s + " -c:a flac", audioOnly: true, integer: true},
		{file: "sound.ogg", args: sound2s + " -c:a flac", audioOnly: true, integer: true},
		{file: "sound.opus", args: sound2s + " -c:a opus -strict -2", audioOnly: true},
		{file: "sound.ac3", args: sound2s + " -c:a ac3", audioOnly: true},
		{file: "sound.m4a", args: sound2s + " -c:a aac -f mp4", audioOnly: true},
	} {
		t.Run(c.file, func(t *testing.T) {
			s := open(t, clip(t, c.file, c.args), Options{})
			if a := s.Audio()[0]; a.integer != c.integer {
				t.Errorf("integer samples: %v, want %v", a.integer, c.integer)
			}
			video, audio := play(s)
			if c.audioOnly != (len(video) == 0) || len(audio) != 1 {
				t.Fatalf("%d picture tracks and %d sound tracks", len(video), len(audio))
			}
			checkOrder(t, audio[0])
			checkClean(t, audio[0])
			// Codecs add their delay and fill the last block.
			if end := audio[0].end(); end < 1980*time.Millisecond || end > 2090*time.Millisecond {
				t.Errorf("sound ends at %v, want 2 s", end)
			}
			if c.audioOnly {
				return
			}
			checkOrder(t, video[0])
			checkClean(t, video[0])
			if n := len(video[0].frames); n != 50 {
				t.Errorf("%d pictures, want 50", n)
			}
			if end := video[0].end(); end < 1960*time.Millisecond || end > 2060*time.Millisecond {
				t.Errorf("picture ends at %v, want 2 s", end)
			}
		})
	}
}

// The checked-in clips: codecs, depths and chroma formats that need other encoders.
func TestClips(t *testing.T) {
	for _, c := range []struct {
		file, codec   string
		format        frame.Format
		width, height int
		audio         string
	}{
		{file: "h264.mp4", codec: "h264", format: yuv420, audio: "aac"},
		{file: "h264.ts", codec: "h264", format: yuv420, audio: "aac"},
		{file: "h264-10.mkv", codec: "h264", format: deep(yuv420, 10)},
		{file: "h264-422-10.mkv", codec: "h264", format: deep(yuv422, 10)},
		{file: "h264-444.mkv", codec: "h264", format: yuv444},
		{file: "h264-gray.mkv", codec: "h264", format: yuv420},
		{file: "h264-full.mkv", codec: "h264", format: yuv420},
		{file: "h264-interlaced.ts", codec: "h264", format: yuv420, height: 96},
		{file: "h264-rotated.mp4", codec: "h264", format: yuv420},
		{file: "hevc.mp4", codec: "hevc", format: yuv420, audio: "aac"},
		{file: "hevc.ts", codec: "hevc", format: yuv420},
		{file: "hevc-10.mkv", codec: "hevc", format: deep(yuv420, 10)},
		{file: "hevc-422-10.mkv", codec: "hevc", format: deep(yuv422, 10)},
		{file: "hevc-444-12.mkv", codec: "hevc", format: deep(yuv444, 12)},
		{file: "vp8.webm", codec: "vp8", format: yuv420, audio: "vorbis"},
		{file: "vp9.webm", codec: "vp9", format: yuv420, audio: "opus"},
		{file: "vp9-10.webm", codec: "vp9", format: deep(yuv420, 10)},
		{file: "av1.mp4", codec: "av1", format: yuv420},
		{file: "av1-10.mkv", codec: "av1", format: deep(yuv420, 10)},
		{file: "sound.mp3", audio: "mp3"},
	} {
		for _, threads := range []int{1, 2} {
			t.Run(c.file, func(t *testing.T) {
				s := open(t, "testdata/"+c.file, Options{Threads: threads})
				video, audio := play(s)
				if c.codec != "" {
					if got := s.Video()[0].Info.Codec; got != c.codec {
						t.Errorf("codec %s, want %s", got, c.codec)
					}
					checkOrder(t, video[0])
					checkClean(t, video[0])
					if n := len(video[0].frames); n != 25 {
						t.Fatalf("%d pictures, want 25", n)
					}
					f := video[0].frames[24]
					height := 90
					if c.height > 0 {
						height = c.height
					}
					if f.format != c.format || f.width != 160 || f.height != height {
						t.Errorf("%dx%d %+v, want 160x%d %+v", f.width, f.height, f.format, height, c.format)
					}
					if step := (f.pts - video[0].frames[0].pts) / 24; (step - 40*time.Millisecond).Abs() > 100*time.Microsecond {
						t.Errorf("%v from picture to picture, want 40 ms", step)
					}
					if !video[0].frames[0].key || video[0].frames[1].key {
						t.Error("only the first of the first two pictures is a keyframe")
					}
				}
				if c.audio != "" {
					if got := s.Audio()[0].Info.Codec; got != c.audio {
						t.Errorf("codec %s, want %s", got, c.audio)
					}
					checkOrder(t, audio[0])
					checkClean(t, audio[0])
					if end := audio[0].end(); end < 980*time.Millisecond || end > 1090*time.Millisecond {
						t.Errorf("sound ends at %v, want 1 s", end)
					}
				}
			})
		}
	}
}
