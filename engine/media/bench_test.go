package media

import (
	"context"
	"io"
	"sync"
	"testing"
)

// BenchmarkDecode1080p decodes pictures of 1920x1080, one an operation.
func BenchmarkDecode1080p(b *testing.B) {
	path := clip(b, "1080p.ts", "-f lavfi -i testsrc2=size=1920x1080:rate=25:duration=4 -c:v mpeg2video -b:v 12M -g 12 -bf 2")
	repeat(b, path, Options{}, func(s *Source) error {
		f, err := s.Video()[0].Next(context.Background())
		if err == nil {
			f.Release()
		}
		return err
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
}

// BenchmarkSound decodes 48 kHz stereo, a second (48 blocks of 1000 samples) an operation.
func BenchmarkSound(b *testing.B) {
	path := clip(b, "minute.mkv", "-f lavfi -i anoisesrc=r=48000:d=60:a=0.5:c=pink:seed=7 -ac 2 -af asetnsamples=1000 -c:a pcm_s16le")
	for name, loudness := range map[string]bool{"decode": false, "loudness": true} {
		b.Run(name, func(b *testing.B) {
			repeat(b, path, Options{Loudness: loudness}, func(s *Source) error {
				for range 48 {
					f, err := s.Audio()[0].Next(context.Background())
					if err != nil {
						return err
					}
					f.Release()
				}
				return nil
			})
		})
	}
}

// repeat runs step b.N times, beginning the file again where it ends.
func repeat(b *testing.B, path string, o Options, step func(*Source) error) {
	b.Helper()
	b.ReportAllocs()
	s := open(b, path, o)
	b.ResetTimer()
	for range b.N {
		err := step(s)
		if err == io.EOF {
			b.StopTimer()
			s.Close()
			s = open(b, path, o)
			b.StartTimer()
			err = step(s)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// In the steady state pictures and sound cost no allocation. The counter is that of
// the whole process: the sound is read beside.
func TestAllocations(t *testing.T) {
	path := clip(t, "steady.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=40 -f lavfi -i sine=sample_rate=48000:duration=40 -c:v mpeg2video -c:a mp2")
	s := open(t, path, Options{Loudness: true})
	var sound sync.WaitGroup
	sound.Go(func() {
		for {
			f, err := s.Audio()[0].Next(context.Background())
			if err != nil {
				return
			}
			f.Release()
		}
	})
	pull := func() {
		f, err := s.Video()[0].Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
	}
	for range 200 {
		pull()
	}
	if n := testing.AllocsPerRun(500, pull); n >= 1 {
		t.Errorf("%v allocations for a picture and its sound", n)
	}
	s.Close()
	sound.Wait()
}
