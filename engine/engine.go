package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
)

// ErrClosed is returned by Add after Close.
var ErrClosed = errors.New("engine: closed")

// Engine runs detectors on any number of sources at once. Its methods may be
// called from any goroutine.
type Engine struct {
	config   Config
	device   device.Device
	ordinal  int    // of the GPU
	fallback string // why it is not the GPU that "auto" hoped for
	library  *infer.Library

	networks     []*network
	pictureForms []measure.Detector
	soundForms   []measure.Detector
	bitForms     []measure.Detector
	// What the scores of a track may be about, by what it carries.
	pictureOutputs, soundOutputs, bitOutputs []verdict.Output

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
	stops   map[*Source]context.CancelFunc
}

// Open makes an engine. Detectors, models and the device are checked here: what
// is wrong with them is told before the first source.
func Open(c Config) (*Engine, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	backends, err := parseDevice(c.Device)
	fallback := ""
	for _, b := range backends {
		var e *Engine
		if e, err = openOn(c, b); err == nil {
			e.fallback = fallback
			c.Logger.Debug("engine open", "device", e.device.Name(), "no_gpu", fallback, "detectors", len(c.Detectors))
			return e, nil
		}
		fallback = err.Error()
	}
	return nil, fmt.Errorf("open engine: %w", err)
}

// openOn makes the engine on one device.
func openOn(c Config, b backend) (_ *Engine, err error) {
	e := &Engine{config: c, ordinal: b.ordinal, stops: map[*Source]context.CancelFunc{}}
	defer func() {
		if err != nil {
			e.free()
		}
	}()
	if e.device, err = b.open(c.Logger); err != nil {
		return nil, err
	}
	return e, e.sortDetectors()
}

// sortDetectors gives each detector to the room that runs it and tries them out.
func (e *Engine) sortDetectors() error {
	for _, d := range e.config.Detectors {
		var defects []verdict.Defect
		var outputs []verdict.Output
		for _, o := range d.Outputs {
			defects = append(defects, o.Defect)
			outputs = append(outputs, verdict.Output{Detector: d.Name, Defect: o.Defect, Rule: o.Rule.Verdict()})
		}
		form := measure.Detector{Name: d.Name, Measure: d.Measure, Params: d.Params, Defects: defects}
		switch {
		case d.Network != nil:
			if err := e.addNetwork(d); err != nil {
				return err
			}
			e.pictureOutputs = append(e.pictureOutputs, outputs...)
		case d.Input == "picture":
			e.pictureForms = append(e.pictureForms, form)
			e.pictureOutputs = append(e.pictureOutputs, outputs...)
		case d.Input == "sound":
			e.soundForms = append(e.soundForms, form)
			e.soundOutputs = append(e.soundOutputs, outputs...)
		case d.Input == "bitstream":
			e.bitForms = append(e.bitForms, form)
			e.bitOutputs = append(e.bitOutputs, outputs...)
		default:
			return fmt.Errorf("detector %s: input %q is none of picture, sound, bitstream", d.Name, d.Input)
		}
	}
	return e.tryForms()
}

// tryForms makes every closed form once, so that a wrong name or parameter is
// told now.
func (e *Engine) tryForms() error {
	_, pictures := measure.NewPicture(e.pictureForms)
	_, sounds := sound.New(e.soundForms, 48000, 2)
	_, bits := measure.NewBitstream(e.bitForms)
	return errors.Join(pictures, sounds, bits)
}

// Device tells people what the engine runs on.
func (e *Engine) Device() string { return e.device.Name() }

// Fallback tells why the engine runs on the CPU though "auto" was asked for; ""
// where it runs on a GPU, or the CPU was asked for.
func (e *Engine) Fallback() string { return e.fallback }

// Copies is what crossed the bus between the host and the GPU so far, by
// direction and purpose; all zero on the CPU.
func (e *Engine) Copies() device.Copies { return e.device.Copies() }

// Add opens a source and starts to vet it. It returns once the container is
// understood; ctx ends the source early. An input that cannot be opened is an
// error and leaves nothing behind.
func (e *Engine) Add(ctx context.Context, c SourceConfig) (*Source, error) {
	if c.Name == "" {
		c.Name = media.WithoutPassword(c.URL)
	}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, ErrClosed
	}
	e.running.Add(1)
	e.mu.Unlock()
	s, err := e.open(ctx, c)
	if err != nil {
		e.running.Done()
		return nil, err
	}
	return s, nil
}

func (e *Engine) open(ctx context.Context, c SourceConfig) (*Source, error) {
	queue, err := e.device.NewStream()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	m, err := media.Open(ctx, c.URL, media.Options{
		Logger: e.config.Logger, Threads: e.config.DecoderThreads,
		StallTimeout: c.StallTimeout, Loudness: e.needsLoudness(),
	})
	if err != nil {
		cancel()
		return nil, errors.Join(err, queue.Close())
	}
	s := &Source{
		engine: e, name: c.Name, log: e.config.Logger.With("source", c.Name), media: m, queue: queue,
		judge: newJudge(c.Sink, newScribe(e.config.Detectors)),
		stop:  cancel, done: make(chan struct{}), started: time.Now(),
	}
	if err := s.prepare(); err != nil {
		cancel()
		return nil, fmt.Errorf("%s: %w", c.Name, errors.Join(err, m.Close(), queue.Close()))
	}
	e.mu.Lock()
	e.stops[s] = cancel
	closed := e.closed
	e.mu.Unlock()
	if closed {
		cancel()
	}
	go func() {
		defer e.running.Done()
		s.run(ctx)
		cancel()
		e.mu.Lock()
		delete(e.stops, s)
		e.mu.Unlock()
		close(s.done)
	}()
	return s, nil
}

// needsLoudness tells whether a detector reads EBU R128.
func (e *Engine) needsLoudness() bool {
	for _, f := range e.soundForms {
		if f.Measure == "loudness" || f.Measure == "true_peak" {
			return true
		}
	}
	return false
}

// Close stops every source, waits for them, and frees everything. It is idempotent.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	for _, stop := range e.stops {
		stop()
	}
	e.mu.Unlock()
	e.running.Wait()
	return e.free()
}

func (e *Engine) free() error {
	var errs []error
	for _, n := range e.networks {
		errs = append(errs, n.close())
	}
	if e.library != nil {
		errs = append(errs, e.library.Close())
	}
	if e.device != nil {
		errs = append(errs, e.device.Close())
	}
	return errors.Join(errs...)
}
