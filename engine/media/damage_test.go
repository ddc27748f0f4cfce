package media

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	astiav "github.com/asticode/go-astiav"

	"github.com/streamvet/streamvet/engine/frame"
)

const tsPacket = 188

// flip changes n bits in the given part of a file.
func flip(seed uint64, n int, from, to float64) func([]byte) []byte {
	return func(b []byte) []byte {
		r := rand.New(rand.NewPCG(seed, 1))
		lo, hi := int(from*float64(len(b))), int(to*float64(len(b)))
		for range n {
			b[lo+r.IntN(hi-lo)] ^= 1 << r.IntN(8)
		}
		return b
	}
}

// withoutPackets leaves out packets of a transport stream.
func withoutPackets(drop func(i int, p []byte) bool) func([]byte) []byte {
	return func(b []byte) (out []byte) {
		for i := 0; (i+1)*tsPacket <= len(b); i++ {
			if p := b[i*tsPacket:][:tsPacket]; !drop(i, p) {
				out = append(out, p...)
			}
		}
		return out
	}
}

func pid(p []byte) int { return int(p[1]&0x1f)<<8 | int(p[2]) }

func cut(share float64) func([]byte) []byte {
	return func(b []byte) []byte { return b[:int(share*float64(len(b)))] }
}

// Whatever is damaged, it plays to its end in order, and something is told.
func TestDamage(t *testing.T) {
	long := clip(t, "long.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=8 -f lavfi -i sine=sample_rate=48000:duration=8 -c:v mpeg2video -g 12 -bf 2 -c:a mp2")
	for _, c := range []struct {
		name, file string
		change     func([]byte) []byte
		told       func(video, audio frame.Evidence) bool
	}{
		{"lost packets h264", "testdata/h264.ts", withoutPackets(func(i int, _ []byte) bool { return i > 30 && i%23 == 20 }),
			func(v, a frame.Evidence) bool {
				return v.CorruptPackets > 0 && v.DecodeErrors != 0 && a.CorruptPackets > 0
			}},
		{"lost packets mpeg2", long, withoutPackets(func(i int, _ []byte) bool { return i > 100 && i%50 == 0 }),
			func(v, a frame.Evidence) bool {
				return v.CorruptPackets > 0 && v.DecodeErrors&frame.ConcealmentActive != 0
			}},
		{"lost packets hevc", "testdata/hevc.ts", withoutPackets(func(i int, _ []byte) bool { return i > 30 && i%23 == 20 }),
			func(v, _ frame.Evidence) bool { return v.CorruptPackets > 0 }},
		{"transport error", long, func(b []byte) []byte { b[200*tsPacket+1] |= 0x80; return b },
			func(v, a frame.Evidence) bool { return v.CorruptPackets+a.CorruptPackets > 0 }},
		{"a second of picture gone", long, dropPictures(50, 25),
			func(v, _ frame.Evidence) bool {
				return v.Gap > 900*time.Millisecond && v.Gap < 1100*time.Millisecond && v.Jump == 0
			}},
		{"flipped bits h264", "testdata/h264.ts", flip(1, 12, .33, .9),
			func(v, a frame.Evidence) bool { return v.Damaged() && a.Damaged() }},
		{"flipped bits h264 mp4", "testdata/h264.mp4", flip(1, 12, .33, .8),
			func(v, a frame.Evidence) bool { return v.Damaged() }},
		{"flipped bits mpeg2", long, flip(3, 40, .33, .9),
			func(v, _ frame.Evidence) bool { return v.DecodeErrors != 0 }},
		{"flipped bits hevc", "testdata/hevc-10.mkv", flip(6, 30, .33, .9),
			func(v, _ frame.Evidence) bool { return v.Damaged() }},
		{"flipped bits av1", "testdata/av1.mp4", flip(1, 12, .33, .8),
			func(v, _ frame.Evidence) bool { return v.RefusedPackets > 0 && v.Gap > 0 }},
		{"overwritten vp9", "testdata/vp9.webm", func(b []byte) []byte {
			for i := len(b) / 3; i < len(b)*4/5; i += 400 {
				copy(b[i:i+40], bytes.Repeat([]byte{0xa5}, 40))
			}
			return b
		}, func(v, a frame.Evidence) bool { return v.RefusedPackets > 0 || v.Gap > 0 }},
		{"cut matroska", "testdata/vp9.webm", cut(.66),
			func(v, a frame.Evidence) bool { return v.Gap > 300*time.Millisecond && a.Gap > 300*time.Millisecond }},
		{"cut mp4 with its index in front", clip(t, "front.mp4", picture2s+" "+sound2s+" -c:v mpeg4 -c:a aac -movflags faststart"), cut(.6),
			func(v, a frame.Evidence) bool {
				return v.Gap > 500*time.Millisecond && a.Gap > 500*time.Millisecond && v.CorruptPackets+a.CorruptPackets > 0
			}},
		{"garbage in the middle", long, func(b []byte) []byte {
			junk := bytes.Repeat([]byte("not a packet. "), 4000)
			at := len(b) / 2 / tsPacket * tsPacket
			return append(append(append([]byte{}, b[:at]...), junk...), b[at+40*tsPacket:]...)
		}, func(v, a frame.Evidence) bool { return v.Damaged() }},
		{"zeros in the middle", clip(t, "zeros.mkv", picture2s+" -c:v mpeg4 -g 10"), func(b []byte) []byte {
			clear(b[len(b)/3 : len(b)/2])
			return b
		}, func(v, a frame.Evidence) bool { return v.Damaged() || v.Gap > 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			video, audio := playFile(t, damagedClip(t, c.file, c.change), Options{})
			var v, a frame.Evidence
			if len(video) > 0 {
				v = video[0].sum()
			}
			if len(audio) > 0 {
				a = audio[0].sum()
			}
			if !c.told(v, a) {
				t.Errorf("not told: picture %d frames %+v, sound %+v", len(video[0].frames), v, a)
			}
		})
	}
}

