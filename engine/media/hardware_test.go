//go:build cuda

package media

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cuda"
	"github.com/streamvet/streamvet/engine/device/cuda/double"
	"github.com/streamvet/streamvet/engine/frame"
)

// gpu is a device with a stream for one decoder. Everything that the test has it
// allocate must be gone at the end.
type gpu struct {
	CUDA
	stream device.Stream
}

func openGPU(t *testing.T) gpu {
	t.Helper()
	if double.Active() {
		double.Reset()
		double.DecodeSmall() // the clips are
		t.Cleanup(double.Reset)
	}
	d, err := cuda.Open(cuda.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	before := counters().Live
	t.Cleanup(func() {
		if double.Active() {
			double.Restore()
		}
		if err := s.Sync(); err != nil {
			t.Error(err)
		}
		if now := counters().Live; now != before {
			t.Errorf("%+v is alive on the GPU, %+v was before", now, before)
		}
		s.Close()
		d.Close()
	})
	return gpu{CUDA{d.Context(), s.Handle()}, s}
}

// openDouble is openGPU for tests of what only the double does.
func openDouble(t *testing.T) gpu {
	t.Helper()
	if !double.Active() {
		t.Skip("STREAMVET_REAL_GPU is set, and this needs the double of the driver")
	}
	return openGPU(t)
}

// counters are the double's, and zero on a real GPU.
func counters() (c double.Count) {
	if double.Active() {
		c = double.Counters()
	}
	return c
}

// surfaces are the formats in which NVDEC gives what software gives as planes.
var surfaces = map[frame.Format]frame.Format{
	yuv420:           {BitDepth: 8, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true},
	deep(yuv420, 10): {BitDepth: 10, HighAligned: true, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true},
	deep(yuv444, 12): {BitDepth: 16},
}

// sameAs wants what NVDEC gave to be what software gives, but for where it lies.
func sameAs(t *testing.T, software, hardware played) {
	t.Helper()
	if len(hardware.frames) != len(software.frames) || hardware.tail != software.tail {
		t.Errorf("%d pictures and %+v at the end, want %d and %+v", len(hardware.frames), hardware.tail, len(software.frames), software.tail)
		return
	}
	for i, got := range hardware.frames {
		want := software.frames[i]
		if got.mem == frame.MemDevice {
			want.mem, want.format = frame.MemDevice, surfaces[want.format]
		}
		if got != want {
			t.Fatalf("picture %d: %+v, software gives %+v", i, got, want)
		}
	}
}

// fromDevice counts the pictures that lie on the GPU.
func (p played) fromDevice() (n int) {
	for _, f := range p.frames {
		if f.mem == frame.MemDevice {
			n++
		}
	}
	return n
}

// NVDEC tells of every picture what software tells.
func TestNVDECLikeSoftware(t *testing.T) {
	for name, path := range map[string]string{
		"H.264": "testdata/h264.mp4", "H.264 in a transport stream": "testdata/h264.ts", "full range": "testdata/h264-full.mkv",
		"interlaced": "testdata/h264-interlaced.ts", "rotated": "testdata/h264-rotated.mp4", "cropped": "testdata/h264-crop.ts",
		"sizes": "testdata/h264-sizes.ts", "HEVC": "testdata/hevc.mp4", "HEVC, 10 bits": "testdata/hevc-10.mkv", "HEVC, 4:4:4": "testdata/hevc-444-12.mkv",
		"VP8": "testdata/vp8.webm", "VP9": "testdata/vp9.webm", "VP9, 10 bits": "testdata/vp9-10.webm", "AV1": "testdata/av1.mp4", "AV1, 10 bits": "testdata/av1-10.mkv",
		"MPEG-2": clip(t, "mpeg2.ts", picture2s+" -c:v mpeg2video -bf 2"),
		"MJPEG":  clip(t, "mjpeg.mov", picture2s+" -c:v mjpeg -pix_fmt yuvj420p"),
		"MPEG-4": clip(t, "mpeg4.mp4", picture2s+" -c:v mpeg4"),
	} {
		t.Run(name, func(t *testing.T) {
			g := openGPU(t)
			s := open(t, path, Options{CUDA: g.CUDA})
			v := s.Video()[0]
			if !double.Active() && strings.Contains(v.Info.DecoderReason, "is less than") {
				t.Skip(v.Info.DecoderReason)
			}
			if v.Info.Decoder != NVDEC || s.Info().Tracks[v.Info.Index].Decoder != NVDEC || v.Info.DecoderReason != "" {
				t.Fatalf("decoded by %q: %s", v.Info.Decoder, v.Info.DecoderReason)
			}
			hardware, _ := play(s)
			if by, why := v.Decoder(); by != NVDEC || hardware[0].fromDevice() != len(hardware[0].frames) {
				t.Errorf("the last picture is from %q (%s), %d of %d from the GPU", by, why, hardware[0].fromDevice(), len(hardware[0].frames))
			}
			software, _ := playFile(t, path, Options{})
			sameAs(t, software[0], hardware[0])
			if c := counters(); c.Errors > 0 || c.ToHost.Calls > 0 || c.ToDevice.Calls > 0 {
				t.Errorf("calls of the driver failed, or pictures crossed the bus: %+v", c)
			}
			s.Close()
		})
	}
}

// What NVDEC does not take is known before a decoder is opened, and decoded in
// software as ever; the log says so once.
func TestNVDECRefuses(t *testing.T) {
	for _, c := range []struct{ name, path, says string }{
		{"H.264, 10 bits", "testdata/h264-10.mkv", "bit depth"},
		{"H.264, 4:2:2", "testdata/h264-422-10.mkv", "chroma format"},
		{"H.264, 4:4:4", "testdata/h264-444.mkv", "chroma format"},
		{"HEVC, 4:2:2", "testdata/hevc-422-10.mkv", "chroma format"},
		{"MPEG-4 ASP", clip(t, "asp.mp4", picture2s+" -c:v mpeg4 -bf 2"), "Simple Profile"},
		{"an odd size", clip(t, "odd.mov", "-f lavfi -i testsrc=size=161x91:rate=25:duration=1 -c:v mjpeg -pix_fmt yuvj420p"), "odd width"},
		{"FFV1", clip(t, "ffv1.mkv", picture2s+" -c:v ffv1"), "codec"},
		{"HEVC, too small", "testdata/hevc.mp4", "160x90 is less than the 144x144"},
		{"VP9, too small", "testdata/vp9.webm", "160x90 is less than the 128x128"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := openDouble(t)
			if strings.Contains(c.name, "small") {
				double.Set("SMALL", "")
			}
			log := &lines{}
			s := open(t, c.path, Options{CUDA: g.CUDA, Logger: log.logger()})
			v := s.Video()[0]
			if v.Info.Decoder != Software || !strings.Contains(v.Info.DecoderReason, c.says) {
				t.Errorf("decoded by %q: %q, want a word of %q", v.Info.Decoder, v.Info.DecoderReason, c.says)
			}
			video, _ := play(s)
			software, _ := playFile(t, c.path, Options{})
			sameAs(t, software[0], video[0])
			if by, why := v.Decoder(); by != Software || why != v.Info.DecoderReason || video[0].fromDevice() > 0 {
				t.Errorf("the last picture is from %q: %q", by, why)
			}
			log.wantOne(t, c.says)
			if d := double.Counters().Decoder; d.Made > 0 || d.Refused > 0 {
				t.Errorf("decoders were asked for: %+v", d)
			}
		})
	}
}

