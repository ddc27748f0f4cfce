package media

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	astiav "github.com/asticode/go-astiav"

	"github.com/streamvet/streamvet/engine/frame"
)

// plane copies the visible samples of one plane, low-aligned.
func plane(f *frame.Video, i int) (out []int) {
	w, h := f.Width, f.Height
	step := 1
	if i > 0 {
		w, h = f.Format.ChromaSize(w, h)
		if f.Format.Interleaved {
			step = 2
		}
	}
	p := f.Planes[i]
	skip := 0
	if i == 2 && f.Format.Interleaved {
		p, skip = f.Planes[1], 1
	}
	shift := 0
	if f.Format.HighAligned {
		shift = 16 - int(f.Format.BitDepth)
	}
	for y := range h {
		for x := range w {
			at := unsafe.Add(p.Data, y*p.Pitch+(x*step+skip)*f.Format.SampleBytes())
			if f.Format.SampleBytes() == 2 {
				out = append(out, int(*(*uint16)(at))>>shift)
			} else {
				out = append(out, int(*(*uint8)(at)))
			}
		}
	}
	return out
}

// reference is the first picture of a file in a pixel format, as the ffmpeg program gives it.
func reference(t *testing.T, path, filter, pixFmt string) []byte {
	t.Helper()
	args := []string{"-v", "error", "-i", path, "-frames:v", "1"}
	if filter != "" {
		args = append(args, "-vf", filter)
	}
	cmd := exec.Command(os.Getenv("STREAMVET_FFMPEG"), append(args, "-pix_fmt", pixFmt, "-f", "rawvideo", "-")...)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Formats of FFmpeg's that come out as they are, or as the nearest YCbCr. Each is
// compared with what the ffmpeg program makes of the same file.
func TestPixelFormats(t *testing.T) {
	for _, c := range []struct {
		in, out string // FFmpeg's names
		want    frame.Format
		loss    int // largest difference
	}{
		{in: "yuv420p", out: "yuv420p", want: yuv420},
		{in: "yuv422p", out: "yuv422p", want: yuv422},
		{in: "yuv444p", out: "yuv444p", want: yuv444},
		{in: "yuv420p10le", out: "yuv420p10le", want: deep(yuv420, 10)},
		{in: "yuv422p12le", out: "yuv422p12le", want: deep(yuv422, 12)},
		{in: "yuv444p16le", out: "yuv444p16le", want: deep(yuv444, 16)},
		{in: "yuva420p", out: "yuv420p", want: yuv420},
		{in: "gray", out: "gray", want: gray8},
		{in: "gray10le", out: "gray10le", want: deep(gray8, 10)},
		{in: "gray16le", out: "gray16le", want: deep(gray8, 16)},
		{in: "nv12", out: "yuv420p", want: frame.Format{BitDepth: 8, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true}},
		// Converted.
		{in: "nv21", out: "yuv420p", want: yuv420, loss: 1},
		{in: "yuv420p10be", out: "yuv420p10le", want: deep(yuv420, 10), loss: 1},
		{in: "yuv420p9le", out: "yuv420p10le", want: deep(yuv420, 10), loss: 2},
		{in: "yuv420p14le", out: "yuv420p16le", want: deep(yuv420, 16), loss: 8},
		{in: "yuyv422", out: "yuv422p", want: yuv422, loss: 1},
		{in: "uyvy422", out: "yuv422p", want: yuv422, loss: 1},
		{in: "yuv411p", out: "yuv422p", want: yuv422, loss: 24},
		{in: "yuv410p", out: "yuv420p", want: yuv420, loss: 30},
		{in: "yuv440p", out: "yuv444p", want: yuv444, loss: 60},
		{in: "monob", out: "gray", want: gray8, loss: 1},
	} {
		t.Run(c.in, func(t *testing.T) {
			path := clip(t, "raw-"+c.in+".nut", "-f lavfi -i testsrc2=size=162x90:rate=25:duration=0.1 -c:v rawvideo -pix_fmt "+c.in)
			compare(t, path, c.want, reference(t, path, "", c.out), c.loss)
		})
	}
}

// Formats that only hardware decoders give, by their description.
func TestFormatsOfHardware(t *testing.T) {
	for name, want := range map[string]frame.Format{
		"nv16":     {BitDepth: 8, ChromaShiftX: 1, Interleaved: true},
		"nv24":     {BitDepth: 8, Interleaved: true},
		"p010le":   {BitDepth: 10, HighAligned: true, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true},
		"p012le":   {BitDepth: 12, HighAligned: true, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true},
		"p016le":   {BitDepth: 16, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true},
		"p210le":   {BitDepth: 10, HighAligned: true, ChromaShiftX: 1, Interleaved: true},
		"yuvj420p": yuv420,
		"yuvj444p": yuv444,
	} {
		var f pictureFormat
		if !f.set(int(astiav.FindPixelFormatByName(name))) || !f.direct || f.Format != want {
			t.Errorf("%s: direct %v, %+v, want %+v", name, f.direct, f.Format, want)
		}
	}
	var f pictureFormat
	if f.set(int(astiav.FindPixelFormatByName("cuda"))) || f.set(-1) {
		t.Error("a format without planes in memory was taken")
	}
}

// RGB becomes BT.709 of full range; a wrong matrix would be off by tens.
func TestRGB(t *testing.T) {
	for _, c := range []struct {
		in, out string
		bits    uint8
		loss    int
	}{
		{"rgb24", "yuv444p", 8, 2}, {"bgr0", "yuv444p", 8, 2}, {"gbrp", "yuv444p", 8, 2},
		{"rgba", "yuv444p", 8, 2}, {"rgb565le", "yuv444p", 8, 2}, {"gbrp10le", "yuv444p10le", 10, 4},
		{"pal8", "yuv444p", 8, 2},
	} {
		t.Run(c.in, func(t *testing.T) {
			path := clip(t, "raw-"+c.in+".nut", "-f lavfi -i testsrc2=size=162x90:rate=25:duration=0.1 -c:v rawvideo -pix_fmt "+c.in)
			want := reference(t, path, "scale=out_color_matrix=bt709:out_range=full:flags=bilinear+accurate_rnd+full_chroma_int+full_chroma_inp", c.out)
			got := compare(t, path, deep(yuv444, c.bits), want, c.loss)
			if got != (frame.Colour{Matrix: frame.MatrixBT709, FullRange: true}) {
				t.Errorf("%+v, want BT.709 of full range", got)
			}
		})
	}
}

// compare decodes the first picture and holds it against planes of raw samples.
func compare(t *testing.T, path string, want frame.Format, raw []byte, loss int) frame.Colour {
	t.Helper()
	s := open(t, path, Options{})
	f, err := s.Video()[0].Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if f.Format != want || f.Width != 162 || f.Height != 90 {
		t.Fatalf("%dx%d %+v, want %+v", f.Width, f.Height, f.Format, want)
	}
	planes := 3
	if want.Mono {
		planes = 1
	}
	worst, sum, n := 0, 0, 0
	for i := range planes {
		for _, got := range plane(f, i) {
			v := int(raw[0])
			raw = raw[1:]
			if want.SampleBytes() == 2 {
				v |= int(raw[0]) << 8
				raw = raw[1:]
			}
			d := max(got-v, v-got)
			worst, sum, n = max(worst, d), sum+d, n+1
		}
	}
	if len(raw) != 0 {
		t.Errorf("%d bytes left over", len(raw))
	}
	if worst > loss {
		t.Errorf("differs by up to %d, by %.2f on average; want at most %d", worst, float64(sum)/float64(n), loss)
	}
	return f.Colour
}

// Crops: of the bitstream (90 lines in 96 coded) and of the container.
func TestCrop(t *testing.T) {
	full := open(t, "testdata/h264.mp4", Options{})
	f, err := full.Video()[0].Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	cut := open(t, "testdata/h264.mp4", Options{})
	cut.Video()[0].crop = crop{left: 8, top: 4, right: 2, bottom: 6}
	g, err := cut.Video()[0].Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	if g.Width != 150 || g.Height != 80 {
		t.Fatalf("%dx%d, want 150x80", g.Width, g.Height)
	}
	for i, want := range [3][4]int{{8, 4, 160, 150}, {4, 2, 80, 75}, {4, 2, 80, 75}} {
		a, b := plane(f, i), plane(g, i)
		for k, v := range b {
			x, y := k%want[3]+want[0], k/want[3]+want[1]
			if a[y*want[2]+x] != v {
				t.Fatalf("plane %d: sample %d is not that of %d,%d", i, k, x, y)
			}
		}
	}
}

func TestQuarterTurns(t *testing.T) {
	for in, want := range map[float64]int{0: 0, 90: 90, -90: 270, 180: 180, -180: 180, 270: 270, 89.6: 90, 360: 0} {
		if got := quarterTurns(in); got != want {
			t.Errorf("%v degrees: %d, want %d", in, got, want)
		}
	}
	if strings.TrimSpace(KindVideo.String()) != "video" {
		t.Error(KindVideo.String())
	}
}
