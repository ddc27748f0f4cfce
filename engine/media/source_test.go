package media

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	astiav "github.com/asticode/go-astiav"

	"github.com/streamvet/streamvet/engine/frame"
)

// Errors of Open tell what is wrong and what to do.
func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	junk := make([]byte, 30000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range junk {
		junk[i] = byte(r.Uint32())
	}
	locked := write("locked.mp4", junk)
	if err := os.Chmod(locked, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, url string
		want      error
		says      string
	}{
		{"nothing there", filepath.Join(dir, "none.mp4"), fs.ErrNotExist, "check the name"},
		{"a directory", dir, ErrDirectory, "name the files in it"},
		{"empty", write("empty.mp4", nil), ErrEmpty, "try again later"},
		{"garbage", write("junk.bin", junk), ErrNotMedia, "another program"},
		{"garbage named mp4", write("junk.mp4", junk), ErrNotMedia, "another program"},
		{"a text", write("text.txt", []byte(strings.Repeat("Not a film. ", 500))), ErrNotMedia, "another program"},
		{"mp4 without its index", damagedClip(t, "testdata/h264.mp4", cut(.6)), ErrCutShort, "copy it again"},
		{"no permission", locked, fs.ErrPermission, "readable"},
		{"an unknown scheme", "gopher://example.org/film", ErrAddress, "one of these"},
		{"subtitles alone", write("text.srt", []byte("1\n00:00:01,000 --> 00:00:02,000\nHello\n\n")), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.want == fs.ErrPermission && os.Geteuid() == 0 {
				t.Skip("root may read everything")
			}
			s, err := Open(t.Context(), c.url, Options{})
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "open "+c.url+": ") {
				t.Errorf("says %q, want the input and %q", err, c.says)
			}
		})
	}
}

func TestOpenCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, "testdata/h264.mp4", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

// go-astiav does not tell these pointers; raw takes the first field.
func TestRawPointers(t *testing.T) {
	pkt := astiav.AllocPacket()
	defer pkt.Free()
	pkt.SetPts(4711)
	if got := *(*int64)(raw(pkt)); got != 0 { // buf, then pts
		t.Errorf("a fresh packet has a buffer: %x", got)
	}
	s := open(t, "testdata/h264.mp4", Options{})
	if streamOf(s.format, 0).frames != 25 {
		t.Error("the pointer of the format context is not its first field any more")
	}
}

func TestInfo(t *testing.T) {
	s := open(t, "testdata/h264.mp4", Options{})
	i := s.Info()
	if i.Duration != time.Second || len(i.Tracks) != 2 || i.Start != 0 || !strings.Contains(i.Container, "mp4") {
		t.Errorf("%+v", i)
	}
	v, a := i.Tracks[0], i.Tracks[1]
	if v.Kind != KindVideo || v.Codec != "h264" || v.Profile != "High" || v.Width != 160 || v.Height != 90 || v.PixelFormat != "yuv420p" ||
		v.FrameRateNum != 25 || v.FrameRateDen != 1 || v.Frames != 25 || !v.Default || !v.Decodable || v.Rotation != 0 {
		t.Errorf("%+v", v)
	}
	if a.Kind != KindAudio || a.Codec != "aac" || a.Profile != "LC" || a.SampleRate != 48000 || a.Channels != 2 || a.Layout != "stereo" {
		t.Errorf("%+v", a)
	}
	if r := open(t, "testdata/h264-rotated.mp4", Options{}).Info().Tracks[0].Rotation; r != 270 {
		t.Errorf("rotation %d, want 270", r)
	}
	named := clip(t, "named.mkv", picture2s+" "+sound2s+" "+sound2s+" -map 0 -map 1 -map 2 -c:v mpeg4 -c:a flac -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu")
	s = open(t, named, Options{})
	if len(s.Audio()) != 2 || s.Audio()[0].Info.Language != "eng" || s.Audio()[1].Info.Language != "deu" {
		t.Errorf("languages: %+v", s.Info().Tracks)
	}
}

