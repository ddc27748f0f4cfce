package engine

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
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

// drops counts the pictures and windows of sound that detectors should have been given
// and had no time for, by detector.
type drops struct {
	total  atomic.Int64
	mu     sync.Mutex
	counts map[string]int64
}

func (d *drops) count(detector string) {
	d.total.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts == nil {
		d.counts = map[string]int64{}
	}
	d.counts[detector]++
}

func (d *drops) all() map[string]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.counts)
}
