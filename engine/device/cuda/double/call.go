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

import "unsafe"

// call calls a function of the driver's own interface and gives its CUresult. It is
// for this package's tests: what it passes must be numbers or memory that Go does
// not move or free.
func call(name string, words ...uintptr) int {
	var a [11]C.svdouble_word
	for i, w := range words {
		a[i] = C.svdouble_word(w)
	}
	return int(C.svdouble_call(must(name), (*C.svdouble_word)(unsafe.Pointer(&a[0]))))
}
