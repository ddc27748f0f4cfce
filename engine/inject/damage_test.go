package inject

import (
	"bytes"
	"hash/maphash"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/streamvet/streamvet/engine/verdict"
)

// cleanDefect changes nothing: what comes out is the clean encode.
const cleanDefect = "level:gain=0@0-1"

// damageClip is 5 s of what codecs find hard, so that every coded picture has many packets.
func damageClip(t testing.TB) string {
	t.Helper()
	path := clipDir + "/damage.mkv"
	if _, err := os.Stat(path); err != nil {
		ffmpeg(t, "-f", "lavfi", "-i", "mandelbrot=s=208x160:r=25:end_scale=0.01,format=yuv420p", "-f", "lavfi", "-i", "sine=r=48000", "-t", "5", "-c:v", "ffv1", "-c:a", "flac", path)
	}
	return path
}

// TestDamageTruthAgreesWithADecodeOfOurOwn damages files of every container and
// codec that there is, and holds the truth against the pictures themselves.
func TestDamageTruthAgreesWithADecodeOfOurOwn(t *testing.T) {
	for _, test := range []struct{ name, encoder, defect string }{
		{"out.ts", "mpeg2video", "packet_loss:rate=0.03@1-3"},
		{"out.ts", "mpeg2video", "bit_errors:per_second=20@1-3"},
		{"out.ts", "", "packet_loss:rate=0.03@1-3"},
		{"out.mp4", "mpeg4", "packet_loss:rate=0.03@1-3"},
		{"out.mp4", "", "bit_errors:per_second=20,bytes=4@1-3"},
		{"out.mkv", "mpeg4", "bit_errors:per_second=20@1-3"},
		{"out.mkv", "", "packet_loss:rate=0.03@1-3"},
		{"out.mov", "", "packet_loss:rate=0.03@1-3"},
		{"out.ts", "", "packet_burst:packets=4,per_second=3@1-3"},
		{"out.mkv", "", "packet_burst:level=2@1-3"},
		{"out.mp4", "", "segment_loss:p=4,s=400@1-3"},
		{"out.ts", "mpeg2video", "segment_loss:p=4,s=400@1-3"},
		{"out.mp4", "", "stream_noise:amount=3000@1-3"},
		{"out.ts", "", "stream_noise:amount=3000@1-3"},
		{"out.mp4", "libx264", "nal_loss:rate=0.05,bytes=300@1-3"},
		{"out.ts", "libx264", "nal_loss:rate=0.05,bytes=300@1-3"},
		{"out.ts", "mpeg2video", "nal_loss:rate=0.05@1-3"},
		{"out.mkv", "mpeg2video", "nal_loss:rate=0.05@1-3"},
	} {
		t.Run(test.name+" "+test.encoder+" "+test.defect, func(t *testing.T) {
			withEncoder := func(j *Job) { j.Encoder = test.encoder }
			out, truth := spoil(t, damageClip(t), test.name, withEncoder, test.defect)
			control := func(j *Job) { j.Encoder, j.Control = test.encoder, true }
			clean, _ := spoil(t, damageClip(t), test.name, control, test.defect)
			if probeFile(t, out).Picture.Codec != probeFile(t, clean).Picture.Codec {
				t.Fatal("the damaged file cannot be opened like the clean one")
			}
			checkDamage(t, truth, gridPictures(t, clean), gridPictures(t, out))
		})
	}
}

func checkDamage(t *testing.T, truth Truth, before, after []*Picture) {
	t.Helper()
	var broken, visible int
	for _, e := range truth.Defects {
		switch {
		case e.Defect == verdict.DecodeError:
			broken++
			if *e.StartFrame < 25 || *e.EndFrame > 75 {
				t.Errorf("damage to pictures %d to %d, outside of the range", *e.StartFrame, *e.EndFrame)
			}
		case e.Defect == verdict.BlockCorruption && !e.Invisible:
			visible++
			if e.Region == nil || len(e.Frames) == 0 {
				t.Errorf("visible damage without place: %+v", e)
			}
		}
	}
	if broken == 0 || visible == 0 {
		t.Errorf("%d stretches of the bitstream are damaged, %d are visible", broken, visible)
	}
	for n := range before {
		listed := slices.ContainsFunc(truth.Defects, func(e Entry) bool {
			return e.Defect != verdict.DecodeError && int64(n) >= *e.StartFrame && int64(n) < *e.EndFrame
		})
		changed := n >= len(after) || !before[n].equal(after[n])
		if changed && !listed {
			t.Errorf("picture %d differs from the clean decode, but the truth does not have it", n)
		}
		if listed && n < 23 { // codecs with B pictures show some before the range that refer into it
			t.Errorf("picture %d is listed, before the damage begins", n)
		}
	}
}

// gridPictures decodes as a viewer sees it: a missing picture is the one before again.
func gridPictures(t *testing.T, path string) []*Picture {
	t.Helper()
	feed := openFeed(t.Context(), tools(t).Decoder(), decodeDamaged(path, Rate{clipFPS, 1}))
	defer feed.close()
	var out []*Picture
	for {
		p, err := feed.next()
		if err != nil {
			return out
		}
		out = append(out, p.clone())
	}
}

