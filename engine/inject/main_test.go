package inject

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// clipDir holds the clips that the tests of a run share.
var clipDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "inject-test-*")
	if err != nil {
		panic(err)
	}
	clipDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	if err := goleak.Find(); err != nil {
		println(err.Error())
		code = 1
	}
	os.Exit(code)
}

func tools(t testing.TB) Tools {
	t.Helper()
	found, err := FindTools()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// ffmpeg runs the decoder's program, which makes the test material too.
func ffmpeg(t testing.TB, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(tools(t).Decoder(), append([]string{"-v", "error", "-nostdin", "-y"}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	return out
}

const (
	clipFPS    = 25
	clipFrames = 100
	clipHz     = 48000
)

var clipOnce sync.Once

// clip is 4 s of moving pictures, 320x180 at 25/s, with two channels of a sound
// like music, coded without loss.
func clip(t testing.TB) string {
	t.Helper()
	path := filepath.Join(clipDir, "clip.mkv")
	clipOnce.Do(func() {
		ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4,format=yuv420p",
			"-f", "lavfi", "-i", "aevalsrc='0.3*sin(2*PI*440*t)+0.2*sin(2*PI*(300+50*t)*t)|0.25*sin(2*PI*554*t)+0.2*sin(2*PI*(200+70*t)*t)':s=48000:d=4",
			"-c:v", "ffv1", "-c:a", "pcm_f32le", path)
	})
	return path
}

// spoil runs an injection into a new file and loads the truth back from disk.
func spoil(t testing.TB, in, name string, change func(*Job), defects ...string) (string, Truth) {
	t.Helper()
	dir := t.TempDir()
	job := Job{In: in, Out: filepath.Join(dir, name), TruthPath: filepath.Join(dir, "truth.json"), Quality: -1, Seed: 1, Specs: specs(t, defects...)}
	if change != nil {
		change(&job)
	}
	if _, err := Run(t.Context(), tools(t), job); err != nil {
		t.Fatal(err)
	}
	truth, err := LoadTruth(job.TruthPath)
	if err != nil {
		t.Fatal(err)
	}
	return job.Out, truth
}

func specs(t testing.TB, defects ...string) []Spec {
	t.Helper()
	var out []Spec
	for _, d := range defects {
		s, err := ParseSpec(d)
		if err != nil {
			t.Fatalf("%s: %v", d, err)
		}
		out = append(out, s)
	}
	return out
}

// lossless makes the output carry exactly what was injected.
func lossless(j *Job) { j.Encoder, j.SoundEncoder = "ffv1", "pcm_f32le" }

// pictures decodes every picture of a file as it is, without filling holes.
func pictures(t testing.TB, path string) []*Picture {
	t.Helper()
	raw := ffmpeg(t, "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-strict", "-1", "-")
	y, err := newY4MReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var out []*Picture
	for {
		p := newPicture(y.width, y.height)
		if err := y.next(p); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
}

// samples decodes the sound of a file, interleaved.
func samples(t testing.TB, path string) []float32 {
	t.Helper()
	raw := ffmpeg(t, "-i", path, "-map", "0:a", "-f", "f32le", "-")
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

// meanDifference is the mean absolute difference of two pictures' luma.
func meanDifference(a, b *Picture) float64 {
	sum := 0
	for i, v := range a.luma().data {
		sum += max(int(v)-int(b.luma().data[i]), int(b.luma().data[i])-int(v))
	}
	return float64(sum) / float64(len(a.luma().data))
}

func probeFile(t testing.TB, path string) Media {
	t.Helper()
	m, err := tools(t).probe(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// timestamps are those of the pictures, in the order in which they are shown, in seconds.
func timestamps(t testing.TB, path string) []float64 {
	t.Helper()
	out, err := exec.Command(tools(t).Probe, "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var stamps []float64
	for line := range strings.Lines(string(out)) {
		if s := strings.Trim(strings.TrimSpace(line), ","); s != "" {
			stamps = append(stamps, number(s))
		}
	}
	slices.Sort(stamps)
	return stamps
}
