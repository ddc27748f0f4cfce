package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/streamvet/streamvet/server/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// setting is what a server of the tests is started with: a file that holds what
// all need, and more.
type setting struct {
	file  string // further YAML
	args  []string
	state string // its directory; empty: a new one
}

// running is a server that runs.
type running struct {
	*Server
	t      testing.TB
	file   string // of its configuration
	log    *logBuffer
	level  *slog.LevelVar
	hangup chan os.Signal
	stop   context.CancelFunc
	ended  chan error
}

func (c setting) load(t testing.TB) *config.Loaded {
	t.Helper()
	if c.state == "" {
		c.state = filepath.Join(t.TempDir(), "state")
	}
	path := filepath.Join(t.TempDir(), "streamvet.yaml")
	write(t, path, c.file)
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags := config.AddFlags(f)
	args := []string{"--config", path, "--state-dir", c.state, "--grpc-address=127.0.0.1:0", "--http-address=127.0.0.1:0", "--engine-device=cpu", "--journal-min-free=0"}
	if !strings.Contains(c.file, "detectors:") {
		args = append(args, "--detectors-only=black,freeze") // no network
	}
	if err := f.Parse(append(args, c.args...)); err != nil {
		t.Fatal(err)
	}
	l, err := flags.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (c setting) make(t testing.TB) (*running, error) {
	t.Helper()
	l := c.load(t)
	r := &running{t: t, file: l.File, log: &logBuffer{}, level: &slog.LevelVar{}, hangup: make(chan os.Signal, 1), ended: make(chan error, 1)}
	r.level.Set(slog.LevelDebug)
	var err error
	r.Server, err = New(t.Context(), l, Options{
		Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: r.level})), Level: r.level, Hangup: r.hangup,
		Version: "1.2.3", ORTLibrary: os.Getenv("STREAMVET_ORT_LIB"),
	})
	return r, err
}

// start starts a server and waits until it is ready. It ends with the test.
func (c setting) start(t testing.TB) *running {
	t.Helper()
	r, err := c.make(t)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { r.ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		if err := r.end(); err != nil {
			t.Errorf("the server ends with %v\n%s", err, r.log)
		}
	})
	r.eventually("the server is ready", func() bool { return r.trouble() == "" })
	return r
}

// end ends the server and gives its error. It may be called again.
func (r *running) end() error {
	r.stop()
	select {
	case err, first := <-r.ended:
		if first {
			close(r.ended)
		}
		return err
	case <-time.After(patience):
		r.t.Fatalf("the server does not end:\n%s", r.log)
	}
	return nil
}

// eventually waits until something is so.
func (r *running) eventually(what string, is func() bool) {
	r.t.Helper()
	for began := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-r.ended:
			r.t.Fatalf("%s: the server has ended with %v", what, err)
		default:
		}
		if time.Since(began) > patience {
			r.t.Fatalf("%s: not within %v\n%s", what, patience, r.log)
		}
	}
}

func (r *running) dial() *grpc.ClientConn {
	r.t.Helper()
	conn, err := grpc.NewClient(r.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	return conn
}

// get fetches a page in the clear.
func (r *running) get(path string) (int, string) {
	r.t.Helper()
	return fetch(r.t, &http.Client{}, "http://"+r.HTTPAddress()+path, "")
}

func fetch(t testing.TB, c *http.Client, url, token string) (int, string) {
	t.Helper()
	defer c.CloseIdleConnections()
	q, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{DisableKeepAlives: true}
	}
	p, err := c.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Body.Close()
	body, err := io.ReadAll(p.Body)
	if err != nil {
		t.Fatal(err)
	}
	return p.StatusCode, string(body)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
