package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// noise is the same pseudo-random bytes each time.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func firstHalf(b []byte) []byte { return b[:len(b)/2] }

func first(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:n] } }

// What cannot be vetted is told with the remedy; the good input beside it goes on.
func TestInputsThatCannotBeVetted(t *testing.T) {
	moov := clip(t, "moov.mp4", picture4s+" -c:v mpeg4")
	flac := clip(t, "sound.flac", sound4s)
	picture := clip(t, "one.jpg", "-f lavfi -i testsrc2=size=64x64 -frames:v 1")
	for _, c := range []struct {
		name, url string
		says      []string
	}{
		{"garbage", written(t, "junk.mp4", noise(50000)), []string{"not in a media format that streamvet knows", "play it in another program"}},
		{"garbage without an extension", written(t, "junk", noise(50000)), []string{"not in a media format that streamvet knows"}},
		{"text", written(t, "text.ts", []byte(strings.Repeat("no film. ", 2000))), []string{"not in a media format"}},
		{"one byte", written(t, "byte.mp4", []byte{0}), []string{"not in a media format"}},
		{"empty", written(t, "empty.mp4", nil), []string{"the file is empty", "make it anew"}},
		{"mp4 cut before its index", changed(t, moov, "cut.mp4", firstHalf), []string{"cut short before its index", "copy it again"}},
		{"a hundred bytes of Matroska", changed(t, good(t), "stub.mkv", first(100)), []string{"ends within its header", "copy or record it again"}},
		{"a hundred bytes of FLAC", changed(t, flac, "stub.flac", first(100)), []string{"ends within its header", "copy or record it again"}},
		{"a directory", t.TempDir(), []string{"a directory, not a file", "name the files in it"}},
		{"absent", filepath.Join(t.TempDir(), "none.mp4"), []string{"check the name"}},
		{"under a file", filepath.Join(written(t, "file", []byte("x")), "film.mp4"), []string{"not a directory"}},
		{"a device", "/dev/null", []string{"neither a file nor an address"}},
		{"no picture and no sound", subtitlesOnly(t), []string{"no picture and no sound", "convert it"}},
		{"pictures of 16k", clip(t, "huge.mkv", "-f lavfi -i color=gray:size=15360x8640:rate=1 -frames:v 1 -c:v mjpeg -threads 1"), []string{"nothing in it could be decoded", "8192x8192"}},
		{"pictures of 16k by 16k, found late", changed(t, picture, "late.jpg", sized(16384, 16384)), []string{"late.jpg", "nothing in it could be decoded"}},
		{"pictures of no size", changed(t, picture, "zero.jpg", sized(0, 0)), []string{"zero.jpg", "nothing in it could be decoded"}},
		{"an unknown scheme", "gopher://example.org/film", []string{"one of these addresses"}},
		{"nobody answers", "http://127.0.0.1:1/film.ts", []string{"refused"}},
		{"an empty name", "", []string{"check the name"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := streamvet(t, "vet", "--only", "black", c.url, bad(t))
			o.want(t, exitTrouble, append(c.says, "could not be vetted: ", "bad.mkv: 1 defect in 0:04.000")...)
			if n := strings.Count(o.err, c.url); c.url != "" && n > 2 {
				t.Errorf("the input is named %d times:\n%s", n, o.err)
			}
		})
	}
}

// sized writes another size into a JPEG's frame header.
func sized(width, height uint16) func([]byte) []byte {
	return func(b []byte) []byte {
		at := bytes.Index(b, []byte{0xff, 0xc0})
		binary.BigEndian.PutUint16(b[at+5:], height)
		binary.BigEndian.PutUint16(b[at+7:], width)
		return b
	}
}

// subtitlesOnly is a Matroska file whose picture track was made one of subtitles.
func subtitlesOnly(t *testing.T) string {
	return changed(t, clip(t, "plain.mkv", picture4s+" -c:v mpeg4 -write_crc32 0"), "subtitles.mkv", func(b []byte) []byte {
		kind, codec := []byte{0x83, 0x81, 1}, []byte("V_MPEG4/ISO/ASP")
		if !bytes.Contains(b, kind) || !bytes.Contains(b, codec) {
			t.Fatal("no track to change")
		}
		b = bytes.Replace(b, kind, []byte{0x83, 0x81, 0x11}, 1)
		return bytes.Replace(b, codec, append([]byte("S_TEXT/UTF8"), 0, 0, 0, 0), 1)
	})
}