func TestPictureProperties(t *testing.T) {
	first := func(path string) frame.Video {
		t.Helper()
		s := open(t, path, Options{})
		f, err := s.Video()[0].Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer f.Release()
		return frame.Video{Colour: f.Colour, Interlaced: f.Interlaced, Rotation: f.Rotation}
	}
	if f := first("testdata/h264-interlaced.ts"); !f.Interlaced {
		t.Error("not interlaced")
	}
	if f := first("testdata/h264-rotated.mp4"); f.Rotation != 270 {
		t.Errorf("rotation %d, want 270", f.Rotation)
	}
	if f := first("testdata/h264-full.mkv"); f.Colour != (frame.Colour{Matrix: frame.MatrixBT709, FullRange: true}) {
		t.Errorf("%+v, want BT.709 of full range", f.Colour)
	}
	if f := first("testdata/h264.mp4"); f.Colour != (frame.Colour{}) || f.Interlaced {
		t.Errorf("%+v, want nothing known", f.Colour)
	}
}

// Cover art is no picture track.
func TestCoverArt(t *testing.T) {
	cover := clip(t, "cover.png", "-f lavfi -i testsrc2=size=64x64 -frames:v 1")
	song := clip(t, "song.m4a", sound2s+" -i "+cover+" -map 0 -map 1 -c:a aac -c:v png -disposition:v attached_pic -f mp4")
	s := open(t, song, Options{})
	if len(s.Video()) != 0 || len(s.Audio()) != 1 || !s.Info().Tracks[1].Cover {
		t.Fatalf("%d picture tracks; %+v", len(s.Video()), s.Info().Tracks)
	}
	_, audio := play(s)
	checkOrder(t, audio[0])
	checkClean(t, audio[0])
}

// A picture larger than allowed is refused and told, not decoded.
func TestMaxPixels(t *testing.T) {
	// Declared: the track is refused, the sound goes on.
	s := open(t, "testdata/h264.mp4", Options{MaxPixels: 100 * 50})
	_, audio := play(s)
	checkOrder(t, audio[0])
	if v := s.Info().Tracks[0]; len(s.Video()) != 0 || v.Decodable || !strings.Contains(v.Problem, "160x90") {
		t.Errorf("%+v", v)
	}
	if _, err := Open(t.Context(), "testdata/hevc-10.mkv", Options{MaxPixels: 100 * 50}); !errors.Is(err, ErrNoTracks) || !strings.Contains(err.Error(), "160x90") {
		t.Errorf("nothing else in it: %v", err)
	}
	// Found out while decoding: the packets are refused.
	small := clip(t, "one.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=1 -c:v mpeg2video")
	large := clip(t, "two.ts", "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -c:v mpeg2video -output_ts_offset 1")
	video, _ := playFile(t, joined(t, small, large), Options{MaxPixels: 200 * 100})
	if v := video[0]; len(v.frames) > 25 || v.tail.RefusedPackets == 0 {
		t.Errorf("%d pictures, %+v", len(v.frames), v.tail)
	}
}

func TestVersions(t *testing.T) {
	for _, l := range Versions() {
		if l.Version == "" || l.Name == "libavcodec" && !strings.HasPrefix(l.Version, "61.") {
			t.Errorf("%+v: go-astiav v0.39.0 goes with FFmpeg 7", l)
		}
	}
}

func TestWhatComesAtItsPace(t *testing.T) {
	for url, want := range map[string]bool{
		"rtsp://camera/1": true, "RTSPS://camera/1": true, "udp://@239.0.0.1:1234": true, "srt://a:1?mode=listener": true, "rtmp://a/b/c": true,
		"http://a/b.m3u8": false, "/film.mp4": false, "file:///film.mp4": false, "rtsp": false, "": false,
	} {
		if ComesAtItsPace(url) != want {
			t.Errorf("%q: want %v", url, want)
		}
	}
}
