package infer

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// Place is where a network runs: on which device, and in which of its queues of
// work. Both must stay open until the session is closed.
type Place struct {
	Device device.Device
	Queue  device.Stream
}

// Session is one network, ready to be bound. Its methods may be called from any
// goroutine, and its bindings may run at the same time.
type Session struct {
	library *Library
	at      Place
	on      Provider // that computes it
	gpu     int      // its number; -1 where the CPU computes
	spec    Spec     // ONNX only where programs are made of it later
	axes    []string // on a GPU the names of the input's dimensions, "" without one

	lost      atomic.Bool // the GPU
	badValues atomic.Int64
	graphs    atomic.Int64 // captured so far
	// capture keeps all else out of the queue while a graph is captured: it would
	// become a part of it.
	capture sync.RWMutex

	mu       sync.Mutex
	programs map[device.Shape]*program
	bindings map[*Binding]struct{}
	closed   bool
}

// Load makes a session of the network in s.ONNX that runs at a place, after it was
// held against the rest of s. Errors name the detector, the field of the manifest,
// what the model has and what the manifest says. The first one on a GPU loads the
// provider, which takes seconds.
func (l *Library) Load(s Spec, at Place) (*Session, error) {
	session, err := l.load(s, at)
	if err != nil {
		return nil, fmt.Errorf("load the network of detector %q: %w", s.Name, err)
	}
	return session, nil
}

func (l *Library) load(s Spec, at Place) (*Session, error) {
	switch {
	case l.isClosed():
		return nil, ErrClosed
	case at.Device == nil || at.Queue == nil:
		return nil, errors.New("no place to run it is named: a device and a stream of it")
	case len(s.ONNX) == 0:
		return nil, errors.New("network.file: the ONNX file is empty")
	case elementType(s.Type) == 0 || s.Channels <= 0 || s.Height < 0 || s.Width < 0 || s.Samples < 0 ||
		len(s.Scores) == 0 || len(s.Scores) > MaxScores || slices.ContainsFunc(s.Scores, func(o Score) bool { return o.Name == s.Map }):
		return nil, fmt.Errorf("network: the description is incomplete: %d channels of %v, %dx%d or %d samples, scores %v, map %q",
			s.Channels, s.Type, s.Width, s.Height, s.Samples, s.Scores, s.Map)
	}
	on, err := l.provider(at.Device)
	if err != nil {
		return nil, err
	}
	gpu := -1
	if on != CPU {
		if gpu, err = l.prepareGPU(on, at); err != nil {
			return nil, err
		}
	}
	return l.start(s, at, on, gpu)
}

// provider is the one that computes what lies on a device.
func (l *Library) provider(d device.Device) (Provider, error) {
	switch {
	case d.Mem() == frame.MemHost:
		return CPU, nil
	case l.options.Provider == CPU && !d.HostReads():
		return 0, fmt.Errorf("the provider cpu cannot read the memory of %s: choose the provider cuda or tensorrt, or the device cpu", d.Name())
	}
	return l.options.Provider, nil
}

// start makes a session and its first program.
func (l *Library) start(spec Spec, at Place, on Provider, gpu int) (*Session, error) {
	s := &Session{library: l, at: at, on: on, gpu: gpu, spec: spec, programs: map[device.Shape]*program{}, bindings: map[*Binding]struct{}{}}
	p, err := s.newProgram(anyShape)
	if err != nil {
		return nil, err
	}
	if err := p.thread.do(func() error { return s.inspect(p) }); err != nil {
		return nil, errors.Join(s.heed(err), s.end(p))
	}
	if on == CPU {
		s.programs[anyShape] = p
	} else if err := s.end(p); err != nil { // each shape gets its own
		return nil, err
	}
	s.spec.ONNX = nil
	s.spec.Scores = slices.Clone(spec.Scores)
	if on != CPU {
		s.spec.ONNX = slices.Clone(spec.ONNX)
	}
	l.mu.Lock()
	if !l.closed {
		l.sessions[s] = struct{}{}
		l.mu.Unlock()
		return s, nil
	}
	l.mu.Unlock()
	return nil, errors.Join(ErrClosed, s.Close())
}

// inspect holds what the network declares to its description.
func (s *Session) inspect(p *program) error {
	ins, err := ports(handle(p.ort), 0)
	if err != nil {
		return err
	}
	outs, err := ports(handle(p.ort), 1)
	if err != nil {
		return err
	}
	if err := s.spec.check(ins, outs); err != nil {
		return err
	}
	if s.on == CPU {
		return nil
	}
	if s.axes, err = axes(handle(p.ort), ins[0].rank); err != nil {
		return err
	}
	return s.tellOfCPU(p)
}

// axes names the dimensions of the first input.
func axes(s *C.OrtSession, rank int) ([]string, error) {
	names := make([]string, rank)
	for i := range names {
		var name *C.char
		err := failure(C.infer_axis(s, C.size_t(i), &name))
		names[i] = C.GoString(name)
		C.free(unsafe.Pointer(name))
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// ports lists the inputs (side 0) or outputs (side 1) of a session.
func ports(s *C.OrtSession, side C.int) ([]port, error) {
	var n C.size_t
	if err := failure(C.infer_count(s, side, &n)); err != nil {
		return nil, err
	}
	list := make([]port, 0, n)
	for i := range n {
		var p C.infer_port
		err := failure(C.infer_describe(s, side, i, &p))
		if err == nil {
			list = append(list, portOf(&p))
		}
		C.free(unsafe.Pointer(p.name))
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func portOf(p *C.infer_port) port {
	g := port{typ: int(p._type), rank: int(p.rank)}
	if p.name != nil {
		g.name = C.GoString(p.name)
	}
	for _, d := range p.dims[:min(p.rank, C.INFER_MAX_RANK)] {
		g.dims = append(g.dims, int64(d))
	}
	return g
}

// BadValues counts the scores and map cells so far that were no number in 0..1.
func (s *Session) BadValues() int64 { return s.badValues.Load() }

// Close closes the bindings that are still open, waiting for their runs, and
// frees the network. It is idempotent.
func (s *Session) Close() error {
	s.mu.Lock()
	closed, open := s.closed, make([]*Binding, 0, len(s.bindings))
	s.closed = true
	for b := range s.bindings {
		open = append(open, b)
	}
	s.mu.Unlock()
	if closed {
		return nil
	}
	var errs []error
	for _, b := range open {
		errs = append(errs, b.Close())
	}
	s.library.mu.Lock()
	delete(s.library.sessions, s)
	s.library.mu.Unlock()
	if s.on != CPU {
		errs = append(errs, s.sync())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for shape, p := range s.programs {
		if p.users == 0 { // else a Bind goes on, which ends it
			delete(s.programs, shape)
			errs = append(errs, s.end(p))
		}
	}
	return errors.Join(errs...)
}

// sync waits until all that was queued is done.
func (s *Session) sync() error { return s.heed(s.at.Queue.Sync()) }

// heed remembers that the GPU is lost, if that is what an error says.
func (s *Session) heed(err error) error {
	if errors.Is(err, device.ErrLost) {
		s.lost.Store(true)
	}
	return err
}
