package infer

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// tryBatches tries out what may be run: on a GPU always all rows.
func (b *Binding) tryBatches() error {
	tries := []int{1, b.maxBatch}[:min(2, b.maxBatch)]
	if b.session.on != CPU {
		tries = []int{b.maxBatch}
	}
	for _, n := range tries {
		if err := b.tryOut(n); err != nil {
			return err
		}
	}
	return nil
}

// tryOut runs n rows with outputs that ONNX Runtime allocates, and holds their
// shapes to what a network may give.
func (b *Binding) tryOut(n int) error {
	var c C.infer_binding
	if err := b.make(n, graphNever, &c); err != nil {
		return err
	}
	defer C.infer_unbind(&c)
	err := b.run(&c)
	if err == nil {
		err = b.session.sync()
	}
	if err != nil {
		return fmt.Errorf("a trial run of %d rows of %v: %w", n, b.in.Shape(), err)
	}
	for i := range b.scores {
		score, err := b.output(&c, i)
		if err != nil {
			return err
		}
		if err := b.takeScoreShape(i, score, n); err != nil {
			return err
		}
	}
	if b.session.spec.Map == "" {
		return nil
	}
	cells, err := b.output(&c, len(b.scores))
	if err != nil {
		return err
	}
	return b.takeMapShape(cells, n)
}

// output describes output i of a run, which must lie where the network runs.
func (b *Binding) output(c *C.infer_binding, i int) (port, error) {
	var p C.infer_port
	if err := failure(C.infer_output(c, C.size_t(i), &p)); err != nil {
		return port{}, err
	}
	if int(p.gpu) != b.session.gpu {
		return port{}, fmt.Errorf("output %d lies on %s, the network runs on %s", i, gpuName(int(p.gpu)), gpuName(b.session.gpu))
	}
	return portOf(&p), nil
}

func gpuName(gpu int) string {
	if gpu < 0 {
		return "the CPU"
	}
	return fmt.Sprintf("GPU %d", gpu)
}

// maxSteps bounds the scores of a row: one a sample of the longest window.
const maxSteps = 1 << 24

func (b *Binding) takeScoreShape(i int, got port, n int) error {
	spec, s := &b.session.spec, &b.scores[i]
	name, field := spec.Scores[i].Name, spec.Scores[i].field()
	steps := 1
	if got.rank == 2 {
		steps = int(got.dims[1])
	}
	most := 1
	if spec.Samples > 0 {
		most = min(spec.Samples, maxSteps)
	}
	if got.typ != typeF32 || got.rank < 1 || got.rank > 2 || got.dims[0] != int64(n) || steps < 1 || steps > most {
		return fmt.Errorf("%s: output %q of %d rows is %v, it must be %s with N = %d and T in 1..%d", field, name, n, got, spec.shapes(), n, most)
	}
	if s.steps > 0 && steps != s.steps {
		return fmt.Errorf("%s: output %q of one row has %d steps, of %d rows %d; it must not depend on the batch", field, name, s.steps, n, steps)
	}
	s.rank, s.steps = got.rank, steps
	return nil
}

// maxCells bounds one row's map: a cell a pixel of a 16k picture.
const maxCells = 16384 * 16384

func (b *Binding) takeMapShape(got port, n int) error {
	name := b.session.spec.Map
	if got.typ != typeF32 || got.rank != 4 || got.dims[0] != int64(n) || got.dims[1] != 1 ||
		got.dims[2] < 1 || got.dims[3] < 1 || got.dims[2] > maxCells/got.dims[3] {
		return fmt.Errorf("network.map: output %q of %d rows is %v, it must be f32[%d,1,h,w]", name, n, got, n)
	}
	h, w := int(got.dims[2]), int(got.dims[3])
	if b.mapH > 0 && (h != b.mapH || w != b.mapW) {
		return fmt.Errorf("network.map: output %q of one row is %dx%d, of %d rows %dx%d; it must not depend on the batch", name, b.mapW, b.mapH, n, w, h)
	}
	b.mapH, b.mapW = h, w
	return nil
}

// prepare makes what runs n rows.
func (b *Binding) prepare(n int) error {
	c := (*C.infer_binding)(C.calloc(1, C.sizeof_infer_binding))
	if c == nil {
		return fmt.Errorf("no memory")
	}
	graph := int64(graphNever)
	if b.graphs() {
		graph = b.session.graphs.Add(1) // a replay looks at nothing but this number
	}
	if err := b.make(n, graph, c); err != nil {
		C.free(unsafe.Pointer(c))
		return err
	}
	b.sizes[n-1] = c
	return nil
}

// graphNever is for runs that are not to be captured.
const graphNever = -1

// make binds the first n rows; outputs have memory once they are open.
func (b *Binding) make(n int, graph int64, c *C.infer_binding) error {
	return b.program.thread.do(func() error {
		if err := b.bindPorts(n, c); err != nil || b.session.on == CPU {
			return err
		}
		if !b.graphs() {
			graph = 0
		}
		err := failure(C.infer_queue(c, C.int64_t(graph)))
		if err != nil {
			C.infer_unbind(c)
		}
		return err
	})
}

func (b *Binding) bindPorts(n int, c *C.infer_binding) error {
	sp, shape := &b.session.spec, b.shape
	in := C.infer_port{name: C.CString(sp.Input), data: b.in.Ptr(), _type: C.int(elementType(sp.Type)), rank: 4}
	in.dims = [C.INFER_MAX_RANK]C.int64_t{C.int64_t(n), C.int64_t(shape.C), C.int64_t(shape.H), C.int64_t(shape.W)}
	if sp.Samples > 0 {
		in.rank, in.dims[2] = 3, C.int64_t(sp.Samples)
	}
	in.bytes = C.size_t(n * shape.C * shape.H * shape.W * sp.Type.Bytes())
	defer C.free(unsafe.Pointer(in.name))

	var outs [C.INFER_MAX_OUTPUTS]C.infer_port
	used := len(b.scores)
	for i := range b.scores {
		s := &b.scores[i]
		outs[i] = C.infer_port{name: C.CString(sp.Scores[i].Name), data: s.address(),
			bytes: C.size_t(4 * n * s.steps), _type: typeF32, rank: C.size_t(s.rank)}
		outs[i].dims = [C.INFER_MAX_RANK]C.int64_t{C.int64_t(n), C.int64_t(s.steps)}
	}
	if sp.Map != "" {
		cells := &outs[used]
		*cells = C.infer_port{name: C.CString(sp.Map), data: b.cells.address(),
			bytes: C.size_t(4 * n * b.mapH * b.mapW), _type: typeF32, rank: 4}
		cells.dims = [C.INFER_MAX_RANK]C.int64_t{C.int64_t(n), 1, C.int64_t(b.mapH), C.int64_t(b.mapW)}
		used++
	}
	defer func() {
		for i := range used {
			C.free(unsafe.Pointer(outs[i].name))
		}
	}()
	return failure(C.infer_bind(handle(b.program.ort), C.int(b.session.gpu), &in, &outs[0], C.size_t(used), c))
}
