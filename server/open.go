package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/streamvet/streamvet/engine"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/access"
	"github.com/streamvet/streamvet/server/api"
	"github.com/streamvet/streamvet/server/config"
	"github.com/streamvet/streamvet/server/journal"
	"github.com/streamvet/streamvet/server/metrics"
	"github.com/streamvet/streamvet/server/reach"
	"github.com/streamvet/streamvet/server/registry"
	"github.com/streamvet/streamvet/server/traces"
)

// open makes what costs time, each on what was made before it.
func (s *Server) open(ctx context.Context) (err error) {
	c := s.config.Load()
	if c.Trace.Endpoint != "" {
		if s.tracer, err = traces.New(ctx, c.Trace, s.options.Version, s.log); err != nil {
			return err
		}
	}
	if s.engine, err = s.openEngine(c); err != nil {
		return err
	}
	o, err := s.journalOptions(c.Journal)
	if err != nil {
		return err
	}
	if s.journal, err = journal.Open(ctx, o); err != nil {
		return err
	}
	policy, err := reach.New(reach.Options{
		Roots: c.Reach.Roots, Allow: prefixes(c.Reach.Allow), Deny: prefixes(c.Reach.Deny),
		CAFile: c.Reach.CA, UnverifiedTLS: c.Reach.UnverifiedTLS,
	})
	if err != nil {
		return err
	}
	timed := metrics.Timed(s.journal)
	kept := registry.Journal(timed)
	if s.tracer != nil {
		kept = s.tracer.Journal(kept)
	}
	s.sources, err = registry.Open(registry.Options{
		Engine: s.engine, Journal: kept, Dir: s.state.path("sources"), Reach: policy, MaxSources: c.Limits.Sources, Logger: s.log,
	})
	if err != nil {
		return err
	}
	if err := s.makeGRPC(c, policy); err != nil {
		return err
	}
	s.metrics = metrics.Register(s.registry, metrics.Options{
		Engine: s.engine, Journal: timed, Sources: s.sources, Followers: s.services.Followers,
		Config: c.Config, Version: s.options.Version,
	})
	s.declare(c)
	return nil
}

func (s *Server) openEngine(c *config.Loaded) (*engine.Engine, error) {
	detectors, err := chooseDetectors(c.Detectors, s.log)
	if err != nil {
		return nil, err
	}
	library := c.Engine.ORTLibrary
	if library == "" {
		library = s.options.ORTLibrary
	}
	e := c.Engine
	var tracer engine.Tracer
	if s.tracer != nil {
		tracer = s.tracer
	}
	return engine.Open(engine.Config{
		Detectors: detectors, Device: e.Device, Provider: e.Provider, FullPrecision: e.FullPrecision,
		EngineCache: s.state.path("tensorrt"), ORTLibrary: library,
		DecoderThreads: e.DecoderThreads, InferenceThreads: e.InferenceThreads,
		Limits: engine.Limits{DecoderShare: e.DecoderShare, MemoryReserve: int64(e.MemoryReserve), Latency: e.MaxLatency},
		Tracer: tracer, Logger: s.log,
	})
}

func (s *Server) journalOptions(c config.Journal) (journal.Options, error) {
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
	if c.CA == "" {
		return o, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return o, fmt.Errorf("read journal.ca: %w", err)
	}
	o.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	if !o.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return o, fmt.Errorf("journal.ca: %s holds no certificate in PEM", c.CA)
	}
	return o, nil
}

func (s *Server) makeGRPC(c *config.Loaded, policy *reach.Policy) error {
	options, err := s.access.ServerOptions()
	if err != nil {
		return err
	}
	s.grpc = grpc.NewServer(options...)
	s.health = health.NewServer()
	s.health.SetServingStatus("", healthv1.HealthCheckResponse_NOT_SERVING)
	healthv1.RegisterHealthServer(s.grpc, s.health)
	s.services = api.Register(s.grpc, api.Options{
		Engine: s.engine, Journal: s.journal, Registry: s.sources, Reach: policy,
		Detectors: c.Detectors.Dir, Keep: s.wants, Version: s.options.Version, Role: role, Logger: s.log,
		Limits: api.Limits{
			Followers: c.Limits.Followers, Watchers: c.Limits.Watchers, Vets: c.Limits.Vets,
			UploadBytes: uint64(c.Limits.UploadBytes), IndexLastBytes: uint64(c.Limits.IndexLast), LiveVet: c.Limits.LiveVet,
		},
	})
	if c.GRPC.Reflection {
		reflection.Register(s.grpc)
	}
	s.access.Count(s.grpc)
	return nil
}

// role is what the caller of a call may do.
func role(ctx context.Context) streamvetv1.Role {
	caller, _ := access.FromContext(ctx)
	return caller.Role
}

// declare hands over the sources of the configuration file. What is wrong with one
// is told, and the others run.
func (s *Server) declare(c *config.Loaded) {
	if err := s.sources.Declare(c.Sources); err != nil {
		s.log.Error("sources of the configuration file are not as it says", "file", c.File, "error", err)
	}
}

// prefixes parses networks that were checked.
func prefixes(texts []string) (all []netip.Prefix) {
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, p.Masked())
		}
	}
	return all
}
