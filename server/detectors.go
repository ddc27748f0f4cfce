package server

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/streamvet/streamvet/models"
	"github.com/streamvet/streamvet/server/config"
)

// chooseDetectors reads the shipped detectors and those of the directory, and
// keeps the ones asked for.
func chooseDetectors(c config.Detectors, log *slog.Logger) ([]models.Detector, error) {
	set, err := models.Default()
	if err != nil {
		return nil, fmt.Errorf("the shipped detectors: %w", err)
	}
	if c.Dir != "" {
		more, err := models.LoadDir(c.Dir)
		var refused *models.RefusedError
		if errors.As(err, &refused) {
			log.Error("some detectors are left out", "error", err) // the others must not go blind for it
		} else if err != nil {
			return nil, fmt.Errorf("detectors.dir: %w", err)
		}
		set = set.With(more)
	}
	all, err := set.Choose(c.Only, c.Without)
	if err != nil {
		return nil, fmt.Errorf("detectors: %w", err)
	}
	return all, nil
}

// chosen says whether the configuration wants a detector.
func chosen(c config.Detectors, name string) bool {
	return (len(c.Only) == 0 || slices.Contains(c.Only, name)) && !slices.Contains(c.Without, name)
}

// wants says whether the configuration as it is now wants a detector.
func (s *Server) wants(name string) bool { return chosen(s.config.Load().Detectors, name) }
