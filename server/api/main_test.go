package api

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
	"github.com/streamvet/streamvet/server/reach"
	"github.com/streamvet/streamvet/server/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// environment is what make setup provides; tests fail without it, and say so.
func environment(t testing.TB, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set: run the tests with make test", name)
	}
	return v
}

// clip makes media with the private ffmpeg and gives its path.
func clip(t testing.TB, dir, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	cmd := exec.Command(environment(t, "STREAMVET_FFMPEG"), append(append([]string{"-v", "error", "-y"}, args...), path)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return path
}

// blackAfter is a file of so many seconds of moving picture, then two of black,
// then one of moving picture.
func blackAfter(t testing.TB, dir string, seconds string) string {
	t.Helper()
	return clip(t, dir, "black.ts", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=6",
		"-vf", "drawbox=color=black:t=fill:enable='gte(t,"+seconds+")*lt(t,"+seconds+"+2)'", "-c:v", "mpeg2video", "-q:v", "4", "-g", "12")
}

// house is a server without its front door: services over a real registry, a
// real journal and a real engine, that clients reach through memory.
type house struct {
	t        testing.TB
	dir      string
	files    string // the root of files that may be read
	options  options
	engine   *engine.Engine
	journal  *journal.Journal
	registry *registry.Registry
	services *Services
	server   *grpc.Server
	listener *bufconn.Listener
	conn     *grpc.ClientConn
	once     sync.Once
}

type options struct {
	detectors []string // of those that are shipped; empty: black
	journal   journal.Options
	limits    Limits
	sources   int // at most
	allow     []netip.Prefix
	server    []grpc.ServerOption
	folder    string   // of detectors
	keep      []string // of them
	paced     bool
	resolver  reach.Resolver
	deny      []netip.Prefix
}

// open opens a house; it closes after the test.
func open(t testing.TB, o options) *house {
	t.Helper()
	return openIn(t, t.TempDir(), o)
}

func openIn(t testing.TB, dir string, o options) *house {
	t.Helper()
	if len(o.detectors) == 0 {
		o.detectors = []string{"black"}
	}
	h := &house{t: t, dir: dir, files: filepath.Join(dir, "files"), options: o}
	if err := os.MkdirAll(h.files, 0o700); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	fatal := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	var err error
	h.engine, err = engine.Open(engine.Config{Detectors: shipped(t, o.detectors...), Device: "cpu", DecoderThreads: 1, ORTLibrary: environment(t, "STREAMVET_ORT_LIB")})
	fatal(err)
	j := o.journal
	j.Dir, j.Logger = filepath.Join(dir, "journal"), quiet
	if j.MinFree == 0 {
		j.MinFree = -1
	}
	h.journal, err = journal.Open(t.Context(), j)
	fatal(err)
	policy, err := reach.New(reach.Options{Roots: []string{h.files}, Allow: o.allow, Deny: o.deny, Resolver: o.resolver})
	fatal(err)
	h.registry, err = registry.Open(registry.Options{
		Engine: h.engine, Journal: h.journal, Dir: filepath.Join(dir, "registry"), Reach: policy, MaxSources: o.sources, Paced: o.paced,
	})
	fatal(err)
	h.server = grpc.NewServer(append(checking(t), o.server...)...)
	h.services = Register(h.server, Options{
		Engine: h.engine, Journal: h.journal, Registry: h.registry, Reach: policy, Version: "test", Limits: o.limits, Detectors: o.folder,
		Keep: func(name string) bool { return len(o.keep) == 0 || slices.Contains(o.keep, name) },
	})
	h.listener = bufconn.Listen(1 << 16)
	go h.server.Serve(h.listener)
	t.Cleanup(h.close)
	h.conn = h.dial()
	return h
}

// close ends the house in the order of a server.
func (h *house) close() {
	h.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.registry.Close(ctx); err != nil {
			h.t.Error(err)
		}
		h.services.End()
		h.server.Stop()
		for _, close := range []func() error{h.journal.Close, h.engine.Close} {
			if err := close(); err != nil {
				h.t.Error(err)
			}
		}
	})
}

// dial gives a connection to the house.
func (h *house) dial() *grpc.ClientConn {
	h.t.Helper()
	c, err := grpc.NewClient("passthrough:house", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return h.listener.DialContext(ctx) }))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	return c
}

func (h *house) sources() streamvetv1.SourceServiceClient {
	return streamvetv1.NewSourceServiceClient(h.conn)
}
func (h *house) verdicts() streamvetv1.VerdictServiceClient {
	return streamvetv1.NewVerdictServiceClient(h.conn)
}
func (h *house) scores() streamvetv1.ScoreServiceClient {
	return streamvetv1.NewScoreServiceClient(h.conn)
}
func (h *house) detectors() streamvetv1.DetectorServiceClient {
	return streamvetv1.NewDetectorServiceClient(h.conn)
}
func (h *house) vets() streamvetv1.VetServiceClient { return streamvetv1.NewVetServiceClient(h.conn) }

// within gives a context that a test does not outlive.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// add adds a source, which must be taken.
func (h *house) add(c *streamvetv1.SourceConfig) *streamvetv1.Source {
	h.t.Helper()
	r, err := h.sources().AddSource(within(h.t), &streamvetv1.AddSourceRequest{Config: c})
	if err != nil {
		h.t.Fatal(err)
	}
	return r.GetSource()
}

// await waits until a source is in a state, and gives it.
func (h *house) await(name string, state streamvetv1.SourceState) *streamvetv1.Source {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	w, err := h.sources().WatchSources(ctx, &streamvetv1.WatchSourcesRequest{})
	if err != nil {
		h.t.Fatal(err)
	}
	var last *streamvetv1.Source
	for {
		r, err := w.Recv()
		if err != nil {
			h.t.Fatalf("%s is not %v but %v: %v", name, state, last, err)
		}
		if s := r.GetSource(); s.GetConfig().GetName() == name {
			if last = s; s.GetStatus().GetState() == state {
				return s
			}
		}
	}
}

// shipped gives the shipped detectors of these names.
func shipped(t testing.TB, names ...string) []models.Detector {
	t.Helper()
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	ds, err := set.Choose(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}