func TestLostPacketsAreThoseOfThePictureTrack(t *testing.T) {
	out, _ := spoil(t, damageClip(t), "out.ts", nil, "packet_loss:rate=0.05@1-3")
	clean, _ := spoil(t, damageClip(t), "out.ts", nil, cleanDefect)
	count := func(path string) map[int]int {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pids := map[int]int{}
		for at := 0; at < len(data); at += tsPacketBytes {
			pids[int(data[at+1]&0x1f)<<8|int(data[at+2])]++
		}
		return pids
	}
	after, before := count(out), count(clean)
	lost := 0
	for pid, n := range before {
		if after[pid] != n {
			lost++
		}
	}
	if lost != 1 {
		t.Errorf("packets a PID: %v before, %v after; want one PID with fewer", before, after)
	}
}

func TestBitErrorsChangeNothingElse(t *testing.T) {
	out, _ := spoil(t, damageClip(t), "out.mp4", nil, "bit_errors:per_second=3@1-3")
	clean, _ := spoil(t, damageClip(t), "out.mp4", nil, cleanDefect)
	a, _ := os.ReadFile(out)
	b, _ := os.ReadFile(clean)
	if len(a) != len(b) {
		t.Fatalf("%d and %d bytes", len(a), len(b))
	}
	bits := 0
	for i := range a {
		for x := a[i] ^ b[i]; x != 0; x &= x - 1 {
			bits++
		}
	}
	if bits != 6 { // two seconds of three flips
		t.Errorf("%d bits differ, want 6", bits)
	}
}

func TestCompareSeesBlocksAndStalePictures(t *testing.T) {
	grey := func(level byte) *Picture {
		p := newPicture(128, 96)
		p.fillColor(level, 128, 128)
		return p
	}
	paint := func(p *Picture, x, y, w, h int, level byte) *Picture {
		for row := y; row < y+h; row++ {
			fill(p.luma().row(row)[x:x+w], level)
		}
		return p
	}
	soft := paint(grey(100), 64, 32, 32, 32, 104)
	c := comparer{seed: maphash.MakeSeed()}
	for i, test := range []struct {
		clean, damaged         *Picture
		changed, visible, gone bool
	}{
		{grey(100), grey(100), false, false, false},
		{grey(110), paint(grey(110), 32, 32, 48, 16, 160), true, true, false},
		{grey(120), soft.clone(), true, false, false}, // far off on the whole? 20 levels: not beyond wrongLevels, and no new edges
		{grey(130), grey(110), true, false, true},
		{grey(140), paint(grey(140), 8, 8, 3, 3, 200), true, false, false},
		{grey(150), grey(16), true, true, false}, // all of it is wrong, without an edge
	} {
		got := c.next(test.clean, test.damaged)
		if got.changed != test.changed || got.visible != test.visible || got.stale != test.gone {
			t.Errorf("case %d: %+v", i, got)
		}
	}
	s := lookAt(grey(110), paint(grey(110), 32, 48, 48, 16, 160))
	if s.region == nil || *s.region != (verdict.Region{X: 0.25, Y: 0.5, Width: 0.375, Height: s.region.Height}) || math.Abs(s.region.Height-1.0/6) > 1e-9 {
		t.Errorf("region %+v", s.region)
	}
}

func TestCuttingOutAUnitMovesTheRestUp(t *testing.T) {
	path := t.TempDir() + "/packets"
	data := make([]byte, 1000)
	for i := range data {
		data[i] = byte(i%250 + 1)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &packetFile{path: path, split: wholePacket, packets: []codedPicture{{frame: 0, at: 0, size: 300}, {frame: 1, at: 300, size: 600}}}
	var units []unit
	if err := p.walk(t.Context(), func(u unit) { units = append(units, u) }); err != nil {
		t.Fatal(err)
	}
	if len(units) != 3 || units[0].at != 364 || units[2].end != 900 {
		t.Fatalf("units %+v", units)
	}
	h := &harm{lost: map[int64]bool{units[1].key: true}}
	if err := p.damage(t.Context(), h, path+".out"); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path + ".out")
	want := slices.Concat(data[:units[1].at], data[units[1].end:900], make([]byte, lossUnitBytes), data[900:])
	if !bytes.Equal(got, want) {
		t.Error("the file is not as it should be")
	}
}

// FuzzTransport lets the scan look at packets of any content.
func FuzzTransport(f *testing.F) {
	pat := make([]byte, tsPacketBytes)
	copy(pat, []byte{tsSync, 0x40, 0, 0x10, 0, 0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe1, 0})
	pmt := make([]byte, tsPacketBytes)
	copy(pmt, []byte{tsSync, 0x41, 0, 0x10, 0, 2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe1, 1, 0xf0, 0, 0x1b, 0xe1, 1, 0xf0, 0})
	pes := make([]byte, tsPacketBytes)
	copy(pes, []byte{tsSync, 0x41, 1, 0x10, 0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1})
	f.Add(slices.Concat(pat, pmt, pes, pes))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := tsScan{rate: Rate{25, 1}}
		for at := 0; at+tsPacketBytes <= len(data); at += tsPacketBytes {
			u, ok := s.next(data[at:at+tsPacketBytes], int64(at))
			if ok && u.at < u.end && (u.at < int64(at)+4 || u.end > int64(at)+tsPacketBytes) {
				t.Fatalf("unit %+v of the packet at %d", u, at)
			}
		}
	})
}
