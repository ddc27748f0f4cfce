package media

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
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

// A size that changes in the middle shows on the frames.
func TestSizeChanges(t *testing.T) {
	one := clip(t, "one.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=1 -c:v mpeg2video")
	two := clip(t, "two.ts", "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -c:v mpeg2video -output_ts_offset 1")
	joined := damagedClip(t, one, func(b []byte) []byte {
		more, err := os.ReadFile(two)
		if err != nil {
			t.Fatal(err)
		}
		return append(b, more...)
	})
	video, _ := playFile(t, joined, Options{})
	// The decoder loses the picture that it held back when the size changed.
	n := len(video[0].frames)
	if n < 49 {
		t.Fatalf("%d pictures, want 49", n)
	}
	changed := 0
	for i, f := range video[0].frames {
		want := 160
		if i >= n-25 {
			want = 320
		}
		if f.width != want {
			t.Fatalf("picture %d is %d wide, want %d", i, f.width, want)
		}
		if f.evidence.FormatChanged {
			changed++
		}
	}
	if changed != 1 || !video[0].frames[n-25].evidence.FormatChanged {
		t.Errorf("%d changes, want one", changed)
	}
}

// Timestamps that jump for picture and sound alike: the timeline goes on, and
// both stay together.
func TestTimestampJump(t *testing.T) {
	part := func(name, offset string) string {
		return clip(t, name, picture2s+" "+sound2s+" -c:v mpeg2video -c:a mp2 -output_ts_offset "+offset)
	}
	for _, c := range []struct {
		name, offset string
		jump         time.Duration
	}{{"ahead", "5000", 4998 * time.Second}, {"back", "0", -2 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			first, second := part("jump-first.ts", "0"), part("jump-"+c.name+".ts", c.offset)
			path := damagedClip(t, first, func(b []byte) []byte {
				more, err := os.ReadFile(second)
				if err != nil {
					t.Fatal(err)
				}
				return append(b, more...)
			})
			video, audio := playFile(t, path, Options{})
			for what, p := range map[string]played{"picture": video[0], "sound": audio[0]} {
				if end := p.end(); (end - 4*time.Second).Abs() > 100*time.Millisecond {
					t.Errorf("%s ends at %v, want 4 s", what, end)
				}
				if e := p.sum(); (e.Jump-c.jump).Abs() > 100*time.Millisecond || e.Gap > 100*time.Millisecond {
					t.Errorf("%s: %+v, want a jump of %v", what, e, c.jump)
				}
			}
			if d := (video[0].end() - audio[0].end()).Abs(); d > 60*time.Millisecond {
				t.Errorf("picture and sound end %v apart", d)
			}
		})
	}
}

// The clock of a transport stream wraps after 26.5 hours; that is no jump.
func TestWrap(t *testing.T) {
	path := clip(t, "wrap.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=4 -c:v mpeg2video -output_ts_offset 95441.5")
	video, _ := playFile(t, path, Options{})
	checkClean(t, video[0])
	if n, end := len(video[0].frames), video[0].end(); n != 100 || !near40ms(end, 4*time.Second) {
		t.Errorf("%d pictures that end at %v", n, end)
	}
}

// A clean file of a variable frame rate has no gaps.
func TestVariableFrameRate(t *testing.T) {
	for _, file := range []string{"vfr.mp4", "vfr.mkv"} {
		path := clip(t, file, `-f lavfi -i testsrc2=size=160x90:rate=50:duration=8 -vf select='not(mod(n\,7))+not(mod(n\,11))+lt(mod(n\,100)\,20)' -fps_mode vfr -c:v mpeg4`)
		video, _ := playFile(t, path, Options{})
		if len(video[0].frames) < 100 {
			t.Fatalf("%s: %d pictures", file, len(video[0].frames))
		}
		checkClean(t, video[0])
	}
}