// Somebody without the right to read a file is told so.
func TestNoPermission(t *testing.T) {
	locked := changed(t, good(t), "locked.mkv", func(b []byte) []byte { return b })
	if err := os.Chmod(locked, 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		streamvet(t, "vet", "--only", "black", locked, bad(t)).want(t, exitTrouble, "permission denied", "make it readable", "bad.mkv: 1 defect")
		return
	}
	// Root may read everything: another user tries, in a process of its own.
	binary := changed(t, "/proc/self/exe", "streamvet", func(b []byte) []byte { return b })
	for _, dir := range []string{filepath.Dir(binary), filepath.Dir(filepath.Dir(binary)), filepath.Dir(locked), filepath.Dir(filepath.Dir(locked))} {
		os.Chmod(dir, 0o755)
	}
	os.Chmod(binary, 0o755)
	cmd := exec.Command(binary, "vet", "--only", "black", locked)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Skipf("no process as another user here: %v", err)
	}
	outcome{cmd.ProcessState.ExitCode(), string(out), ""}.want(t, exitTrouble, "permission denied", "make it readable")
}

// What is damaged is vetted, and the damage is a finding.
func TestDamageIsFound(t *testing.T) {
	front := clip(t, "front.mp4", picture4s+" "+sound4s+" -c:v mpeg4 -c:a aac -movflags faststart")
	for _, c := range []struct {
		name, path string
		defects    []string // at least one of them is found
	}{
		{"mp4 with its index in front, cut", changed(t, front, "cut.mp4", firstHalf), []string{"missing_track", "decode_error"}},
		{"transport stream with flipped bytes", changed(t, transport(t), "flipped.ts", func(b []byte) []byte {
			r := rand.New(rand.NewPCG(3, 4))
			for range 60 {
				b[len(b)/3+r.IntN(len(b)/3)] ^= byte(1 + r.IntN(255))
			}
			return b
		}), []string{"decode_error"}},
		{"packets lost", changed(t, transport(t), "lost.ts", func(b []byte) (kept []byte) {
			for i := 0; (i+1)*188 <= len(b); i++ {
				if i < 200 || i%40 != 0 {
					kept = append(kept, b[188*i:188*(i+1)]...)
				}
			}
			return kept
		}), []string{"decode_error"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := streamvet(t, "vet", "--json", "-q", c.path)
			o.want(t, exitDefects)
			vs := verdictsOf(t, o.out)
			if !slices.ContainsFunc(vs, func(v *streamvetv1.Verdict) bool { return slices.Contains(c.defects, v.Defect) }) {
				t.Errorf("none of %v in %v", c.defects, o)
			}
		})
	}
}

// A recording that was broken off: all that is there is vetted.
func TestCutTransportStream(t *testing.T) {
	o := streamvet(t, "vet", "--only", "black,decode_error,missing_track", changed(t, transport(t), "half.ts", firstHalf))
	if o.code == exitTrouble || !strings.Contains(o.out, "half.ts: ") {
		t.Error(o)
	}
}

// Megabytes of nothing, far more than a demuxer searches for the next packet.
func TestEmptyMiddle(t *testing.T) {
	long := clip(t, "ends.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=20 -vf drawbox=color=black:t=fill:enable='gte(t,3)*lt(t,5)+gte(t,15)*lt(t,17)'"+
		" -c:v mpeg2video -q:v 10 -g 25")
	empty := changed(t, long, "empty.ts", func(b []byte) []byte {
		half := len(b) / 2 / 188 * 188
		return slices.Concat(b[:half], make([]byte, 12<<20), b[half:])
	})
	o := streamvet(t, "vet", "--only", "black,decode_error", empty)
	o.want(t, exitDefects, "found: black 2, decode_error 1")
}

// A long recording with a broken middle: what is before and behind it is found.
func TestBrokenMiddle(t *testing.T) {
	long := clip(t, "hour.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=120 -vf drawbox=color=black:t=fill:enable='gte(t,10)*lt(t,12)+gte(t,105)*lt(t,107)'"+
		" -c:v mpeg2video -q:v 10 -g 25")
	broken := changed(t, long, "broken.ts", func(b []byte) []byte { clear(b[len(b)/3 : len(b)*2/3]); return b })
	o := streamvet(t, "vet", "--json", "-q", "--only", "black,decode_error,timestamp_jump", broken)
	o.want(t, exitDefects)
	var before, behind, middle bool
	for _, v := range verdictsOf(t, o.out) {
		start := v.Start.AsDuration().Seconds()
		twoSeconds := v.Defect == "black" && v.State == streamvetv1.State_STATE_CLEARED && (v.End.AsDuration().Seconds()-start-2) < 0.1
		before = before || twoSeconds && start > 9.8 && start < 10.2
		behind = behind || twoSeconds && start > 104.8 && start < 105.2
		middle = middle || v.Defect != "black" && start > 30 && start < 90
	}
	if !before || !behind || !middle {
		t.Errorf("found before %v, behind %v, the broken middle %v: %v", before, behind, middle, o)
	}
}

