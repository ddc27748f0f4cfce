package registry

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Declare makes the sources of the configuration file those of file: it adds what
// is new, changes what differs, and removes what is not declared any more. What
// is wrong with one is told, and does not keep the others from being taken up.
func (r *Registry) Declare(file []*streamvetv1.SourceConfig) error {
	r.declaring.Lock()
	defer r.declaring.Unlock()
	declared := map[string]bool{}
	var errs []error
	for _, c := range file {
		if declared[c.GetName()] {
			errs = append(errs, fmt.Errorf("source %s: the file declares it twice", c.GetName()))
			continue
		}
		declared[c.GetName()] = true
		if err := r.declare(c); err != nil {
			errs = append(errs, err)
		}
	}
	for _, name := range r.fromFile() {
		if !declared[name] {
			errs = append(errs, r.remove(context.Background(), name, true))
		}
	}
	return errors.Join(errs...)
}

func (r *Registry) declare(c *streamvetv1.SourceConfig) error {
	e, err := r.get(c.GetName())
	if errors.Is(err, ErrUnknown) {
		_, err := r.add(c, true)
		return err
	}
	e.mu.Lock()
	was := e.record
	e.mu.Unlock()
	switch {
	case !was.FromFile:
		return fmt.Errorf("source %s: it was added over the API: remove it there, or give the one in the file another name", c.GetName())
	case proto.Equal(was.Config, c):
		return nil
	}
	_, err = r.update(c, nil, 0, true)
	return err
}

// fromFile names the sources that the file has declared.
func (r *Registry) fromFile() (names []string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, e := range r.sorted() {
		e.mu.Lock()
		if e.record.FromFile {
			names = append(names, e.name)
		}
		e.mu.Unlock()
	}
	return names
}
