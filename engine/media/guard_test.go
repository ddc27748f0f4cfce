package media

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var errForbidden = errors.New("that is forbidden")

// forbidding is a guard that forbids 127.0.0.2 and what lies outside a folder. It
// resolves the names that it knows, each answer once, the last one for ever.
type forbidding struct {
	folder string
	mu     sync.Mutex
	names  map[string][]netip.Addr
	asked  []string
}

var inner = netip.MustParseAddr("127.0.0.2")

func (f *forbidding) Resolve(_ context.Context, network, host string) ([]netip.Addr, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, network+" "+host)
	a, err := netip.ParseAddr(host)
	if err != nil {
		all := f.names[host]
		if len(all) == 0 {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		if a = all[0]; len(all) > 1 {
			f.names[host] = all[1:]
		}
		return []netip.Addr{a}, nil // the connection is what is forbidden
	}
	return []netip.Addr{a}, nil
}

func (f *forbidding) Connect(network string, to netip.AddrPort) error {
	if to.Addr() == inner {
		return errForbidden
	}
	return nil
}

func (f *forbidding) File(path string) error {
	if !strings.HasPrefix(path, f.folder+"/") {
		return errForbidden
	}
	return nil
}

// secretPlace listens at the forbidden address; nobody may connect.
func secretPlace(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		if n := calls.Load(); n > 0 {
			t.Errorf("%d connections to the forbidden address", n)
		}
	})
	return l.Addr().String()
}

// refused opens url, plays it, and wants that to end with the refusal.
func refused(t *testing.T, url string, o Options) {
	t.Helper()
	if o.Guard == nil {
		o.Guard = &forbidding{}
	}
	o.StallTimeout = 5 * time.Second
	s, err := Open(t.Context(), url, o)
	if err == nil {
		video, _ := play(s)
		err = video[0].err
		s.Close()
	}
	if !errors.Is(err, errForbidden) || !errors.Is(err, ErrAddress) {
		t.Errorf("%s: %v, want %v", url, err, errForbidden)
	}
}

// web serves what pages has under each path: a text, or a redirect to an address
// after "->".
func web(t *testing.T, pages map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		if to, redirect := strings.CutPrefix(page, "->"); redirect {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, page)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Wherever an address leads over HTTP, the connection is judged.
func TestGuardOverHTTP(t *testing.T) {
	segment, err := os.ReadFile(filepath.Join(playlist(t), "list0.ts"))
	if err != nil {
		t.Fatal(err)
	}
	secret := secretPlace(t)
	list := func(lines string) string {
		return "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n" + lines + "\n#EXT-X-ENDLIST\n"
	}
	url := web(t, map[string]string{
		"/moved.ts":     "->http://" + secret + "/latest",
		"/twice.ts":     "->/moved.ts",
		"/good.ts":      string(segment),
		"/segment.m3u8": list("#EXTINF:2,\ngood.ts\n#EXTINF:2,\nhttp://" + secret + "/a.ts"),
		"/moved.m3u8":   list("#EXTINF:2,\nmoved.ts"),
		"/key.m3u8":     list("#EXT-X-KEY:METHOD=AES-128,URI=\"http://" + secret + "/key\"\n#EXTINF:2,\ngood.ts"),
		"/map.m3u8":     list("#EXT-X-MAP:URI=\"http://" + secret + "/map.mp4\"\n#EXTINF:2,\ngood.ts"),
		"/master.m3u8":  "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://" + secret + "/list.m3u8\n",
	})
	for _, path := range []string{"/moved.ts", "/twice.ts", "/segment.m3u8", "/moved.m3u8", "/key.m3u8", "/map.m3u8", "/master.m3u8"} {
		t.Run(path[1:], func(t *testing.T) { refused(t, url+path, Options{}) })
	}
	t.Run("by number", func(t *testing.T) { refused(t, "http://"+secret+"/", Options{}) })
	t.Run("the good ones play", func(t *testing.T) {
		video, _ := playFile(t, url+"/good.ts", Options{Guard: &forbidding{}})
		if len(video[0].frames) == 0 {
			t.Error("no picture")
		}
	})
}

// A playlist that never ends, or leads everywhere, takes neither memory nor time.
func TestGuardAgainstBombs(t *testing.T) {
	t.Run("endless", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n")
			lines := []byte(strings.Repeat("#EXTINF:2,\nsegment-with-a-long-name.ts\n", 1000))
			for r.Context().Err() == nil {
				w.Write(lines)
			}
		}))
		defer s.Close()
		_, err := Open(t.Context(), s.URL+"/list.m3u8", Options{Guard: &forbidding{}, StallTimeout: time.Minute})
		if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), "playlist") {
			t.Errorf("%v", err)
		}
	})
	t.Run("wide", func(t *testing.T) {
		var list strings.Builder
		list.WriteString("#EXTM3U\n")
		for i := range 2000 {
			fmt.Fprintf(&list, "#EXT-X-STREAM-INF:BANDWIDTH=%d\n%d.m3u8\n", i+1, i)
		}
		var asked atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			w.Header().Set("Connection", "close")
			if r.URL.Path == "/list.m3u8" {
				io.WriteString(w, list.String())
				return
			}
			io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n")
		}))
		defer s.Close()
		_, err := Open(t.Context(), s.URL+"/list.m3u8", Options{Guard: &forbidding{}, StallTimeout: time.Minute})
		if !errors.Is(err, ErrAddress) || asked.Load() > 600 {
			t.Errorf("%v after %d requests", err, asked.Load())
		}
	})
}