func TestPictureOnlyAndSoundOnly(t *testing.T) {
	sound := clip(t, "sound.wav", sound4s+" -af volume=0:enable='gte(t,1)*lt(t,3)'")
	streamvet(t, "vet", sound).want(t, exitDefects, "! raised  silence", "sound.wav: ")
	// Sound that repeats, without a picture, is out of step with nothing.
	twice := changed(t, clip(t, "sound.flac", sound4s), "twice.flac", func(b []byte) []byte { return slices.Concat(b[:len(b)*2/3], b[len(b)/3:]) })
	if o := streamvet(t, "vet", twice); o.code != exitDefects || strings.Contains(o.out, "av_desync") {
		t.Error(o)
	}
	picture := clip(t, "picture.mkv", picture4s+" -c:v mpeg4 -q:v 3 -vf drawbox=color=black:t=fill:enable='gte(t,1)*lt(t,2)'")
	o := streamvet(t, "vet", picture)
	o.want(t, exitDefects, "! raised  black", "picture.mkv: ")
	if strings.Contains(o.out, "silence") {
		t.Errorf("no sound is not silence: %v", o)
	}
}

// A file that is still being written.
func TestGrowingFile(t *testing.T) {
	whole, err := os.ReadFile(transport(t))
	if err != nil {
		t.Fatal(err)
	}
	path := written(t, "growing.ts", whole[:len(whole)/2])
	var once bool
	o := streamvetWith(t.Context(), func(string) {
		if once {
			return
		}
		once = true
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.Write(whole[len(whole)/2:])
			f.Close()
		}
		if err != nil {
			t.Error(err)
		}
	}, "vet", "--color", "never", path)
	if o.code == exitTrouble {
		t.Error(o)
	}
}

// A server that stops sending: the input is given up with what was found, the
// other goes on.
func TestStall(t *testing.T) {
	b, err := os.ReadFile(bad(t))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(b[:len(b)*7/8])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer s.Close()
	o := streamvet(t, "vet", "--only", "black", "--timeout", (500 * time.Millisecond).String(), s.URL+"/live.mkv", bad(t))
	o.want(t, exitTrouble, "nothing came for too long", "live.mkv: 1 defect in", "bad.mkv: 1 defect in 0:04.000")
	mute := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer mute.Close()
	streamvet(t, "vet", "--only", "black", "--timeout", "200ms", mute.URL+"/live.mkv").want(t, exitTrouble, "nothing came for too long", "check the address")
}

// Detectors that cannot be run are refused before the work begins, with the
// field and the reason.
func TestBadDetectors(t *testing.T) {
	const manifest, network = "bright/detector.yaml", "bright/bright.onnx"
	replace := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte {
			if !bytes.Contains(b, []byte(old)) {
				t.Fatalf("no %q in the manifest", old)
			}
			return bytes.ReplaceAll(b, []byte(old), []byte(new))
		}
	}
	for _, c := range []struct {
		name, file string
		change     func([]byte) []byte
		says       []string
	}{
		{"an unknown field", manifest, replace("summary:", "sumary: x\nsummary:"), []string{"sumary", "bright"}},
		{"a wrong value", manifest, replace("dtype: u8", "dtype: u9"), []string{"network.tensor.dtype", "u9"}},
		{"no YAML", manifest, func([]byte) []byte { return []byte("name: [") }, []string{"not YAML"}},
		{"a corrupt network", network, func(b []byte) []byte { return firstHalf(b) }, []string{"sha256"}},
		{"a network of the wrong shape", manifest, replace("dtype: u8", "dtype: f32"), []string{"network.tensor.dtype", "bright"}},
		{"an output that it lacks", manifest, replace("score: score", "score: probability"), []string{"network.score", `"probability"`}},
		{"no network", network, nil, []string{"there is no bright.onnx"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := networkDir(t)
			path := filepath.Join(dir, c.file)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if c.change == nil {
				err = os.Remove(path)
			} else {
				err = os.WriteFile(path, c.change(b), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			streamvet(t, "vet", "--models", dir, good(t)).want(t, exitTrouble, c.says...)
		})
	}
}

// A network that is corrupt, under a manifest that vouches for it.
func TestCorruptNetworkWithItsHash(t *testing.T) {
	dir := networkDir(t)
	corrupt := noise(4000)
	manifest := filepath.Join(dir, "bright", "detector.yaml")
	b, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Replace(b, []byte("07ed1c16a94f090b82e19c0a6b81e40fcb0be9e76d97034ca4556ce7483f9e04"), []byte(sha256Hex(corrupt)), 1)
	os.WriteFile(manifest, b, 0o644)
	os.WriteFile(filepath.Join(dir, "bright", "bright.onnx"), corrupt, 0o644)
	streamvet(t, "vet", "--models", dir, good(t)).want(t, exitTrouble, "network.file", "bright")
}

func TestNoONNXRuntime(t *testing.T) {
	networks := networkDir(t)
	for _, lib := range []string{"/nowhere/libonnxruntime.so", written(t, "text.so", []byte("no library"))} {
		// A process keeps the library that it has loaded, so each case has its own.
		process(t, "STREAMVET_ORT_LIB="+lib, "vet", "--models", networks, good(t)).want(t, exitTrouble, lib, "make setup")
		// Closed forms alone need none.
		process(t, "STREAMVET_ORT_LIB="+lib, "vet", "--only", "black,silence", good(t)).want(t, exitClean)
	}
}

func sha256Hex(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