// Tracks that are skipped or never read hold up nothing.
func TestSkipAndUnread(t *testing.T) {
	path := clip(t, "tracks.mkv", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=20 -f lavfi -i sine=duration=20 -f lavfi -i sine=frequency=880:duration=20 -map 0 -map 1 -map 2 -c:v mpeg4 -c:a flac")
	t.Run("skipped", func(t *testing.T) {
		s := open(t, path, Options{})
		s.Audio()[0].Skip()
		s.Audio()[1].Skip()
		p := playVideo(s.Video()[0])
		checkOrder(t, p)
		checkClean(t, p)
		if len(p.frames) != 500 {
			t.Errorf("%d pictures, want 500", len(p.frames))
		}
		if _, err := s.Audio()[0].Next(t.Context()); err != io.EOF {
			t.Errorf("a skipped track gives %v", err)
		}
	})
	t.Run("skipped later", func(t *testing.T) {
		s := open(t, path, Options{})
		var wg sync.WaitGroup
		wg.Go(func() {
			f, err := s.Audio()[0].Next(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			f.Release()
			s.Audio()[0].Skip()
			s.Audio()[1].Skip()
		})
		p := playVideo(s.Video()[0])
		wg.Wait()
		checkOrder(t, p)
		if len(p.frames) != 500 {
			t.Errorf("%d pictures, want 500", len(p.frames))
		}
	})
	t.Run("never read", func(t *testing.T) {
		s := open(t, path, Options{})
		p := playVideo(s.Video()[0])
		checkOrder(t, p)
		if len(p.frames) != 500 {
			t.Errorf("%d pictures, want 500", len(p.frames))
		}
		// What lay in the queue is still there for who comes late.
		if a := playAudio(s.Audio()[0]); len(a.frames) == 0 || !errors.Is(a.err, io.EOF) {
			t.Errorf("%d blocks, %v", len(a.frames), a.err)
		}
	})
}

// All the sound behind all the picture: the reader goes on for who starves.
func TestBadlyInterleaved(t *testing.T) {
	v := clip(t, "apart-v.mp4", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=20 -c:v mpeg4")
	a := clip(t, "apart-a.m4a", "-f lavfi -i sine=duration=20 -c:a aac -f mp4")
	path := clip(t, "apart.ts", "-i "+v+" -i "+a+" -map 0 -map 1 -c:v mpeg2video -c:a mp2 -max_interleave_delta 1 -muxdelay 0")
	path = damagedClip(t, path, func(b []byte) (out []byte) { // picture first, then sound
		var sound []byte
		for i := 0; (i+1)*tsPacket <= len(b); i++ {
			if p := b[i*tsPacket:][:tsPacket]; pid(p) == 0x101 && i > 200 {
				sound = append(sound, p...)
			} else {
				out = append(out, p...)
			}
		}
		return append(out, sound...)
	})
	video, audio := playFile(t, path, Options{})
	for what, p := range map[string]played{"picture": video[0], "sound": audio[0]} {
		checkClean(t, p)
		if (p.end() - 20*time.Second).Abs() > 100*time.Millisecond {
			t.Errorf("%s ends at %v, want 20 s", what, p.end())
		}
	}
}

// Close may come at any time, from anywhere, more than once.
func TestClose(t *testing.T) {
	path := clip(t, "tracks.mkv", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=20 -f lavfi -i sine=duration=20 -f lavfi -i sine=frequency=880:duration=20 -map 0 -map 1 -map 2 -c:v mpeg4 -c:a flac")
	t.Run("unread", func(t *testing.T) {
		s := open(t, path, Options{})
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Video()[0].Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("Next after Close: %v", err)
		}
		if _, err := s.Audio()[0].Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("Next after Close: %v", err)
		}
	})
	t.Run("while reading", func(t *testing.T) {
		for range 20 {
			s := open(t, path, Options{Loudness: true})
			begun := make(chan struct{}, 1)
			var wg sync.WaitGroup
			for _, next := range []func() error{
				func() error {
					f, err := s.Video()[0].Next(context.Background())
					if err == nil {
						poke(begun)
						f.Release()
					}
					return err
				},
				func() error {
					f, err := s.Audio()[0].Next(context.Background())
					if err == nil {
						f.Release()
					}
					return err
				},
			} {
				wg.Go(func() {
					for {
						if err := next(); err != nil {
							if !errors.Is(err, ErrClosed) && err != io.EOF {
								t.Errorf("Next: %v", err)
							}
							return
						}
					}
				})
			}
			<-begun
			wg.Go(func() { s.Close() })
			s.Close()
			wg.Wait()
		}
	})
	t.Run("frames are held", func(t *testing.T) {
		s := open(t, path, Options{})
		v, err := s.Video()[0].Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.Audio()[0].Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if *(*byte)(v.Planes[0].Data) == 0 && len(a.Samples[0]) == 0 {
			t.Error("the frames are gone")
		}
		v.Release()
		a.Release()
	})
}

func TestNextCanceled(t *testing.T) {
	s := open(t, "testdata/h264.mp4", Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 { // canceled calls end nothing
		if _, err := s.Video()[0].Next(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	p := playVideo(s.Video()[0])
	if !errors.Is(p.err, io.EOF) {
		t.Errorf("afterwards: %v", p.err)
	}
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
	joined := damagedClip(t, small, func(b []byte) []byte {
		more, err := os.ReadFile(large)
		if err != nil {
			t.Fatal(err)
		}
		return append(b, more...)
	})
	video, _ := playFile(t, joined, Options{MaxPixels: 200 * 100})
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
