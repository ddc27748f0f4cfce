//go:build cuda

package media

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/streamvet/streamvet/engine/device/cuda/double"
	"github.com/streamvet/streamvet/engine/frame"
)

// exchanged are clips with every way to hand pictures on: reordered, held back,
// hidden, several in a packet, behind a keyframe but shown before it.
func exchanged(t *testing.T) (paths []string) {
	for _, file := range []string{"h264.mp4", "h264.ts", "h264-interlaced.ts", "h264-full.mkv", "hevc.mp4", "hevc-10.mkv", "vp8.webm", "vp9.webm", "av1.mp4"} {
		paths = append(paths, "testdata/"+file)
	}
	return append(paths, clip(t, "open-gop.ts", openGroups))
}

// openGroups have pictures behind a keyframe that refer to what was before it.
const openGroups = "-f lavfi -i testsrc2=size=160x96:rate=25:duration=1 -c:v mpeg2video -bf 2 -g 9"

// openPicture opens a source whose sound nobody wants.
func openPicture(t *testing.T, path string, o Options) (*Source, *VideoTrack) {
	t.Helper()
	s := open(t, path, o)
	for _, a := range s.Audio() {
		a.Skip()
	}
	return s, s.Video()[0]
}

// Where the GPU is the reason that NVDEC cannot go on, software takes over, and no
// picture is lost, comes twice or is held against the source.
func TestExchangeLosesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		fault  func()
		device bool // pictures from the GPU come first
		says   string
	}{
		"the decoder is refused":      {func() { double.RefuseDecoder("*") }, false, "cuvidCreateDecoder"},
		"no memory for the decoder":   {func() { double.Set("FAIL_ALLOC", "1") }, false, "OUT_OF_MEMORY"},
		"no memory for a picture":     {func() { double.Set("FAIL_ALLOC", "2") }, false, "OUT_OF_MEMORY"},
		"no memory later":             {func() { double.Set("FAIL_ALLOC", "6+") }, true, "OUT_OF_MEMORY"},
		"no surface can be mapped":    {func() { double.Set("FAIL_MAP", "1+") }, false, "cuvidMapVideoFrame"},
		"none can be mapped any more": {func() { double.Set("FAIL_MAP", "15+") }, true, "cuvidMapVideoFrame"},
		"none in the second group":    {func() { double.Set("FAIL_MAP", "13+") }, true, "cuvidMapVideoFrame"},
		"none of the last":            {func() { double.Set("FAIL_MAP", "22+") }, true, "cuvidMapVideoFrame"},
		"no picture is decoded":       {func() { double.Set("FAIL_DECODE", "1+") }, false, "cuvidDecodePicture"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range exchanged(t) {
				t.Run(filepath.Base(path), func(t *testing.T) {
					g := openDouble(t)
					log := &lines{}
					s, v := openPicture(t, path, Options{CUDA: g.CUDA, Logger: log.logger()})
					c.fault()
					hardware, held := playHeld(t, v, 8)
					software, _ := playFile(t, path, Options{})
					sameAs(t, software[0], hardware)
					if n := hardware.fromDevice(); (n > 0) != c.device || n == len(hardware.frames) {
						t.Errorf("%d of %d pictures are from the GPU", n, len(hardware.frames))
					}
					if by, why := v.Decoder(); by != Software || !strings.Contains(why, c.says) {
						t.Errorf("the last picture is from %q: %q, want a word of %q", by, why, c.says)
					}
					log.wantOne(t, c.says)
					s.Close()
					for _, f := range held {
						f.Release()
					}
				})
			}
		})
	}
}

// playHeld plays a track and keeps the last n pictures.
func playHeld(t *testing.T, v *VideoTrack, n int) (p played, held []*frame.Video) {
	t.Helper()
	for {
		f, err := v.Next(context.Background())
		if err != nil {
			p.err, p.tail = err, v.Tail()
			checkOrder(t, p)
			return p, held
		}
		p.frames = append(p.frames, shownOf(f))
		if held = append(held, f); len(held) > n {
			held[0].Release()
			held = held[1:]
		}
	}
}

// A few pictures that NVDEC fails at are the bitstream's: they are refused, and the
// rest is still NVDEC's.
func TestNVDECFailsAtAPicture(t *testing.T) {
	for _, path := range exchanged(t) {
		for _, fault := range []string{"FAIL_DECODE", "FAIL_MAP"} {
			t.Run(filepath.Base(path)+" "+fault, func(t *testing.T) {
				g := openDouble(t)
				s, v := openPicture(t, path, Options{CUDA: g.CUDA})
				double.Set(fault, "5")
				hardware := playVideo(v)
				checkOrder(t, hardware)
				n, e := len(hardware.frames), hardware.sum()
				if n < 21 || n > 24 || hardware.fromDevice() < 9 || e.RefusedPackets != 1 || e.DecodeErrors != 0 {
					t.Errorf("%d pictures, %d from the GPU, %+v", n, hardware.fromDevice(), e)
				}
				s.Close()
			})
		}
	}
}

