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

// tryOut runs n rows with outputs that ONNX Runtime allocates, and holds their
// shapes to what a network may give.
func (b *Binding) tryOut(n int) error {
	var c C.infer_binding
	if err := b.make(n, &c); err != nil {
		return err
	}
	defer C.infer_unbind(&c)
	if err := b.run(&c); err != nil {
		return fmt.Errorf("a trial run of %d rows of %v: %w", n, b.in.Shape(), err)
	}
	var score, cells C.infer_port
	if err := failure(C.infer_output(&c, 0, &score)); err != nil {
		return err
	}
	if got := portOf(&score); got.typ != typeF32 || elements(got) != n || got.rank < 1 || got.rank > 2 || got.dims[0] != int64(n) {
		return fmt.Errorf("network.score: output %q of %d rows is %v, it must be f32[%d] or f32[%d,1]", b.session.spec.Score, n, got, n, n)
	}
	b.scoreRank = int(score.rank)
	if b.session.spec.Map == "" {
		return nil
	}
	if err := failure(C.infer_output(&c, 1, &cells)); err != nil {
		return err
	}
	return b.takeMapShape(portOf(&cells), n)
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

func elements(p port) int {
	n := 1
	for _, d := range p.dims {
		n *= int(d)
	}
	return n
}

// make binds the first n rows; outputs have memory once they are open.
func (b *Binding) make(n int, c *C.infer_binding) error {
	sp, shape := &b.session.spec, b.in.Shape()
	in := C.infer_port{name: C.CString(sp.Input), data: b.in.Ptr(), _type: C.int(elementType(sp.Type)), rank: 4}
	in.dims = [C.INFER_MAX_RANK]C.int64_t{C.int64_t(n), C.int64_t(shape.C), C.int64_t(shape.H), C.int64_t(shape.W)}
	in.bytes = C.size_t(n * shape.C * shape.H * shape.W * b.in.DType().Bytes())
	defer C.free(unsafe.Pointer(in.name))

	var outs [C.INFER_MAX_OUTPUTS]C.infer_port
	score, cells := &outs[0], &outs[1]
	*score = C.infer_port{name: C.CString(sp.Score), data: b.scores.address(),
		bytes: C.size_t(4 * n), _type: typeF32, rank: C.size_t(b.scoreRank)}
	score.dims = [C.INFER_MAX_RANK]C.int64_t{C.int64_t(n), 1}
	defer C.free(unsafe.Pointer(score.name))
	used := C.size_t(1)
	if sp.Map != "" {
		*cells = C.infer_port{name: C.CString(sp.Map), data: b.cells.address(),
			bytes: C.size_t(4 * n * b.mapH * b.mapW), _type: typeF32, rank: 4}
		cells.dims = [C.INFER_MAX_RANK]C.int64_t{C.int64_t(n), 1, C.int64_t(b.mapH), C.int64_t(b.mapW)}
		defer C.free(unsafe.Pointer(cells.name))
		used = 2
	}
	return failure(C.infer_bind(handle(b.session.ort), &in, &outs[0], used, c))
}
