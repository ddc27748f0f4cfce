//go:build cuda

package media

import (
	"io"
	"slices"
	"testing"

	"github.com/streamvet/streamvet/engine/device/cuda/double"
	"github.com/streamvet/streamvet/engine/frame"
)

// samePixels wants each picture of NVDEC's to hold what software decodes. The
// double's device memory is host memory, so it is read where it lies.
func samePixels(t *testing.T, g gpu, hardware, software *VideoTrack) (n, onDevice int) {
	t.Helper()
	for ; ; n++ {
		want, err := software.Next(t.Context())
		got, errGot := hardware.Next(t.Context())
		if err != nil || errGot != nil {
			if err != io.EOF || errGot != io.EOF {
				t.Errorf("picture %d: %v, in software %v", n, errGot, err)
			}
			return n, onDevice
		}
		if got.Mem == frame.MemDevice {
			onDevice++
			if err := g.stream.Sync(); err != nil {
				t.Fatal(err)
			}
		}
		if got.Width != want.Width || got.Height != want.Height {
			t.Fatalf("picture %d: %dx%d, want %dx%d", n, got.Width, got.Height, want.Width, want.Height)
		}
		for i := range 3 {
			a := plane(got, i)
			for k := range a {
				a[k] >>= got.Format.BitDepth - want.Format.BitDepth
			}
			if !slices.Equal(a, plane(want, i)) {
				t.Errorf("picture %d: plane %d differs", n, i)
			}
		}
		got.Release()
		want.Release()
	}
}

// Frames of NVDEC lead to the pixels of the picture: every codec, depth and chroma
// format, and on both sides of an exchange.
func TestNVDECPixels(t *testing.T) {
	if !double.Active() {
		t.Skip("STREAMVET_REAL_GPU is set, and this needs the double's tapes")
	}
	tapes := t.TempDir()
	for name, path := range map[string]string{
		"H.264": "testdata/h264.mp4", "interlaced": "testdata/h264-interlaced.ts", "full range": "testdata/h264-full.mkv",
		"HEVC": "testdata/hevc.mp4", "HEVC, 10 bits": "testdata/hevc-10.mkv", "HEVC, 4:4:4": "testdata/hevc-444-12.mkv",
		"VP8": "testdata/vp8.webm", "VP9": "testdata/vp9.webm", "VP9, 10 bits": "testdata/vp9-10.webm", "AV1": "testdata/av1.mp4",
		"MPEG-2": clip(t, "open-gop.ts", openGroups), "MJPEG": clip(t, "mjpeg.mov", picture2s+" -c:v mjpeg -pix_fmt yuvj420p"),
	} {
		t.Run(name, func(t *testing.T) {
			if err := double.Record(tapes, path); err != nil {
				t.Fatal(err)
			}
			for fault, whole := range map[string]bool{"": true, "12+": false} {
				g := openDouble(t)
				double.Tapes(tapes)
				double.Set("FAIL_MAP", fault)
				s, v := openPicture(t, path, Options{CUDA: g.CUDA})
				ref, w := openPicture(t, path, Options{})
				n, onDevice := samePixels(t, g, v, w)
				if n < 25 || onDevice < 11 || (onDevice == n) != whole {
					t.Errorf("%d pictures, %d from the GPU", n, onDevice)
				}
				if taped := double.Counters().Decoder.Taped; int(taped) < onDevice {
					t.Errorf("%d pictures, %d of them from the tape", onDevice, taped)
				}
				s.Close()
				ref.Close()
			}
		})
	}
}

// A crop on the left and at the top, which FFmpeg leaves to us for surfaces.
func TestNVDECCrop(t *testing.T) {
	g := openDouble(t)
	tapes, left := t.TempDir(), 25
	luma := func(x, y int) int { return (3*x + 7*y) & 255 }
	u := func(x, y int) int { return (5*x + y) & 255 }
	v := func(x, y int) int { return (x + 11*y + 100) & 255 }
	err := double.WriteTape(tapes, "h264", 160, 96, func() (p double.Picture, err error) {
		if left--; left < 0 {
			return p, io.EOF
		}
		p = double.Picture{Width: 160, Height: 96}
		for i := range 160 * 96 {
			p.Data = append(p.Data, byte(luma(i%160, i/160)))
		}
		for i := range 80 * 48 {
			p.Data = append(p.Data, byte(u(i%80, i/80)), byte(v(i%80, i/80)))
		}
		return p, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	double.Tapes(tapes)
	s, track := openPicture(t, "testdata/h264-crop.ts", Options{CUDA: g.CUDA})
	f, err := track.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := g.stream.Sync(); err != nil {
		t.Fatal(err)
	}
	if f.Width != 160-24-8 || f.Height != 96-6-10 {
		t.Fatalf("%dx%d", f.Width, f.Height)
	}
	for i, value := range []func(x, y int) int{luma, u, v} {
		w, x0, y0 := f.Width, 24, 6
		if i > 0 {
			w, x0, y0 = w/2, x0/2, y0/2
		}
		for k, got := range plane(f, i) {
			if x, y := x0+k%w, y0+k/w; got != value(x, y) {
				t.Fatalf("plane %d at %d,%d: %d, want %d", i, k%w, k/w, got, value(x, y))
			}
		}
	}
	f.Release()
	s.Close()
}