// dropPictures leaves out the packets of n pictures from the one numbered first.
func dropPictures(first, n int) func([]byte) []byte {
	count := -1
	return withoutPackets(func(_ int, p []byte) bool {
		if pid(p) != 0x100 {
			return false
		}
		if p[1]&0x40 != 0 { // a picture begins
			count++
		}
		return count >= first && count < first+n
	})
}

// The evidence lies on the frames at the place of the damage, with any number of threads.
func TestDamageIsPlaced(t *testing.T) {
	long := clip(t, "long.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=8 -f lavfi -i sine=sample_rate=48000:duration=8 -c:v mpeg2video -g 12 -bf 2 -c:a mp2")
	lost := damagedClip(t, long, dropPictures(100, 12))
	for _, threads := range []int{1, 4} {
		video, audio := playFile(t, lost, Options{Threads: threads})
		checkClean(t, audio[0])
		for _, f := range video[0].frames {
			if f.evidence != (frame.Evidence{}) && (f.pts < 3500*time.Millisecond || f.pts > 5500*time.Millisecond) {
				t.Errorf("%d threads: %+v at %v, want it near 4 s", threads, f.evidence, f.pts)
			}
		}
		if v := video[0].sum(); v.Gap == 0 {
			t.Errorf("%d threads: no gap: %+v", threads, v)
		}
	}
}

// A broadcast that is joined in its middle is not damaged.
func TestJoinedInTheMiddle(t *testing.T) {
	for _, file := range []string{"testdata/h264.ts", "testdata/hevc.ts"} {
		video, _ := playFile(t, damagedClip(t, file, withoutPackets(func(i int, _ []byte) bool { return i > 2 && i < 40 })), Options{})
		if len(video[0].frames) < 10 {
			t.Fatalf("%s: %d pictures", file, len(video[0].frames))
		}
		if v := video[0].sum(); v.RefusedPackets > 0 {
			t.Errorf("%s: %+v", file, v)
		}
	}
}

// A decoder that can make nothing of its packets ends in order and says so.
func TestNothingDecodes(t *testing.T) {
	path := damagedClip(t, clip(t, "all-mpeg4.mkv", picture2s+" -c:v ffv1 -g 1 -slicecrc 1"), func(b []byte) []byte {
		for i := 2000; i < len(b)-500; i += 7 {
			b[i] ^= 0x55
		}
		return b
	})
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		return // the container did not survive it either: told at once
	}
	defer s.Close()
	video, _ := play(s)
	checkOrder(t, video[0])
	if v := video[0].sum(); !v.Damaged() && v.Gap == 0 {
		t.Errorf("%d frames, %+v", len(video[0].frames), v)
	}
}

