package media

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"
)

const threeTracks = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=20 -f lavfi -i sine=duration=20 -f lavfi -i sine=frequency=880:duration=20 -map 0 -map 1 -map 2 -c:v mpeg4 -c:a flac"

// Close may come before anything was read, and more than once.
func TestCloseUnread(t *testing.T) {
	s := open(t, clip(t, "tracks.mkv", threeTracks), Options{})
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
	s.Audio()[0].Skip()
}

// Close may come at any time, from anywhere.
func TestCloseWhileReading(t *testing.T) {
	path := clip(t, "tracks.mkv", threeTracks)
	for range 20 {
		s := open(t, path, Options{Loudness: true})
		begun := make(chan struct{}, 1)
		var wg sync.WaitGroup
		wg.Go(func() { // the second sound track is read by nobody
			for {
				f, err := s.Video()[0].Next(context.Background())
				if err != nil {
					closedOrEnded(t, err)
					return
				}
				poke(begun)
				f.Release()
			}
		})
		wg.Go(func() {
			for {
				f, err := s.Audio()[0].Next(context.Background())
				if err != nil {
					closedOrEnded(t, err)
					return
				}
				f.Release()
			}
		})
		<-begun
		wg.Go(func() { s.Close() })
		s.Close()
		wg.Wait()
	}
}

func closedOrEnded(t *testing.T, err error) {
	if !errors.Is(err, ErrClosed) && err != io.EOF {
		t.Errorf("Next: %v", err)
	}
}

// Frames that are held outlive their source.
func TestCloseWhileFramesAreHeld(t *testing.T) {
	s := open(t, clip(t, "tracks.mkv", threeTracks), Options{})
	v, err := s.Video()[0].Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Audio()[0].Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := append([]int{}, plane(v, 0)...)
	loud := append([]float32{}, a.Samples[0]...)
	s.Close()
	if !slices.Equal(plane(v, 0), want) || !slices.Equal(a.Samples[0], loud) {
		t.Error("the frames changed")
	}
	v.Release()
	a.Release()
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

// Tracks that are skipped or never read hold up nothing.
func TestSkipAndUnread(t *testing.T) {
	path := clip(t, "tracks.mkv", threeTracks)
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
