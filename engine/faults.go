package engine

import (
	"errors"
	"fmt"
	"sync"
)

// faults collects what went wrong beside the tracks of a source: detectors that
// stopped to give scores while the others went on. One of each detector is kept.
type faults struct {
	mu   sync.Mutex
	kept map[string]error
}

// fault notes that a detector could not score a picture. The source goes on, and
// its end is an error: a clean bill would not be one.
func (s *Source) fault(detector string, err error) {
	f := &s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept[detector] != nil {
		return
	}
	if f.kept == nil {
		f.kept = map[string]error{}
	}
	f.kept[detector] = fmt.Errorf("detector %s has failed: %w", detector, err)
	s.log.Error("a detector has failed; the others go on", "detector", detector, "error", err)
}

func (f *faults) all() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, err := range f.kept {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