// A size or depth that NVDEC refuses in mid-track costs that part alone.
func TestNVDECComesBack(t *testing.T) {
	for _, c := range []struct{ path, refuse, says string }{
		{"testdata/h264-depths.ts", "", "bit depth"},
		{"testdata/h264-sizes.ts", "160x96", "cuvidCreateDecoder"},
	} {
		t.Run(c.path, func(t *testing.T) {
			g := openDouble(t)
			log := &lines{}
			s, v := openPicture(t, c.path, Options{CUDA: g.CUDA, Logger: log.logger()})
			double.RefuseDecoder(c.refuse)
			hardware := playVideo(v)
			software, _ := playFile(t, c.path, Options{})
			sameAs(t, software[0], hardware)
			for i, f := range hardware.frames {
				if device := f.mem == frame.MemDevice; device == (i >= 10 && i < 20) {
					t.Errorf("picture %d of 30 is from the GPU: %v", i, device)
				}
			}
			log.wantOne(t, c.says)
			s.Close()
		})
	}
}

// A lost device is no damaged bitstream: Next says so, for good.
func TestDeviceLost(t *testing.T) {
	for _, path := range exchanged(t) {
		for _, call := range []int{1, 40, 120} {
			t.Run(filepath.Base(path), func(t *testing.T) {
				g := openDouble(t)
				s, v := openPicture(t, path, Options{CUDA: g.CUDA})
				double.LoseDevice(call, double.ECCError)
				p := playVideo(v)
				_, again := v.Next(t.Context())
				for _, err := range []error{p.err, again} {
					if !errors.Is(err, ErrDeviceLost) || !strings.Contains(err.Error(), "ECC") {
						t.Errorf("ended with %v after %d pictures, want %v", err, len(p.frames), ErrDeviceLost)
					}
				}
				if e := p.sum(); e.Damaged() || e.Gap > 0 {
					t.Errorf("%+v of a clean file", e)
				}
				double.Restore()
				s.Close()
			})
		}
	}
}

// Pictures on the GPU may be held in any number, beyond the life of their source,
// and released by anybody.
func TestHeldOnTheGPU(t *testing.T) {
	for _, path := range []string{"testdata/h264.mp4", "testdata/h264-interlaced.ts", "testdata/h264-sizes.ts"} {
		g := openGPU(t)
		s, v := openPicture(t, path, Options{CUDA: g.CUDA})
		p, held := playHeld(t, v, 1000)
		if c := counters(); p.err != io.EOF || p.fromDevice() != len(held) || c.Decoder.Exhausted > 0 || c.Errors > 0 {
			t.Errorf("%v, %d of %d pictures from the GPU; %+v", p.err, p.fromDevice(), len(held), c)
		}
		s.Close()
		if n := counters().Live.Allocations; double.Active() && n < uint64(len(held)) {
			t.Errorf("%d allocations for %d pictures that are held", n, len(held))
		}
		var wg sync.WaitGroup
		for _, f := range held {
			wg.Go(f.Release)
		}
		wg.Wait()
	}
}

// Close may come while NVDEC decodes.
func TestCloseOnTheGPU(t *testing.T) {
	for range 10 {
		g := openGPU(t)
		s := open(t, "testdata/h264.mp4", Options{CUDA: g.CUDA})
		var wg sync.WaitGroup
		begun := make(chan struct{}, 1)
		wg.Go(func() {
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
		<-begun
		s.Close()
		wg.Wait()
	}
}

// Damaged files through NVDEC: nothing crashes or leaks, and time goes forward.
func TestDamagedOnTheGPU(t *testing.T) {
	g := openGPU(t)
	for _, path := range exchanged(t) {
		for seed := range uint64(20) {
			damaged := damagedClip(t, path, flip(seed, 12, .1, .95))
			s, err := Open(t.Context(), damaged, Options{CUDA: g.CUDA})
			if err != nil {
				continue
			}
			for _, a := range s.Audio() {
				a.Skip()
			}
			for _, v := range s.Video() {
				p, held := playHeld(t, v, 6)
				if p.err != io.EOF {
					t.Errorf("%s %d: %v", path, seed, p.err)
				}
				for _, f := range held {
					f.Release()
				}
			}
			s.Close()
		}
	}
}

// What the demuxer and the parsers find is told as with software; what only the
// decoding of slices finds, NVDEC keeps to itself.
func TestDamageIsToldAlike(t *testing.T) {
	inSlices := frame.InvalidBitstream | frame.MissingReference | frame.ConcealmentActive | frame.DecodeSlices
	join := func(from float64) func([]byte) []byte {
		return func(b []byte) []byte {
			n := int(from*float64(len(b))) / tsPacket * tsPacket
			return append(append([]byte{}, b[:3*tsPacket]...), b[n:]...)
		}
	}
	for name, change := range map[string]func([]byte) []byte{
		"joined in the middle": join(.2), "joined later": join(.5),
		"packets lost": withoutPackets(func(i int, _ []byte) bool { return i > 20 && i%37 == 5 }),
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"testdata/h264.ts", "testdata/h264-interlaced.ts", "testdata/hevc.ts", clip(t, "open-gop.ts", openGroups)} {
				path = damagedClip(t, path, change)
				g := openDouble(t)
				s, v := openPicture(t, path, Options{CUDA: g.CUDA})
				hardware := playVideo(v)
				software, _ := playFile(t, path, Options{})
				for _, p := range []played{hardware, software[0]} {
					for i := range p.frames {
						p.frames[i].evidence.DecodeErrors &^= inSlices
					}
				}
				sameAs(t, software[0], hardware)
				s.Close()
			}
		})
	}
}