// A name that gives a good address first and a forbidden one later does not get
// past: what is judged is the address that is connected to.
func TestGuardAgainstRebinding(t *testing.T) {
	secret := netip.MustParseAddrPort(secretPlace(t))
	g := &forbidding{names: map[string][]netip.Addr{"rebind.test": {netip.MustParseAddr("127.0.0.1"), inner}}}
	url := web(t, map[string]string{"/": fmt.Sprintf("->http://rebind.test:%d/", secret.Port())})
	port := url[strings.LastIndex(url, ":"):]
	refused(t, "http://rebind.test"+port+"/", Options{Guard: g})
	if len(g.asked) != 2 {
		t.Errorf("asked %v", g.asked)
	}
}

// A name that cannot be resolved is no refusal: it may be known later.
func TestGuardUnknownName(t *testing.T) {
	_, err := Open(t.Context(), "http://nobody.test/", Options{Guard: &forbidding{}})
	var dns *net.DNSError
	if !errors.As(err, &dns) || errors.Is(err, ErrAddress) {
		t.Errorf("%v, want an error of DNS", err)
	}
}

// A name server that does not answer holds up nobody who closes.
func TestGuardIsCancelled(t *testing.T) {
	g := &waiting{asked: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-g.asked; cancel() }()
	if _, err := Open(ctx, "http://slow.test/", Options{Guard: g, StallTimeout: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

type waiting struct {
	forbidding
	asked chan struct{}
}

func (w *waiting) Resolve(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	close(w.asked)
	<-ctx.Done()
	return nil, ctx.Err()
}

// A proxy of the environment would connect in our place.
func TestGuardLeavesProxiesOut(t *testing.T) {
	asked := make(chan string, 16)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked <- r.URL.String() }))
	defer proxy.Close()
	t.Setenv("http_proxy", proxy.URL)
	refused(t, "http://"+secretPlace(t)+"/", Options{})
	if len(asked) > 0 {
		t.Errorf("the proxy was asked for %s", <-asked)
	}
}

// An RTSP server that sends its clients elsewhere, by a redirect.
func TestGuardOverRTSP(t *testing.T) {
	secret := secretPlace(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			answerRTSP(c, "302 Moved\r\nLocation: rtsp://"+secret+"/")
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	refused(t, "rtsp://"+l.Addr().String()+"/live", Options{Transport: Transport{RTSP: "tcp"}})
}

// answerRTSP gives the same answer to every request.
func answerRTSP(c net.Conn, answer string) {
	defer c.Close()
	r := bufio.NewReader(c)
	cseq := ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if v, ok := strings.CutPrefix(line, "CSeq:"); ok {
			cseq = strings.TrimSpace(v)
		}
		if strings.TrimSpace(line) == "" {
			fmt.Fprintf(c, "RTSP/1.0 %s\r\nCSeq: %s\r\n\r\n", answer, cseq)
		}
	}
}

func TestGuardOverOtherProtocols(t *testing.T) {
	secret := secretPlace(t)
	for _, url := range []string{
		"tcp://" + secret, "rtmp://" + secret + "/app/stream", "rtsp://" + secret + "/",
		"srt://" + secret + "?connect_timeout=1000", "udp://" + secret + "?connect=1",
	} {
		t.Run(url[:strings.Index(url, ":")], func(t *testing.T) { refused(t, url, Options{}) })
	}
}