// A picture without a size is refused, in the one way or the other.
func TestNoSize(t *testing.T) {
	path := damagedClip(t, clip(t, "nosize.mkv", picture2s+" -c:v rawvideo -pix_fmt yuv420p -t 0.2"), func(b []byte) []byte {
		b = bytes.Replace(b, []byte{0xb0, 0x81, 160}, []byte{0xb0, 0x81, 0}, 1)   // PixelWidth
		return bytes.Replace(b, []byte{0xba, 0x81, 90}, []byte{0xba, 0x81, 0}, 1) // PixelHeight
	})
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		if !errors.Is(err, ErrNoTracks) && !errors.Is(err, ErrNotMedia) {
			t.Error(err)
		}
		return
	}
	defer s.Close()
	video, _ := play(s)
	if v := video[0]; len(v.frames) != 0 || v.tail.RefusedPackets == 0 {
		t.Errorf("%d pictures, %+v", len(v.frames), v.tail)
	}
}

// A size that damage made absurd: what lies before it plays, the rest is missed.
func TestAbsurdSize(t *testing.T) {
	path := damagedClip(t, "testdata/h264.mp4", func(b []byte) []byte {
		at := bytes.Index(b, []byte("stsz"))
		copy(b[at+16+4*12:], []byte{0x7f, 0xff, 0xff, 0}) // the picture numbered 12
		return b
	})
	video, audio := playFile(t, path, Options{})
	if v := video[0]; len(v.frames) < 10 || v.sum().Gap < 400*time.Millisecond {
		t.Errorf("%d pictures, %+v", len(v.frames), v.sum())
	}
	if len(audio[0].frames) < 40 {
		t.Errorf("%d blocks of sound", len(audio[0].frames))
	}
}

// Reads that fail for damage are tried again, so often and no more; they are told.
func TestFailedReads(t *testing.T) {
	s := open(t, "testdata/h264.mp4", Options{})
	for _, rc := range []int{rcMemory, rcArgument, rcInvalid, rcMissing} {
		before := s.line.corrupt(0)
		if end, _ := s.readEnded(rc, 1); end || s.line.corrupt(0) != before+1 {
			t.Errorf("%v: ended at the first, or not told", astiav.Error(rc))
		}
		if end, err := s.readEnded(rc, unreadable); !end || err != nil {
			t.Errorf("%v: ended %v with %v after %d", astiav.Error(rc), end, err, unreadable)
		}
	}
	if end, err := s.readEnded(rcIO, 1); !end || err == nil || !strings.Contains(err.Error(), "disk") {
		t.Errorf("a failing disk: %v, %v", end, err)
	}
}

// More broken packets in a row than any patience: what comes behind them plays.
func TestLongBrokenMiddle(t *testing.T) {
	path := clip(t, "long.mkv", "-f lavfi -i testsrc2=size=64x36:rate=25:duration=120 -c:v ffv1 -level 3 -slicecrc 1 -g 1 -cluster_time_limit 1000")
	path = damagedClip(t, path, func(b []byte) []byte {
		// The blocks of the middle: their payload, not their headers.
		block := []byte{0xa3} // SimpleBlock
		for at := len(b) / 5; at < len(b)*4/5; at++ {
			i := bytes.Index(b[at:], block)
			if i < 0 {
				break
			}
			at += i
			if size, n := vint(b[at+1:]); n > 0 && size > 200 && size < 20000 && b[at+1+n] == 0x81 {
				for k := at + 1 + n + 4; k < at+1+n+size; k++ {
					b[k] = 0xff
				}
				at += size
			}
		}
		return b
	})
	for _, threads := range []int{1, 4} {
		video, _ := playFile(t, path, Options{Threads: threads})
		v := video[0]
		t.Logf("%d threads: %d pictures, %+v", threads, len(v.frames), v.sum())
		if end := v.end(); end < 119*time.Second {
			t.Errorf("%d threads: ends at %v, want 120 s", threads, end)
		}
		if e := v.sum(); e.RefusedPackets+len(v.frames) < 2900 || !e.Damaged() {
			t.Errorf("%d threads: %d pictures, %+v", threads, len(v.frames), e)
		}
	}
}

// vint reads a size of Matroska's and says how many bytes it took.
func vint(b []byte) (size, n int) {
	if len(b) < 8 || b[0] == 0 {
		return 0, 0
	}
	n = 1
	for mask := byte(0x80); b[0]&mask == 0; mask >>= 1 {
		n++
	}
	size = int(b[0]) & (0xff >> n)
	for _, c := range b[1:n] {
		size = size<<8 | int(c)
	}
	return size, n
}
