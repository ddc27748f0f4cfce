package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/server/access"
	"github.com/streamvet/streamvet/server/config"
	"github.com/streamvet/streamvet/server/journal"
)

// Options are what a server is made of besides its configuration.
type Options struct {
	// Logger takes all that is told; needed.
	Logger *slog.Logger
	// Level is changed when the configuration's log.level is; nil leaves it.
	Level *slog.LevelVar
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
	loaded   *config.Loaded
	registry *prometheus.Registry
	state    *stateDir
	access   *access.Access
	engine   *engine.Engine
	journal  *journal.Journal
	grpc     *grpc.Server
	health   *health.Server
	http     *http.Server
	rpcs     net.Listener
	pages    net.Listener // nil without HTTP
	ending   atomic.Bool
}

// New makes all that the server consists of, and listens. What stands in the way
// is an error, and nothing is left behind.
func New(ctx context.Context, c *config.Loaded, o Options) (_ *Server, err error) {
	s := &Server{options: o, log: o.Logger, loaded: c, registry: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.free())
		}
	}()
	if s.state, err = openState(c.State.Dir); err != nil {
		return nil, err
	}
	if s.access, err = access.New(access.Options{GRPC: c.GRPC, TLS: c.TLS, Auth: c.Auth, Logger: s.log, Registry: s.registry}); err != nil {
		return nil, err
	}
	if s.engine, err = s.openEngine(); err != nil {
		return nil, err
	}
	if s.journal, err = journal.Open(ctx, s.journalOptions()); err != nil {
		return nil, err
	}
	if err = s.makeGRPC(); err != nil {
		return nil, err
	}
	s.makeHTTP()
	return s, s.listen(ctx)
}

func (s *Server) openEngine() (*engine.Engine, error) {
	detectors, err := chooseDetectors(s.loaded.Detectors)
	if err != nil {
		return nil, err
	}
	c := s.loaded.Engine
	library := c.ORTLibrary
	if library == "" {
		library = s.options.ORTLibrary
	}
	return engine.Open(engine.Config{
		Detectors: detectors, Device: c.Device, Provider: c.Provider, FullPrecision: c.FullPrecision,
		EngineCache: s.state.path("tensorrt"), ORTLibrary: library,
		DecoderThreads: c.DecoderThreads, InferenceThreads: c.InferenceThreads,
		Limits: engine.Limits{DecoderShare: c.DecoderShare, MemoryReserve: int64(c.MemoryReserve), Latency: c.MaxLatency},
		Logger: s.log,
	})
}

func (s *Server) journalOptions() journal.Options {
	c := s.loaded.Journal
	orNone := func(n int64) int64 { // 0 is no limit here, and the default there
		if n == 0 {
			return -1
		}
		return n
	}
	o := journal.Options{
		URL: c.URL, Credentials: c.Credentials, Replicas: c.Replicas,
		MaxAge: time.Duration(orNone(int64(c.MaxAge))), MaxBytes: orNone(int64(c.MaxBytes)),
		EvidenceMaxBytes: orNone(int64(c.EvidenceMaxBytes)), MinFree: orNone(int64(c.MinFree)),
		Logger: s.log,
	}
	if c.URL == "" {
		o.Dir = s.state.path("journal")
	}
	return o
}

func (s *Server) makeGRPC() error {
	options, err := s.access.ServerOptions()
	if err != nil {
		return err
	}
	s.grpc = grpc.NewServer(options...)
	s.health = health.NewServer()
	healthv1.RegisterHealthServer(s.grpc, s.health)
	if s.loaded.GRPC.Reflection {
		reflection.Register(s.grpc)
	}
	s.access.Count(s.grpc)
	return nil
}

func (s *Server) listen(ctx context.Context) (err error) {
	var lc net.ListenConfig
	if s.rpcs, err = lc.Listen(ctx, "tcp", s.loaded.GRPC.Address); err != nil {
		return fmt.Errorf("listen for the API (grpc.address): %w", err)
	}
	s.rpcs = netutil.LimitListener(s.rpcs, s.loaded.GRPC.MaxConnections)
	if s.loaded.HTTP.Address == "" {
		return nil
	}
	if s.pages, err = lc.Listen(ctx, "tcp", s.loaded.HTTP.Address); err != nil {
		return fmt.Errorf("listen for HTTP (http.address): %w", err)
	}
	s.pages = netutil.LimitListener(s.pages, maxPageConnections)
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

// Run serves until ctx ends or something fails, then ends all in order. The error
// is what failed, or was cut off at the end.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 2)
	go func() { failed <- s.grpc.Serve(s.rpcs) }()
	serving := 1
	if s.pages != nil {
		serving++
		go func() { failed <- s.servePages() }()
	}
	s.health.SetServingStatus("", healthv1.HealthCheckResponse_SERVING)
	s.log.Info("serving", "version", s.options.Version, "api", s.Address(), "http", s.HTTPAddress(),
		"device", s.engine.Device(), "no_gpu", s.engine.Fallback(), "state", filepath.Clean(s.loaded.State.Dir))
	var err error
	select {
	case <-ctx.Done():
		s.log.Info("ending: a second interrupt ends at once", "within", s.loaded.Shutdown.Timeout)
	case err = <-failed:
		serving--
		s.log.Error("ending: a listener has failed", "error", err)
	}
	err = errors.Join(err, s.end())
	for range serving {
		if e := <-failed; e != nil && !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}