// Files: by the path that the system has for them, once they are open.
func TestGuardOfFiles(t *testing.T) {
	good, secret := playlist(t), playlist(t)
	outside := filepath.Join(secret, "list0.ts")
	write := func(name, text string) string {
		path := filepath.Join(good, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Symlink(outside, filepath.Join(good, "link.ts")); err != nil {
		t.Fatal(err)
	}
	const head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n"
	up, err := filepath.Rel(good, outside)
	if err != nil {
		t.Fatal(err)
	}
	g := &forbidding{folder: good}
	for name, path := range map[string]string{
		"outside": outside, "link": filepath.Join(good, "link.ts"),
		"playlist": write("a.m3u8", head+outside+"\n#EXT-X-ENDLIST\n"), "relative": write("b.m3u8", head+up+"\n#EXT-X-ENDLIST\n"),
		"concat": write("c.txt", "ffconcat version 1.0\nfile link.ts\n"),
	} {
		t.Run(name, func(t *testing.T) { refused(t, path, Options{Guard: g}) })
	}
	t.Run("inside", func(t *testing.T) {
		video, _ := playFile(t, filepath.Join(good, "list.m3u8"), Options{Guard: g})
		if len(video[0].frames) != 150 {
			t.Errorf("%d pictures", len(video[0].frames))
		}
	})
}

// Headers go to the host of the address and to no other.
func TestHeadersStayWithTheirHost(t *testing.T) {
	segment, err := os.ReadFile(filepath.Join(playlist(t), "list0.ts"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := map[string]string{} // path to header
	serve := func(listen string, pages map[string]string) string {
		l, err := net.Listen("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			seen[r.URL.Path] = r.Header.Get("X-Key")
			mu.Unlock()
			page := pages[r.URL.Path]
			if to, ok := strings.CutPrefix(page, "->"); ok {
				http.Redirect(w, r, to, http.StatusFound)
				return
			}
			io.Copy(w, bytes.NewReader([]byte(page)))
		})}}
		s.Start()
		t.Cleanup(s.Close)
		return s.URL
	}
	other := serve("127.0.0.3:0", map[string]string{"/there.ts": string(segment)})
	url := serve("127.0.0.1:0", map[string]string{
		"/list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhere.ts\n#EXTINF:2,\n" + other + "/there.ts\n#EXTINF:2,\nhere2.ts\n#EXT-X-ENDLIST\n",
		"/here.ts":   string(segment), "/here2.ts": string(segment), "/moved.ts": "->" + other + "/moved-there.ts", "/same.ts": "->/here.ts",
	})
	o := Options{Transport: Transport{Headers: map[string]string{"X-Key": "secret"}}}
	video, _ := playFile(t, url+"/list.m3u8", o)
	if len(video[0].frames) < 100 {
		t.Errorf("%d pictures of three segments", len(video[0].frames))
	}
	playFile(t, url+"/same.ts", o)
	for path, want := range map[string]string{"/list.m3u8": "secret", "/here.ts": "secret", "/here2.ts": "secret", "/there.ts": "", "/same.ts": "secret"} {
		if got := seen[path]; got != want {
			t.Errorf("%s was asked with %q, want %q", path, got, want)
		}
	}
	s, err := Open(t.Context(), url+"/moved.ts", o)
	if err == nil {
		s.Close()
	}
	if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), "redirects to 127.0.0.3") {
		t.Errorf("redirected to another host with headers: %v", err)
	}
	if _, asked := seen["/moved-there.ts"]; asked {
		t.Error("the other host was asked")
	}
}

// What is read may be an open file or a pipe.
func TestInput(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		f, err := os.Open("testdata/h264.mp4")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		video, audio := playFile(t, "upload.mp4", Options{Input: f})
		checkClean(t, video[0])
		checkClean(t, audio[0])
	})
	t.Run("pipe", func(t *testing.T) {
		b, err := os.ReadFile("testdata/h264.ts")
		if err != nil {
			t.Fatal(err)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var wg sync.WaitGroup
		wg.Go(func() { w.Write(b); w.Close() })
		video, _ := playFile(t, "upload.ts", Options{Input: r, Guard: &forbidding{}})
		wg.Wait()
		checkClean(t, video[0])
	})
	t.Run("pipe that stalls", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		if _, err := Open(t.Context(), "upload.ts", Options{Input: r, StallTimeout: 200 * time.Millisecond}); !errors.Is(err, ErrStalled) {
			t.Errorf("%v, want %v", err, ErrStalled)
		}
	})
}

// An address is told by the name that it was given.
func TestNameInPlaceOfTheAddress(t *testing.T) {
	_, err := Open(t.Context(), "http://127.0.0.1:1/a?token=secret", Options{Name: "http://127.0.0.1:1/a?token=xxxxx"})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

func TestWithoutValues(t *testing.T) {
	for in, want := range map[string]string{
		"srt://h:1":                                "srt://h:1",
		"srt://h:1?mode=listener":                  "srt://h:1",
		"srt://h:1?a=b&mode=caller&c":              "srt://h:1?a=b&c",
		"srt://h:1?modes=1&passphrase=xx&mode=a&b": "srt://h:1?modes=1&b",
	} {
		if got := withoutValues(in, []string{"mode", "passphrase"}); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}
