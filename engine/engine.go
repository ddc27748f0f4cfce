package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cpu"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/engine/media"
)

var (
	// ErrClosed is returned by Add after Close.
	ErrClosed = errors.New("engine: closed")
	// ErrLost is in the error of every source of an engine whose GPU is gone: only a
	// new process can get it back.
	ErrLost = device.ErrLost
)

// Engine runs detectors on any number of sources at once. Its methods may be
// called from any goroutine.
type Engine struct {
	config    Config
	device    device.Device
	host      device.Device // where networks hear sound: device itself, if that is the CPU
	ordinal   int           // of the GPU
	fallback  string        // why it is not the GPU that "auto" hoped for
	library   *infer.Library
	admission *admission
	tally     tally

	using  sync.Mutex // held by Use: one change at a time
	lineup *lineup    // guarded by mu

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
	if e.host = e.device; e.device.Mem() == frame.MemDevice {
		if e.host, err = cpu.Open(cpu.Options{}); err != nil {
			return nil, err
		}
	}
	e.admission = newAdmission(c.Limits, e.device, b.ordinal, c.Logger)
	return e, e.Use(c.Detectors)
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
	e.mu.Lock()
	l, err := e.lineup.choose(c.Selection)
	e.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	queue, err := e.device.NewStream()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	m, err := e.openMedia(ctx, &c, l, queue)
	if err != nil {
		cancel()
		return nil, errors.Join(err, queue.Close())
	}
	s := &Source{
		engine: e, name: c.Name, log: e.config.Logger.With("source", c.Name), media: m, queue: queue,
		judge: newJudge(c.Sink, c.Epoch, &e.tally), realtime: c.Realtime, paced: c.Paced, until: c.Until, selection: c.Selection,
		stop: cancel, done: make(chan struct{}), started: time.Now(),
	}
	s.clock.enter(&e.tally)
	s.lineup.Store(l)
	s.drop.Store(c.Drops || c.Realtime && !c.Waits)
	s.grant, err = e.admission.admit(s.video(), c.Realtime)
	if err == nil {
		if err = s.prepare(l); err != nil {
			s.grant.giveBack()
		}
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("%s: %w", c.Name, errors.Join(err, m.Close(), queue.Close()))
	}
	e.mu.Lock()
	e.stops[s] = cancel
	closed := e.closed
	s.pick(e.lineup) // another one may be in force by now
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

// openMedia opens the input, and finds out whether it is one that comes at its own pace.
func (e *Engine) openMedia(ctx context.Context, c *SourceConfig, l *lineup, queue device.Stream) (*media.Source, error) {
	o := media.Options{
		Logger: e.config.Logger, Threads: e.config.DecoderThreads, StallTimeout: c.StallTimeout, Loudness: l.needsLoudness(),
		Name: c.Address, Input: c.Input, Transport: c.Transport, Guard: c.Guard, TLS: c.TLS,
		CUDA: media.CUDA{Context: e.device.Context(), Stream: queue.Handle()},
	}
	if c.Decoder == media.Software {
		o.CUDA = media.CUDA{}
	}
	m, err := media.Open(ctx, c.URL, o)
	if err != nil {
		return nil, err
	}
	info := m.Info()
	if c.DetectLive && strings.Contains(info.Container, "hls") && info.Duration == 0 {
		c.Realtime = true
	}
	if v := m.Video(); c.Decoder == media.NVDEC && len(v) > 0 && v[0].Info.Decoder != media.NVDEC {
		why := v[0].Info.DecoderReason
		if why == "" {
			why = "the engine runs on " + e.Device()
		}
		return nil, errors.Join(fmt.Errorf("%s: NVDEC does not decode it (%s), and the source asks for nothing else: leave the choice to streamvet, or ask for software", c.Name, why), m.Close())
	}
	return m, nil
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
	if e.lineup != nil {
		for _, n := range e.lineup.networks {
			errs = append(errs, n.release())
		}
	}
	if e.library != nil {
		errs = append(errs, e.library.Close())
	}
	if e.admission != nil {
		errs = append(errs, e.admission.close())
	}
	if e.host != nil && e.host != e.device {
		errs = append(errs, e.host.Close())
	}
	if e.device != nil {
		errs = append(errs, e.device.Close())
	}
	return errors.Join(errs...)
}
