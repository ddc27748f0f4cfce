package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// stalling serves the first n bytes of a file and then nothing, until the client goes.
func stalling(t *testing.T, path string, n int) *httptest.Server {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "video/mp2t")
		w.Write(b[:n])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	return s
}

// A sender that stops: an error after the deadline, other sources go on.
func TestStall(t *testing.T) {
	path := clip(t, "long.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=8 -f lavfi -i sine=sample_rate=48000:duration=8 -c:v mpeg2video -g 12 -bf 2 -c:a mp2")
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("in the middle", func(t *testing.T) {
		s := open(t, stalling(t, path, int(st.Size())*3/4).URL+"/live.ts", Options{StallTimeout: 500 * time.Millisecond})
		other := open(t, path, Options{})
		video, _ := play(s)
		if v := video[0]; len(v.frames) < 50 || !errors.Is(v.err, ErrStalled) {
			t.Errorf("%d pictures, then %v; want %v", len(v.frames), v.err, ErrStalled)
		}
		video, _ = play(other)
		checkOrder(t, video[0])
	})
	t.Run("at once", func(t *testing.T) {
		_, err := Open(t.Context(), stalling(t, path, 0).URL+"/live.ts", Options{StallTimeout: 200 * time.Millisecond})
		if !errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), "check the address") {
			t.Errorf("%v, want %v", err, ErrStalled)
		}
	})
	t.Run("closed meanwhile", func(t *testing.T) {
		s := open(t, stalling(t, path, int(st.Size())*3/4).URL+"/live.ts", Options{StallTimeout: time.Hour})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				f, err := s.Video()[0].Next(context.Background())
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("Next: %v", err)
					}
					return
				}
				if f.Index == 20 {
					wg.Go(func() { s.Close() })
				}
				f.Release()
			}
		})
		s.Audio()[0].Skip()
		wg.Wait()
	})
}

func fileServer(t *testing.T, dir string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(s.Close)
	return s
}

func TestHTTP(t *testing.T) {
	s := fileServer(t, "testdata")
	video, audio := playFile(t, s.URL+"/h264.mp4", Options{})
	checkClean(t, video[0])
	checkClean(t, audio[0])
	if len(video[0].frames) != 25 {
		t.Errorf("%d pictures, want 25", len(video[0].frames))
	}
	if _, err := Open(t.Context(), s.URL+"/none.mp4", Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want %v", err, fs.ErrNotExist)
	}
	s.Close()
	if _, err := Open(t.Context(), s.URL+"/h264.mp4", Options{}); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("no server: %v", err)
	}
}

// playlist makes one of HLS, with its segments beside it.
func playlist(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	path := clip(t, "list.m3u8", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=6 -f lavfi -i sine=duration=6 -c:v mpeg2video -g 25 -c:a mp2 -f hls -hls_time 2 -hls_list_size 0")
	segments, err := filepath.Glob(strings.TrimSuffix(path, ".m3u8") + "*")
	if err != nil || len(segments) < 4 {
		t.Fatalf("%v: %v", segments, err)
	}
	for _, s := range segments {
		b, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(s)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPlaylist(t *testing.T) {
	dir := playlist(t)
	for _, url := range []string{filepath.Join(dir, "list.m3u8"), fileServer(t, dir).URL + "/list.m3u8"} {
		video, audio := playFile(t, url, Options{})
		checkClean(t, video[0])
		checkClean(t, audio[0])
		if n := len(video[0].frames); n != 150 {
			t.Errorf("%s: %d pictures, want 150", url, n)
		}
	}
}

// A playlist that comes over the network must not lead to files of this machine.
func TestPlaylistKeepsOut(t *testing.T) {
	secret := filepath.Join(playlist(t), "list0.ts")
	list := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\nfile://" + secret + "\n#EXT-X-ENDLIST\n"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, list) }))
	defer s.Close()
	src, err := Open(t.Context(), s.URL+"/list.m3u8", Options{})
	if err == nil {
		src.Close()
		t.Fatal("a playlist over http opened a local file")
	}
}

// A file that is still being written is read up to its end as it is then.
func TestGrowingFile(t *testing.T) {
	whole, err := os.ReadFile(clip(t, "long.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=8 -f lavfi -i sine=sample_rate=48000:duration=8 -c:v mpeg2video -g 12 -bf 2 -c:a mp2"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "growing.ts")
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, Options{})
	f, err := s.Video()[0].Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Release()
	out, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, bytes.NewReader(whole[len(whole)/2:])); err != nil {
		t.Fatal(err)
	}
	out.Close()
	video, _ := play(s)
	if v := video[0]; !errors.Is(v.err, io.EOF) || len(v.frames) < 80 {
		t.Errorf("%d pictures, then %v", len(v.frames), v.err)
	}
}

// A connection that breaks in the middle: what came is shown, then an error.
func TestBrokenConnection(t *testing.T) {
	b, err := os.ReadFile(clip(t, "front.mp4", picture2s+" "+sound2s+" -c:v mpeg4 -c:a aac -movflags faststart"))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		w.Write(b[:len(b)*2/3])
	}))
	defer srv.Close()
	s := open(t, srv.URL+"/film.mp4", Options{})
	video, _ := play(s)
	if v := video[0]; len(v.frames) < 10 || v.err == nil || errors.Is(v.err, io.EOF) && v.tail.Gap == 0 {
		t.Errorf("%d pictures, then %v, %+v", len(v.frames), v.err, v.tail)
	}
}

// A password in an address is not told.
func TestWithoutPassword(t *testing.T) {
	for in, want := range map[string]string{
		"http://user:secret@example.org/a": "http://user:xxxxx@example.org/a",
		"http://example.org/a?b=c":         "http://example.org/a?b=c",
		"films/100% of it@home.mp4":        "films/100% of it@home.mp4",
		"bytes\xff.mp4":                    "bytes\uFFFD.mp4",
	} {
		if got := WithoutPassword(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
	_, err := Open(t.Context(), "http://user:secret@127.0.0.1:1/a", Options{})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}
