package double

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

// svdouble_find looks a function of the driver up; the driver stays loaded.
static void *svdouble_find(const char *name) {
	void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
	return driver ? dlsym(driver, name) : NULL;
}
static int svdouble_set(void *f, const char *name, const char *value) { return ((int (*)(const char *, const char *))f)(name, value); }
static size_t svdouble_counters(void *f, char *to, size_t room) { return ((size_t (*)(char *, size_t))f)(to, room); }
static void svdouble_run(void *f) { ((void (*)(void))f)(); }
*/
import "C"

import "unsafe"

// find gives a function of the driver that is loaded, nil if there is none.
func find(name string) unsafe.Pointer {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	return C.svdouble_find(c)
}

// must is find for what every double has.
func must(name string) unsafe.Pointer {
	f := find(name)
	if f == nil {
		panic("double: " + name + " is not there: does TestMain call double.Main?")
	}
	return f
}

// Active tells whether the driver is the double.
func Active() bool { return find("streamvet_driver_double") != nil }

// Set sets an option of README.md, or clears it with "".
func Set(option, value string) {
	n, v := C.CString(option), C.CString(value)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(v))
	if C.svdouble_set(must("streamvet_double_set"), n, v) == 0 {
		panic("double: there is no option " + option)
	}
}

// Reset sets all counters to zero and all options to what the environment says.
// Memory, streams and a lost device stay as they are.
func Reset() { C.svdouble_run(must("streamvet_double_reset")) }

// Restore brings a lost device back.
func Restore() { C.svdouble_run(must("streamvet_double_restore")) }

// counters is the text of all counters.
func counters() string {
	f := must("streamvet_double_counters")
	buffer := make([]byte, 4096)
	for {
		n := int(C.svdouble_counters(f, (*C.char)(unsafe.Pointer(&buffer[0])), C.size_t(len(buffer))))
		if n <= len(buffer) {
			return string(buffer[:n-1])
		}
		buffer = make([]byte, 2*n)
	}
}
