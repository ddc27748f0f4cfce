package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/server/access"
	"github.com/streamvet/streamvet/server/api"
	"github.com/streamvet/streamvet/server/config"
	"github.com/streamvet/streamvet/server/journal"
	"github.com/streamvet/streamvet/server/metrics"
	"github.com/streamvet/streamvet/server/registry"
	"github.com/streamvet/streamvet/server/traces"
)

// Options are what a server is made of besides its configuration.
type Options struct {
	// Logger takes all that is told; needed.
	Logger *slog.Logger
	// Level is changed when log.level of the configuration is; nil leaves it.
	Level *slog.LevelVar
	// Hangup asks to read all files again at once; nil for never.
	Hangup <-chan os.Signal
	// Version is streamvet's.
	Version string
	// ORTLibrary is where ONNX Runtime was installed, for a configuration that does
	// not say.
	ORTLibrary string
}

// Server is a `streamvet serve`.
type Server struct {
	options  Options
	log      *slog.Logger
	config   atomic.Pointer[config.Loaded] // as it was read last
	registry *prometheus.Registry
	phase    atomic.Int32
	close    func() error
	state    *stateDir
	access   *access.Access
	rpcs     net.Listener
	pages    net.Listener // nil without HTTP
	http     *http.Server

	// Made by Run.
	tracer   *traces.Tracer // nil without a collector
	engine   *engine.Engine
	journal  *journal.Journal
	sources  *registry.Registry
	services *api.Services
	metrics  *metrics.Metrics
	grpc     *grpc.Server
	health   *health.Server
	seen     string // fingerprint of the configuration file

	complaint string // the last one about keys and tokens
}

// Phases of a server's life.
const (
	starting int32 = iota
	serving
	ending
)

// New takes the state directory, reads keys and tokens, and listens: what is wrong
// with these is told before anything costly begins. Without a Run, Close it.
func New(ctx context.Context, c *config.Loaded, o Options) (*Server, error) {
	s := &Server{options: o, log: o.Logger, registry: prometheus.NewRegistry(), seen: config.Fingerprint(c.File)}
	s.config.Store(c)
	s.close = sync.OnceValue(s.free)
	err := s.prepare(ctx, c)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) prepare(ctx context.Context, c *config.Loaded) (err error) {
	if s.state, err = openState(c.State.Dir); err != nil {
		return err
	}
	if s.access, err = access.New(access.Options{GRPC: c.GRPC, TLS: c.TLS, Auth: c.Auth, Logger: s.log, Registry: s.registry}); err != nil {
		return err
	}
	var lc net.ListenConfig
	if s.rpcs, err = lc.Listen(ctx, "tcp", c.GRPC.Address); err != nil {
		return fmt.Errorf("listen for the API (grpc.address): %w", err)
	}
	s.rpcs = netutil.LimitListener(s.rpcs, c.GRPC.MaxConnections)
	if c.HTTP.Address == "" {
		return nil
	}
	if s.pages, err = lc.Listen(ctx, "tcp", c.HTTP.Address); err != nil {
		return fmt.Errorf("listen for HTTP (http.address): %w", err)
	}
	s.pages = netutil.LimitListener(s.pages, maxPageConnections)
	s.makePages()
	return nil
}

// Address is where the API listens.
func (s *Server) Address() string { return s.rpcs.Addr().String() }

// HTTPAddress is where HTTP listens; "" where it does not.
func (s *Server) HTTPAddress() string {
	if s.pages == nil {
		return ""
	}
	return s.pages.Addr().String()
}

// Run starts what is left, serves until ctx ends or something fails, and ends all
// in order. HTTP answers from the start, for engines can take minutes to build.
// The error is what failed, or had to be cut off at the end. Once.
func (s *Server) Run(ctx context.Context) error {
	defer spread()()
	listeners := make(chan error, 2)
	running := 0
	serve := func(run func() error) {
		running++
		go func() { listeners <- run() }()
	}
	if s.pages != nil {
		serve(s.servePages)
	}
	err := s.open(ctx)
	switch {
	case err == nil:
		serve(func() error { return s.grpc.Serve(s.rpcs) })
		s.nowServing()
		err = s.tend(ctx, listeners)
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		err = nil // it was asked to end before it was ready
	}
	if err != nil {
		s.log.Error("ending, for something has failed", "error", err)
	} else {
		s.log.Info("ending; another interrupt ends at once", "within", s.config.Load().Shutdown.Timeout.String())
	}
	err = errors.Join(err, s.end())
	for range running {
		if e := <-listeners; !errors.Is(e, http.ErrServerClosed) && !errors.Is(e, grpc.ErrServerStopped) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (s *Server) nowServing() {
	s.phase.Store(serving)
	s.notify("READY=1")
	s.health.SetServingStatus("", healthv1.HealthCheckResponse_SERVING)
	s.log.Info("serving", "version", s.options.Version, "api", s.Address(), "http", s.HTTPAddress(), "tls", s.config.Load().TLS.Cert != "",
		"device", s.engine.Device(), "no_gpu", s.engine.Fallback(), "state", filepath.Clean(s.state.dir))
}

// tendEvery is how often files are looked at, and whether the device still answers.
const tendEvery = 2 * time.Second

// tend looks after the server until ctx ends. It fails when a listener does, or
// when the GPU is gone: only a new process can get it back.
func (s *Server) tend(ctx context.Context, listeners chan error) error {
	t := time.NewTicker(tendEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-listeners:
			listeners <- nil // it is counted at the end
			return fmt.Errorf("listen: %w", err)
		case <-s.options.Hangup:
			s.log.Info("reading all files again, as asked")
			s.seen = ""
		case now := <-t.C:
			s.metrics.Sample(now)
		}
		s.reload(ctx)
		if err := s.engine.Check(); errors.Is(err, engine.ErrLost) {
			return err
		}
	}
}
