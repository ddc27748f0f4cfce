package double

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const clips = "../../../media/testdata/"

// generated makes a clip with one of the encoders that the private FFmpeg has.
func generated(t *testing.T, encoder string, args ...string) string {
	t.Helper()
	clip := filepath.Join(t.TempDir(), encoder+".mkv")
	args = append([]string{"-f", "lavfi", "-i", "testsrc2=size=176x144:rate=25:duration=1", "-c:v", encoder, "-q:v", "5"}, append(args, clip)...)
	cmd := ffmpeg(args...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v %s", cmd.Args, err, cmd.Stderr)
	}
	return clip
}

// FFmpeg's own NVDEC code on the double gives the pictures of its software decoders.
func TestRecordedClipsDecodeAlike(t *testing.T) {
	all := map[string]string{
		"mpeg2 with B":     generated(t, "mpeg2video", "-bf", "2", "-g", "12"),
		"mpeg2 interlaced": generated(t, "mpeg2video", "-flags", "+ildct+ilme"),
		"mpeg4":            generated(t, "mpeg4"),
	}
	for _, name := range []string{"h264.mp4", "h264.ts", "h264-interlaced.ts", "h264-full.mkv", "hevc.mp4", "hevc.ts", "hevc-10.mkv",
		"hevc-444-12.mkv", "vp8.webm", "vp9.webm", "vp9-10.webm", "av1.mp4", "av1-10.mkv"} {
		all[name] = clips + name
	}
	for name, clip := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := DecodesAlike(folder, clip); err == nil {
				t.Fatal("without a tape the pictures should differ")
			}
			if err := Record(folder, clip); err != nil {
				t.Fatal(err)
			}
			if err := DecodesAlike(folder, clip); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRecordSaysWhatItCannot(t *testing.T) {
	folder := t.TempDir()
	for clip, want := range map[string]string{
		clips + "h264-422-10.mkv": "NVDEC has no surfaces for yuv422p10le",
		clips + "missing.mp4":     "no such file",
	} {
		if err := Record(folder, clip); err == nil {
			t.Errorf("%s was recorded", clip)
		} else if got := err.Error(); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
