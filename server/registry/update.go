package registry

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/streamvet/streamvet/engine"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// check refuses a configuration that could never work; secrets are in it.
func (r *Registry) check(c *streamvetv1.SourceConfig) error {
	if err := protovalidate.Validate(c); err != nil {
		return invalid(err)
	}
	if err := r.options.Reach.Check(reachable(c)); err != nil {
		return err
	}
	_, _, err := selectionOf(c.GetDetection(), r.options.Engine.Detectors())
	if errors.Is(err, engine.ErrSelection) && len(c.GetDetection().GetInclude()) == 0 {
		return fmt.Errorf("%w: detection: %w", ErrInvalid, err)
	}
	return nil
}

// reachable is the address that is judged: one of SRT that listens says so.
func reachable(c *streamvetv1.SourceConfig) string {
	mode := c.GetTransport().GetSrt().GetMode()
	if !strings.HasPrefix(strings.ToLower(c.GetUrl()), "srt://") || mode == streamvetv1.SrtMode_SRT_MODE_UNSPECIFIED {
		return c.GetUrl()
	}
	base, _, _ := strings.Cut(c.GetUrl(), "?")
	if mode == streamvetv1.SrtMode_SRT_MODE_LISTENER {
		return base + "?mode=listener"
	}
	return base
}

// invalid tells which fields are wrong, and not what is in them.
func invalid(err error) error {
	var v *protovalidate.ValidationError
	if !errors.As(err, &v) {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	var all []string
	for _, one := range v.Violations {
		all = append(all, protovalidate.FieldPathString(one.Proto.GetField())+": "+one.Proto.GetMessage())
	}
	return fmt.Errorf("%w: %s", ErrInvalid, strings.Join(all, "; "))
}

// Update changes the fields of a source that the mask names, all for an empty
// mask. revision, if it is not 0, must be the source's.
func (r *Registry) Update(c *streamvetv1.SourceConfig, mask *fieldmaskpb.FieldMask, revision uint64) (*streamvetv1.Source, error) {
	return r.update(c, mask, revision, false)
}

func (r *Registry) update(c *streamvetv1.SourceConfig, mask *fieldmaskpb.FieldMask, revision uint64, fromFile bool) (*streamvetv1.Source, error) {
	e, err := r.hold(c.GetName())
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", c.GetName(), err)
	}
	defer e.changing.Unlock()
	was := e.record
	if was.FromFile && !fromFile {
		return nil, fmt.Errorf("source %s: %w", e.name, ErrFromFile)
	}
	if revision != 0 && revision != was.Revision {
		return nil, fmt.Errorf("source %s: %w: it has revision %d, not %d: read it, and change that", e.name, ErrRevision, was.Revision, revision)
	}
	// Secrets that stay are restored, too: they must not come to another host.
	next, err := masked(redacted(was.Config), c, mask)
	if err == nil {
		next, err = restored(next, was.Config)
	}
	if err == nil {
		err = r.check(next)
	}
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", e.name, err)
	}
	if err := e.change(next); err != nil {
		return nil, fmt.Errorf("source %s: keep it: %w", e.name, err)
	}
	r.watch.changed(e.name)
	return e.source(), nil
}

// masked is was with the fields of the mask taken from c.
func masked(was, c *streamvetv1.SourceConfig, mask *fieldmaskpb.FieldMask) (*streamvetv1.SourceConfig, error) {
	if len(mask.GetPaths()) == 0 {
		return clone(c), nil
	}
	next := clone(was)
	for _, path := range mask.GetPaths() {
		if err := copyField(next.ProtoReflect(), c.ProtoReflect(), strings.Split(path, ".")); err != nil {
			return nil, fmt.Errorf("%w: update_mask: %q: %w", ErrInvalid, path, err)
		}
	}
	return next, nil
}

// copyField sets a field, or clears it where the other has none.
func copyField(to, from protoreflect.Message, path []string) error {
	field := to.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	switch {
	case field == nil:
		return fmt.Errorf("there is no field %q in %s", path[0], to.Descriptor().Name())
	case len(path) == 1 && from.Has(field):
		to.Set(field, from.Get(field))
	case len(path) == 1:
		to.Clear(field)
	case field.Message() == nil || field.IsList() || field.IsMap():
		return fmt.Errorf("%s has no fields of its own", path[0])
	case !to.Has(field) && !from.Has(field):
		return checkPath(field.Message(), path[1:])
	default:
		return copyField(to.Mutable(field).Message(), from.Get(field).Message(), path[1:])
	}
	return nil
}

func checkPath(d protoreflect.MessageDescriptor, path []string) error {
	field := d.Fields().ByName(protoreflect.Name(path[0]))
	switch {
	case field == nil:
		return fmt.Errorf("there is no field %q in %s", path[0], d.Name())
	case len(path) == 1:
		return nil
	case field.Message() == nil || field.IsList() || field.IsMap():
		return fmt.Errorf("%s has no fields of its own", path[0])
	}
	return checkPath(field.Message(), path[1:])
}

// change makes another configuration the source's; changing is held.
func (e *entry) change(next *streamvetv1.SourceConfig) error {
	was := e.record
	same := proto.Equal(was.Config, next)
	if !same {
		record := was.with(next, time.Now())
		if err := e.registry.store.save(record); err != nil {
			return err
		}
		e.mu.Lock()
		e.record = record
		e.mu.Unlock()
		e.sink.relabel(next)
	}
	e.mu.Lock()
	state := e.life.state
	e.mu.Unlock()
	again := state == streamvetv1.SourceState_SOURCE_STATE_FAILED || state == streamvetv1.SourceState_SOURCE_STATE_ENDED && same
	if again || !between(was.Config, next) {
		e.stop()
		e.start()
		return nil
	}
	e.reselect()
	return nil
}

// over tells whether the source does nothing any more, though it is not paused.
func (e *entry) over() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.life.state == streamvetv1.SourceState_SOURCE_STATE_FAILED || e.life.state == streamvetv1.SourceState_SOURCE_STATE_ENDED
}

// between tells whether a source can go from one configuration to another between
// two pictures.
func between(a, b *streamvetv1.SourceConfig) bool {
	a, b = clone(a), clone(b)
	for _, c := range []*streamvetv1.SourceConfig{a, b} {
		c.Labels, c.Detection, c.DropPolicy = nil, nil, 0
	}
	return proto.Equal(a, b)
}

// reselect lets a source that runs take up what it is to be looked at by.
func (e *entry) reselect() {
	e.mu.Lock()
	source, config := e.life.source, e.record.Config
	e.mu.Unlock()
	selection, left, err := selectionOf(config.GetDetection(), e.registry.options.Engine.Detectors())
	if err == nil && source != nil {
		source.SetDrops(drops(config, source.Realtime()))
		err = source.Select(selection)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.life.left = left
	if err != nil { // the detectors that it has go on
		e.fault(err)
		e.life.reason = e.life.lastError
	}
	e.registry.watch.changed(e.name)
}

// waitsForDetectors tells whether the source failed since none that it asks for was loaded.
func (e *entry) waitsForDetectors() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.life.state == streamvetv1.SourceState_SOURCE_STATE_FAILED && e.life.unselected
}

// DetectorsChanged lets all sources take up the detectors in force.
func (r *Registry) DetectorsChanged() {
	r.mu.RLock()
	all := r.sorted()
	r.mu.RUnlock()
	for _, e := range all {
		e.changing.Lock()
		switch {
		case e.gone.Load() || r.life.Err() != nil:
		case e.waitsForDetectors():
			e.start()
		default:
			e.reselect()
		}
		e.changing.Unlock()
	}
}
