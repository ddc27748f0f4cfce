package media

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// resident is the resident memory of this process in bytes.
func resident(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc/self/statm: ", err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// Sources that come and go leave nothing behind. A leaked frame or packet a source
// is 20 kB, a leaked decoder 700 kB.
func TestMemoryStaysFlat(t *testing.T) {
	damaged := damagedClip(t, "testdata/h264.ts", flip(1, 12, .33, .9))
	round := func() {
		for _, path := range []string{"testdata/h264.mp4", "testdata/vp9-10.webm", damaged, "testdata/sound.mp3"} {
			s, err := Open(t.Context(), path, Options{Loudness: true})
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Video()) > 0 { // some are closed in their middle
				f, err := s.Video()[0].Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				f.Release()
			}
			if path == damaged {
				play(s)
			}
			s.Close()
		}
	}
	for range 40 {
		round()
	}
	before := resident(t)
	for range 100 {
		round()
	}
	grown := resident(t) - before
	t.Logf("resident memory grew by %d kB over 400 sources", grown>>10)
	if grown > 8<<20 {
		t.Errorf("resident memory grew by %d kB over 400 sources", grown>>10)
	}
}
