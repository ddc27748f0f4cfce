package infer

/*
#cgo noescape infer_run
#cgo nocallback infer_run
#include <stdlib.h>
#include <string.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// Binding is a session bound to one tensor and to output memory of its own. It
// belongs to one goroutine at a time, as the tensor does.
type Binding struct {
	session  *Session
	in       device.Tensor
	maxBatch int
	mapH     int
	mapW     int

	// mu holds Close back while a run goes on; it is not contended otherwise.
	mu     sync.Mutex
	closed bool
	// sizes[n-1] runs batch size n; made when that size comes first.
	sizes []*C.infer_binding
	// scores and cells are C memory for maxBatch rows.
	scores, cells []float32
	scoreRank     int
	n             int // rows of the last run
}

// Bind prepares s to run on the first rows of in, up to maxBatch. It runs the
// network on what lies in the tensor, with one row and with maxBatch, to learn
// the shape of the map and that batches work. The tensor must stay open until
// the binding is closed; its memory must not be the Go heap's.
func (s *Session) Bind(in device.Tensor, maxBatch int) (*Binding, error) {
	b, err := s.bind(in, maxBatch)
	if err != nil {
		return nil, fmt.Errorf("bind the network of detector %q: %w", s.spec.Name, err)
	}
	return b, nil
}

func (s *Session) bind(in device.Tensor, maxBatch int) (*Binding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if err := s.fits(in, maxBatch); err != nil {
		return nil, err
	}
	b := &Binding{session: s, in: in, maxBatch: maxBatch, sizes: make([]*C.infer_binding, maxBatch)}
	for _, n := range []int{1, maxBatch}[:min(2, maxBatch)] {
		if err := b.tryOut(n); err != nil {
			return nil, err
		}
	}
	b.scores = allocate(maxBatch)
	b.cells = allocate(maxBatch * b.mapH * b.mapW)
	if b.scores == nil || b.cells == nil && b.mapH*b.mapW > 0 {
		b.free()
		return nil, fmt.Errorf("no memory for the outputs of %d rows", maxBatch)
	}
	s.bindings[b] = struct{}{}
	return b, nil
}

// fits tells why the network cannot read maxBatch rows of the tensor, or nil.
func (s *Session) fits(in device.Tensor, maxBatch int) error {
	sp, shape := &s.spec, in.Shape()
	switch {
	case in.Mem() != frame.MemHost:
		return fmt.Errorf("the tensor lies on a device, the session runs on the CPU")
	case in.Ptr() == nil:
		return fmt.Errorf("the tensor has no memory; is it closed?")
	case maxBatch < 1 || maxBatch > shape.N:
		return fmt.Errorf("a batch of %d is not in 1..%d, the rows of the tensor", maxBatch, shape.N)
	case in.DType() != sp.Type:
		return fmt.Errorf("the tensor is %v, the network takes %v", in.DType(), sp.Type)
	case shape.C != sp.Channels:
		return fmt.Errorf("the tensor has %d channels, the network takes %d", shape.C, sp.Channels)
	case shape.H < 1 || shape.W < 1 || sp.Height > 0 && shape.H != sp.Height || sp.Width > 0 && shape.W != sp.Width:
		return fmt.Errorf("the tensor is %dx%d, the network takes %dx%d", shape.W, shape.H, sp.Width, sp.Height)
	}
	return nil
}

func (b *Binding) run(c *C.infer_binding) error {
	return failure(C.infer_run(handle(b.session.ort), c))
}

// Run runs the network on the first n rows of the tensor; Score and Map then
// give what it found. The first run of each n allocates, later ones do not.
func (b *Binding) Run(n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n = 0
	if b.closed {
		return ErrClosed
	}
	if n < 1 || n > b.maxBatch {
		return fmt.Errorf("run detector %q: %d rows are not in 1..%d", b.session.spec.Name, n, b.maxBatch)
	}
	if b.sizes[n-1] == nil {
		if err := b.prepare(n); err != nil {
			return fmt.Errorf("run detector %q: prepare batches of %d: %w", b.session.spec.Name, n, err)
		}
	}
	if err := b.run(b.sizes[n-1]); err != nil {
		return fmt.Errorf("run detector %q on %d rows: %w", b.session.spec.Name, n, err)
	}
	b.n = n
	if bad := settle(b.scores[:n]) + settle(b.cells[:n*b.mapH*b.mapW]); bad > 0 {
		b.session.badValues.Add(int64(bad))
	}
	return nil
}

func (b *Binding) prepare(n int) error {
	c := (*C.infer_binding)(C.calloc(1, C.sizeof_infer_binding))
	if c == nil {
		return fmt.Errorf("no memory")
	}
	if err := b.make(n, c); err != nil {
		C.free(unsafe.Pointer(c))
		return err
	}
	b.sizes[n-1] = c
	return nil
}

// settle makes every value one in 0..1 and counts those that were not: what is
// no finite number becomes 0 (it says nothing), the rest the nearer end.
func settle(values []float32) (bad int) {
	for i, v := range values {
		if v >= 0 && v <= 1 {
			continue
		}
		bad++
		values[i] = 0
		if v > 1 && v-v == 0 {
			values[i] = 1
		}
	}
	return bad
}

// Score is the score of row i of the last run, 0..1.
func (b *Binding) Score(i int) float32 { return b.scores[:b.n][i] }

// Map is where in the picture of row i of the last run: h rows of w values,
// 0..1. It is C memory that the next Run overwrites and Close frees. Without a
// map it is nil, 0, 0.
func (b *Binding) Map(i int) (cells []float32, h, w int) {
	if b.mapH == 0 {
		return nil, 0, 0
	}
	size := b.mapH * b.mapW
	return b.cells[: b.n*size : b.n*size][i*size : (i+1)*size], b.mapH, b.mapW
}

// Close frees the output memory, after a run that goes on. It is idempotent.
func (b *Binding) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	b.free()
	b.session.mu.Lock()
	delete(b.session.bindings, b)
	b.session.mu.Unlock()
	return nil
}

func (b *Binding) free() {
	for _, c := range b.sizes {
		if c != nil {
			C.infer_unbind(c)
			C.free(unsafe.Pointer(c))
		}
	}
	C.free(unsafe.Pointer(unsafe.SliceData(b.scores)))
	C.free(unsafe.Pointer(unsafe.SliceData(b.cells)))
	b.sizes, b.scores, b.cells, b.n = nil, nil, nil, 0
}

// allocate gives n zeroed values of C memory, nil for none.
func allocate(n int) []float32 {
	if n == 0 {
		return nil
	}
	p := C.calloc(C.size_t(n), 4)
	if p == nil {
		return nil
	}
	return unsafe.Slice((*float32)(p), n)
}
