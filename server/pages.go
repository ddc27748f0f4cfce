package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
)

// What no client of HTTP may exceed.
const (
	maxPageConnections = 256
	pageHeaderTimeout  = 10 * time.Second
	pageTimeout        = 10 * time.Minute // a profile or trace may take long
	pageIdle           = 2 * time.Minute
)

func (s *Server) makePages() {
	s.http = &http.Server{
		Handler: s.routes(), TLSConfig: s.access.TLS(false, "h2", "http/1.1"),
		ReadHeaderTimeout: pageHeaderTimeout, ReadTimeout: pageHeaderTimeout, WriteTimeout: pageTimeout, IdleTimeout: pageIdle,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	metrics := promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
	if s.config.Load().Metrics.Auth {
		metrics = s.access.HTTP(streamvetv1.Role_ROLE_READ, metrics)
	}
	mux.Handle("GET /metrics", metrics)
	profiles := http.NewServeMux()
	profiles.HandleFunc("/debug/pprof/", pprof.Index)
	profiles.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	profiles.HandleFunc("/debug/pprof/profile", pprof.Profile)
	profiles.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	profiles.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.Handle("/debug/pprof/", s.access.HTTP(streamvetv1.Role_ROLE_OPERATE, profiles))
	return mux
}

// ready says whether it makes sense to send work here.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if why := s.trouble(); why != "" {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// trouble is why the server cannot do its work now; "" while it can.
func (s *Server) trouble() string {
	switch s.phase.Load() {
	case starting:
		return "the server starts"
	case ending:
		return "the server is about to end"
	}
	if j := s.journal.State(); j.Status != journal.OK {
		return fmt.Sprintf("the journal is %v: %s", j.Status, j.Reason)
	}
	if err := s.engine.Check(); err != nil {
		return fmt.Sprintf("the device does not answer: %v", err)
	}
	return ""
}

func (s *Server) servePages() error {
	if s.http.TLSConfig != nil {
		return s.http.ServeTLS(s.pages, "", "")
	}
	return s.http.Serve(s.pages)
}

func (s *Server) endPages(ctx context.Context) error {
	if s.http == nil {
		return nil
	}
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}
