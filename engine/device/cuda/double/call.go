package double

/*
#include <stdint.h>

typedef uintptr_t svdouble_word;
static int svdouble_call(void *f, svdouble_word *a) {
	return ((int (*)(svdouble_word, svdouble_word, svdouble_word, svdouble_word, svdouble_word, svdouble_word,
		svdouble_word, svdouble_word, svdouble_word, svdouble_word, svdouble_word))f)(
		a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10]);
}
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// call calls a function of the driver's own interface and gives its CUresult. It is
// for this package's tests. Words are int, uintptr or unsafe.Pointer; memory that a
// pointer leads to is Go's, which the driver may use only until call returns.
func call(name string, words ...any) int {
	var a [11]C.svdouble_word
	var pinner runtime.Pinner // what is pinned lies on the heap and does not move
	defer pinner.Unpin()
	for i, w := range words {
		switch v := w.(type) {
		case int:
			a[i] = C.svdouble_word(v)
		case uintptr:
			a[i] = C.svdouble_word(v)
		case unsafe.Pointer:
			pinner.Pin(v)
			a[i] = C.svdouble_word(uintptr(v))
		default:
			panic("double: a word of another type")
		}
	}
	return int(C.svdouble_call(must(name), (*C.svdouble_word)(unsafe.Pointer(&a[0]))))
}
