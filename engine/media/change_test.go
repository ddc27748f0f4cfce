package media

import (
	"os"
	"testing"
	"time"
)

// A size that changes in the middle shows on the frames.
func TestSizeChanges(t *testing.T) {
	one := clip(t, "one.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=1 -c:v mpeg2video")
	two := clip(t, "two.ts", "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -c:v mpeg2video -output_ts_offset 1")
	video, _ := playFile(t, joined(t, one, two), Options{})
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
			video, audio := playFile(t, joined(t, first, second), Options{})
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

// Rate and channels that change in the middle are told (FFmpeg changes one a block
// before the other here), and loudness goes on.
func TestSoundChanges(t *testing.T) {
	one := clip(t, "sound-one.ts", "-f lavfi -i sine=sample_rate=48000:duration=2 -c:a mp2 -ac 1")
	two := clip(t, "sound-two.ts", "-f lavfi -i sine=sample_rate=44100:duration=2 -c:a mp2 -ac 2 -output_ts_offset 2")
	_, audio := playFile(t, joined(t, one, two), Options{Loudness: true})
	changed, readings := 0, 0
	for _, f := range audio[0].frames {
		if f.evidence.FormatChanged {
			changed++
		}
		if changed > 0 && f.loudness.Valid {
			readings++
		}
	}
	if changed < 1 || changed > 2 || readings < 10 {
		t.Errorf("%d changes, %d readings after them", changed, readings)
	}
}

// joined is one file behind the other.
func joined(t *testing.T, first, second string) string {
	t.Helper()
	return damagedClip(t, first, func(b []byte) []byte {
		more, err := os.ReadFile(second)
		if err != nil {
			t.Fatal(err)
		}
		return append(b, more...)
	})
}
