package media

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/streamvet/streamvet/engine/frame"
)

// FuzzMedia plays mutated files: nothing may crash, hang or leak, time goes
// forward, and all planes are readable.
func FuzzMedia(f *testing.F) {
	for _, name := range []string{"h264.ts", "hevc.mp4", "vp8.webm", "vp9-10.webm", "av1.mp4", "h264-rotated.mp4", "sound.mp3"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		for seed := range uint64(4) {
			f.Add(flip(seed, 20, .1, .95)(append([]byte{}, b...)))
		}
		f.Add(b[:len(b)/2])
	}
	for _, c := range [][2]string{
		{"fuzz.mkv", "-c:v ffv1 -c:a flac -t 0.3"}, {"fuzz.avi", "-c:v mpeg4 -c:a mp2 -t 0.5"},
		{"fuzz.mpg", "-c:v mpeg2video -c:a mp2 -f vob -t 0.5"}, {"fuzz.mov", "-c:v mjpeg -c:a pcm_s16le -t 0.3"}, {"fuzz.ogg", "-vn -c:a vorbis -ac 2 -strict -2 -t 0.5"},
	} {
		b, err := os.ReadFile(clip(f, c[0], picture2s+" "+sound2s+" "+c[1]))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(flip(9, 20, .05, .95)(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "fuzz")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(context.Background(), path, Options{Loudness: true, MaxPixels: 1 << 20})
		if err != nil {
			return
		}
		defer s.Close()
		var wg sync.WaitGroup
		for _, v := range s.Video() {
			wg.Go(func() { fuzzVideo(t, v) })
		}
		for _, a := range s.Audio() {
			wg.Go(func() { fuzzAudio(t, a) })
		}
		wg.Wait()
	})
}

func fuzzVideo(t *testing.T, v *VideoTrack) {
	last := int64(-1)
	for {
		f, err := v.Next(context.Background())
		if err != nil {
			fuzzEnd(t, err, v.Tail())
			return
		}
		if int64(f.PTS) <= last || f.Duration <= 0 || f.Width <= 0 || f.Height <= 0 {
			t.Errorf("PTS %v after %d, duration %v, %dx%d", f.PTS, last, f.Duration, f.Width, f.Height)
		}
		last = int64(f.PTS)
		touch(f)
		f.Release()
	}
}

func fuzzAudio(t *testing.T, a *AudioTrack) {
	last := int64(-1)
	for {
		f, err := a.Next(context.Background())
		if err != nil {
			fuzzEnd(t, err, a.Tail())
			return
		}
		if int64(f.PTS) <= last || f.Duration <= 0 || f.SampleRate <= 0 {
			t.Errorf("PTS %v after %d, duration %v, %d Hz", f.PTS, last, f.Duration, f.SampleRate)
		}
		last = int64(f.PTS)
		sum := float32(0)
		for _, c := range f.Samples[:f.Channels] {
			for _, s := range c {
				sum += s
			}
		}
		_ = sum
		f.Release()
	}
}

func fuzzEnd(t *testing.T, err error, tail frame.Evidence) {
	if !errors.Is(err, io.EOF) || tail.Gap < 0 {
		t.Errorf("ended with %v, %+v", err, tail)
	}
}

// touch reads every visible sample.
func touch(f *frame.Video) int {
	sum := 0
	for i := range f.Planes {
		if f.Planes[i].Data == nil {
			continue
		}
		for _, v := range plane(f, i) {
			sum += v
		}
	}
	return sum
}
