package engine

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/models"
)

// Use puts a set of detectors in force, for sources that run and for those to
// come. Running sources take it up at their next picture or block of sound,
// without a gap: what both sets have goes on with what it knows. On an error the
// detectors in force stay.
//
// Shadows look at the same pictures as the detectors whose names they have, by
// the same choice of each source; what they find goes to the ShadowSink alone.
func (e *Engine) Use(detectors []models.Detector, shadows ...models.Detector) error {
	e.using.Lock()
	defer e.using.Unlock()
	if len(detectors) == 0 {
		return errors.New("no detectors to run")
	}
	var held []*network
	next, err := newLineup(e.fitting(slices.Concat(detectors, shade(shadows))), func(d models.Detector) (*network, error) {
		n, err := e.networkFor(d)
		if err == nil {
			held = append(held, n)
		}
		return n, err
	})
	if err == nil {
		err = next.tryForms()
	}
	if err == nil {
		held, err = e.putInForce(next)
	}
	for _, n := range held {
		err = errors.Join(err, n.release())
	}
	return err
}

// putInForce tells every source; what it returns is to be released.
func (e *Engine) putInForce(next *lineup) ([]*network, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return next.networks, ErrClosed
	}
	old := e.lineup
	e.lineup = next
	for s := range e.stops {
		s.pick(next)
	}
	if old == nil {
		return nil, nil
	}
	return old.networks, nil
}

// Detectors lists those in force, without shadows.
func (e *Engine) Detectors() []models.Detector {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(e.lineup.detectors), func(d models.Detector) bool { return isShadow(d.Name) })
}

// networkFor gives a network with a reference for the caller: the one that runs
// already, if it is the same, else a new one. The first opens ONNX Runtime.
func (e *Engine) networkFor(d models.Detector) (*network, error) {
	if e.lineup != nil {
		for _, n := range e.lineup.networks {
			if n.is(d) && n.retain() {
				return n, nil
			}
		}
	}
	if e.library == nil {
		lib, err := infer.Open(e.config.ORTLibrary, e.inferOptions())
		if err != nil {
			return nil, fmt.Errorf("detector %s is a network: %w", d.Name, err)
		}
		e.library = lib
	}
	at := e.device
	if d.Input == "sound" {
		at = e.host
	}
	return openNetwork(e.library, at, d, e.config.Logger)
}

// is tells whether a network gives the scores that a detector asks for, whatever its
// rules are.
func (n *network) is(d models.Detector) bool {
	return n.detector.Name == d.Name && n.detector.Version == d.Version && reflect.DeepEqual(n.detector.Network, d.Network) &&
		slices.EqualFunc(n.detector.Outputs, d.Outputs, func(a, b models.Output) bool {
			return a.Defect == b.Defect && a.Score == b.Score && reflect.DeepEqual(a.Fusion, b.Fusion) && reflect.DeepEqual(a.Change, b.Change)
		})
}

// fitting gives detectors with the variants of their networks that fit the
// device: those of half precision on a GPU. A CPU is no faster with them.
func (e *Engine) fitting(detectors []models.Detector) []models.Detector {
	if e.device.HostReads() || e.config.FullPrecision {
		return detectors
	}
	detectors = slices.Clone(detectors)
	for i := range detectors {
		if d := &detectors[i]; len(d.HalfONNX) > 0 {
			n := *d.Network
			n.File, n.SHA256 = n.Half.File, n.Half.SHA256
			d.Network, d.ONNX = &n, d.HalfONNX
		}
	}
	return detectors
}

// inferOptions say how networks run on the engine's device.
func (e *Engine) inferOptions() infer.Options {
	o := infer.Options{IntraOpThreads: e.config.InferenceThreads, Logger: e.config.Logger}
	if e.device.HostReads() { // the CPU, or the test double of a driver
		return o
	}
	o.Provider = infer.CUDA
	if e.config.Provider == "tensorrt" {
		o.Provider, o.EngineCache = infer.TensorRT, e.config.EngineCache
	}
	return o
}
