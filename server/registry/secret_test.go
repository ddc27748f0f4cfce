package registry

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamvet/streamvet/engine"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/reach"
)

// ledger is a log in memory.
type ledger struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *ledger) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Sources that go wrong in many ways tell no secret: not in a log at its most
// talkative, not in their status, not in a verdict.
func TestSecretsAreToldNowhere(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/list.m3u8": // its segments are not there
			io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nnone.ts?"+r.URL.RawQuery+"\n#EXT-X-ENDLIST\n")
		case "/moved":
			http.Redirect(w, r, "http://169.254.169.254/?"+r.URL.RawQuery, http.StatusFound)
		case "/garbage":
			io.WriteString(w, strings.Repeat("no media ", 1000))
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer web.Close()
	host := strings.TrimPrefix(web.URL, "http://")
	log := &ledger{}
	r := openRoom(t, func(o *Options) {
		policy, err := reach.New(reach.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		if err != nil {
			t.Fatal(err)
		}
		logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Reach, o.Logger = policy, logger
		if o.Engine, err = engine.Open(engine.Config{Detectors: shipped(t, "black"), Device: "cpu", Logger: logger}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { o.Engine.Close() })
	})
	urls := map[string]string{
		"list": "http://u:secret-1@" + host + "/list.m3u8?token=secret-2", "moved": "http://" + host + "/moved?token=secret-2",
		"garbage": "http://" + host + "/garbage?secret-2", "denied": "http://u:secret%2D1@" + host + "/x?token=secret-2#secret-3",
		"rtsp": "rtsp://u:secret-1@" + host + "/live", "rtmp": "rtmp://u:secret-1@" + host + "/app/key?token=secret-2",
		"srt": "srt://127.0.0.1:1?passphrase=secret-22222&connect_timeout=100",
	}
	for name, url := range urls {
		r.add(&streamvetv1.SourceConfig{
			Name: name, Url: url, StallTimeout: durationpb.New(1e9), Reconnect: &streamvetv1.ReconnectPolicy{MaxAttempts: 1},
			Transport: &streamvetv1.Transport{HttpHeaders: map[string]string{"X-Key": "secret-4"}, Srt: &streamvetv1.SrtOptions{Passphrase: "secret-55555"}},
		})
	}
	for name := range urls {
		s := r.await(name, func(s *streamvetv1.SourceStatus) bool { return s.GetLastError() != "" })
		if text := protojson.Format(s); strings.Contains(text, "secret") {
			t.Errorf("%s tells: %s", name, text)
		}
	}
	r.close()
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "secret") {
			t.Errorf("the log tells: %s", line)
		}
	}
	if !strings.Contains(log.String(), "ffmpeg") {
		t.Error("FFmpeg has said nothing: the test shows little")
	}
	for _, v := range r.shelf.stored() {
		if strings.Contains(v.String(), "secret") {
			t.Errorf("a verdict tells: %v", v)
		}
	}
}
