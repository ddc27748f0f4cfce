package server

import (
	"context"
	"slices"
	"strings"

	"github.com/streamvet/streamvet/server/config"
)

// reload reads the files again that have changed: keys and tokens, and the
// configuration. What is wrong is told once, and what was in force stays.
func (s *Server) reload(ctx context.Context) {
	if err := s.access.Reload(); err != nil {
		s.complain("keys and tokens stay as they were", err)
	} else {
		s.complaint = ""
	}
	old := s.config.Load()
	now := config.Fingerprint(old.File)
	if now == s.seen {
		return
	}
	s.seen = now
	next, err := old.Reload()
	if err != nil {
		s.log.Error("the configuration stays as it was", "error", err)
		return
	}
	s.apply(ctx, old, next)
}

// complain logs a fault that stays, once.
func (s *Server) complain(what string, err error) {
	if err.Error() != s.complaint {
		s.log.Error(what, "error", err)
		s.complaint = err.Error()
	}
}

// apply takes up what can be while the server runs.
func (s *Server) apply(ctx context.Context, old, next *config.Loaded) {
	change := old.Until(next)
	s.config.Store(next)
	for _, name := range change.Restart {
		s.log.Warn("a changed setting needs a restart", "setting", name, "origin", next.Origin(name))
	}
	for _, name := range change.Live {
		s.log.Info("a changed setting is taken up", "setting", name, "origin", next.Origin(name))
	}
	if s.options.Level != nil {
		_ = s.options.Level.UnmarshalText([]byte(next.Log.Level)) // one of the words that are allowed
	}
	if slices.ContainsFunc(change.Live, func(name string) bool { return strings.HasPrefix(name, "detectors.") }) {
		s.changeDetectors(ctx, old, next)
	}
	if change.Sources {
		s.declare(next)
	}
}

// changeDetectors puts those in force that the configuration wants now. If that
// cannot be, those that run stay.
func (s *Server) changeDetectors(ctx context.Context, old, next *config.Loaded) {
	_, err := chooseDetectors(next.Detectors, s.log)
	if err == nil {
		_, err = s.services.ReloadDetectors(ctx)
	}
	if err != nil {
		s.log.Error("the detectors stay as they were", "error", err)
		kept := *next
		kept.Detectors = old.Detectors
		s.config.Store(&kept)
	}
}