// A container without the video capability has no libnvcuvid: the reason names the
// remedy.
func TestWithoutVideoCapability(t *testing.T) {
	const child = "STREAMVET_TEST_CUDA_ONLY"
	if os.Getenv(child) == "" {
		openDouble(t)
		cmd := exec.Command(os.Args[0], "-test.run=^TestWithoutVideoCapability$")
		cmd.Env = append(os.Environ(), child+"=1", "STREAMVET_DRIVER_DOUBLE="+double.CUDAOnly(), "LD_LIBRARY_PATH="+double.CUDAOnly())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	g := openGPU(t)
	s := open(t, "testdata/h264.mp4", Options{CUDA: g.CUDA})
	video, _ := play(s)
	if len(video[0].frames) != 25 {
		t.Errorf("%d pictures, want 25", len(video[0].frames))
	}
	_, err := NVDECCaps(g.CUDA, "h264", Chroma420, 8)
	for _, says := range []string{s.Video()[0].Info.DecoderReason, fmt.Sprint(err)} {
		if !strings.Contains(says, "libnvcuvid.so.1") || !strings.Contains(says, "NVIDIA_DRIVER_CAPABILITIES=compute,video,utility") {
			t.Errorf("says %q", says)
		}
	}
}

func TestNVDECCaps(t *testing.T) {
	g := openDouble(t)
	double.Set("SMALL", "")
	double.Set("NVDECS", "3")
	for _, c := range []struct {
		codec  string
		chroma Chroma
		depth  int
		want   DecoderCaps
	}{
		{"h264", Chroma420, 8, DecoderCaps{true, 3, 48, 16, 4096, 4096, 65536}},
		{"hevc", Chroma420, 10, DecoderCaps{true, 3, 144, 144, 8192, 8192, 262144}},
		{"h264", Chroma420, 10, DecoderCaps{}},
		{"h264", Chroma422, 8, DecoderCaps{}},
		{"h264", ChromaUnknown, 8, DecoderCaps{}},
		{"gif", Chroma420, 8, DecoderCaps{}},
		{"no such codec", Chroma420, 8, DecoderCaps{}},
	} {
		if got, err := NVDECCaps(g.CUDA, c.codec, c.chroma, c.depth); err != nil || got != c.want {
			t.Errorf("%s %v of %d bits: %+v, %v; want %+v", c.codec, c.chroma, c.depth, got, err, c.want)
		}
	}
	double.LoseDevice(1, double.ECCError)
	if _, err := NVDECCaps(g.CUDA, "h264", Chroma420, 8); err == nil || !strings.Contains(err.Error(), "ECC") {
		t.Errorf("of a lost device: %v", err)
	}
}

// lines keeps what is logged from Warn on.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, string(b))
	return len(b), nil
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// wantOne wants one line about the fallback, with the reason.
func (l *lines) wantOne(t *testing.T, reason string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.text) != 1 || !strings.Contains(l.text[0], inSoftware) || !strings.Contains(l.text[0], reason) {
		t.Errorf("logged %q, want one line with %q", l.text, reason)
	}
}
