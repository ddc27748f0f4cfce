package infer

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// Session is one network, ready to be bound. Its methods may be called from any
// goroutine, and its bindings may run at the same time.
type Session struct {
	library *Library
	at      Place
	spec    Spec // without ONNX
	ort     *ort.DynamicAdvancedSession

	badValues atomic.Int64

	mu       sync.Mutex
	bindings map[*Binding]struct{}
	closed   bool
}

// Place is where a network runs: on which device, and in which of its queues of
// work. Both must stay open until the session is closed.
type Place struct {
	Device device.Device
	Queue  device.Stream
}

// Load makes a session of the network in s.ONNX that runs at a place, after it was
// held against the rest of s. Errors name the detector, the field of the manifest,
// what the model has and what the manifest says.
func (l *Library) Load(s Spec, at Place) (*Session, error) {
	session, err := l.load(s, at)
	if err != nil {
		return nil, fmt.Errorf("load the network of detector %q: %w", s.Name, err)
	}
	return session, nil
}

func (l *Library) load(s Spec, at Place) (*Session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, ErrClosed
	case at.Device == nil || at.Queue == nil:
		return nil, errors.New("no place to run it is named: a device and a stream of it")
	case at.Device.Mem() != frame.MemHost:
		return nil, fmt.Errorf("networks do not run on %s yet", at.Device.Name())
	case len(s.ONNX) == 0:
		return nil, errors.New("network.file: the ONNX file is empty")
	case elementType(s.Type) == 0 || s.Channels <= 0 || s.Height < 0 || s.Width < 0 || s.Score == s.Map:
		return nil, fmt.Errorf("network: the description is incomplete: %d channels of %v, %dx%d, score %q, map %q",
			s.Channels, s.Type, s.Width, s.Height, s.Score, s.Map)
	}
	inner, err := l.session(s.ONNX)
	if err != nil {
		return nil, fmt.Errorf("network.file: it is not a network that ONNX Runtime %s can run: %w", l.version, err)
	}
	ins, err := ports(handle(inner), 0)
	var outs []port
	if err == nil {
		outs, err = ports(handle(inner), 1)
	}
	if err == nil {
		err = s.check(ins, outs)
	}
	if err != nil {
		return nil, errors.Join(err, inner.Destroy())
	}
	s.ONNX = nil
	session := &Session{library: l, at: at, spec: s, ort: inner, bindings: map[*Binding]struct{}{}}
	l.sessions[session] = struct{}{}
	return session, nil
}

// session parses the network and prepares it for the CPU.
func (l *Library) session(onnx []byte) (*ort.DynamicAdvancedSession, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer o.Destroy()
	err = errors.Join(
		o.SetIntraOpNumThreads(l.options.IntraOpThreads),
		o.SetInterOpNumThreads(1),
		o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		o.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
		// A network is one file, the one whose hash the manifest has. Weights in
		// files beside it would be looked for in the process's working directory.
		o.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", "/dev/null/external-weights-are-not-taken"))
	if err != nil {
		return nil, err
	}
	return ort.NewDynamicAdvancedSessionWithONNXData(onnx, nil, nil, o)
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
	return errors.Join(append(errs, s.ort.Destroy())...)
}
