package frame

import (
	"testing"
	"unsafe"
)

// The kernels write Measures as a C struct: it must have no padding that C
// would lay out differently, and keep its 8-byte alignment.
func TestMeasuresHasNoHiddenPadding(t *testing.T) {
	var m Measures
	words := unsafe.Offsetof(m.GridY) - unsafe.Offsetof(m.Width)
	if words%4 != 0 || unsafe.Sizeof(m)%8 != 0 {
		t.Fatalf("size %d, 32-bit fields %d bytes", unsafe.Sizeof(m), words)
	}
	if got, want := unsafe.Sizeof(m), unsafe.Offsetof(m.GridV)+GridWidth*GridHeight; got != want {
		t.Fatalf("size %d, fields end at %d: fill up with a reserved word", got, want)
	}
}
