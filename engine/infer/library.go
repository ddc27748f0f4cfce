package infer

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"
)

// series is the version of ONNX Runtime that the wrapper's and our headers are
// of. A later one may change what is undefined here, an earlier one lacks calls.
const series = "1.29."

const remedy = "run `make setup`, which installs ONNX Runtime " + series + "0"

var (
	// ErrClosed is returned by what is used after Close.
	ErrClosed = errors.New("infer: closed")
	// ErrOpen is returned by Open while the process has a Library open.
	ErrOpen = errors.New("infer: ONNX Runtime is open already; a process has one Library")
)

// process is the state of ONNX Runtime, which is one a process whatever we do:
// its environment is never destroyed (that unloads the code under whatever
// thread still runs it), so it is made by the first Open and used by later ones.
var process struct {
	sync.Mutex
	path string // of the library that is loaded; "" before the first Open
	open bool
}

// Library is ONNX Runtime, loaded into the process. Its methods may be called
// from any goroutine.
type Library struct {
	version string
	dir     string // where it lies, and its providers
	options Options
	gpus    gpus

	mu       sync.Mutex
	sessions map[*Session]struct{}
	closed   bool
}

// Open loads ONNX Runtime from the shared library at path. Errors say what is
// wrong with it and what to do. A process can Open again after Close, but only
// the same library.
func Open(path string, o Options) (*Library, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("open ONNX Runtime: %w", err)
	}
	process.Lock()
	defer process.Unlock()
	if process.open {
		return nil, ErrOpen
	}
	abs, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("open ONNX Runtime: %w", err)
	}
	if process.path == "" {
		err = load(abs)
	} else if process.path != abs {
		err = fmt.Errorf("the process has loaded %s before and cannot change to %s: start it again", process.path, abs)
	}
	if err != nil {
		return nil, fmt.Errorf("open ONNX Runtime: %w", err)
	}
	process.path, process.open = abs, true
	return &Library{version: ort.GetVersion(), dir: filepath.Dir(abs), options: o, sessions: map[*Session]struct{}{}}, nil
}

// resolve finds the library's real path, so that two names of one file are one.
func resolve(path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("no library is named: %s", remedy)
	}
	abs, err := filepath.Abs(path)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	var info os.FileInfo
	if err == nil {
		info, err = os.Stat(abs)
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("there is no library %s: %s", path, remedy)
	case err != nil:
		return "", fmt.Errorf("library %s: %w", path, err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("library %s is not a file: %s", path, remedy)
	}
	return abs, nil
}

// noTelemetry is the variable that keeps ONNX Runtime's builds from reporting their use
// to Microsoft, as they do by default on Linux since 1.29.
const noTelemetry = "ORT_DISABLE_TELEMETRY"

// load brings the library into the process and the wrapper and the shim to it.
func load(path string) error {
	if err := checkLayout(); err != nil {
		return err
	}
	// It is read when the library starts, and counts for the life of the process.
	if err := os.Setenv(noTelemetry, "1"); err != nil {
		return err
	}
	cpath, cseries := C.CString(path), C.CString(series)
	defer C.free(unsafe.Pointer(cpath))
	defer C.free(unsafe.Pointer(cseries))
	var version [64]C.char
	if err := taken(C.infer_probe(cpath, cseries, &version[0], C.size_t(len(version)))); err != nil {
		return fmt.Errorf("library %s: %w: %s", path, err, remedy)
	}
	if v := C.GoString(&version[0]); !strings.HasPrefix(v, series) {
		return fmt.Errorf("library %s is version %s, %sx is needed: %s", path, v, series, remedy)
	}
	ort.SetSharedLibraryPath(path)
	// Whatever ONNX Runtime would print comes back as an error as well.
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return fmt.Errorf("library %s: %w", path, err)
	}
	if err := taken(C.infer_attach(cpath)); err != nil {
		return fmt.Errorf("library %s: %w", path, err)
	}
	return nil
}

// checkLayout makes a change of the wrapper's structs an error at start instead
// of a wild pointer: the C objects are read out of their first fields.
func checkLayout() error {
	check := func(outer reflect.Type, field, of string) error {
		if f := outer.Field(0); f.Name != field || f.Offset != 0 || f.Type.Kind() != reflect.Pointer ||
			!strings.HasSuffix(f.Type.String(), of) {
			return fmt.Errorf("onnxruntime_go has changed: %v begins with %s %v, not %s %s", outer, f.Name, f.Type, field, of)
		}
		return nil
	}
	return errors.Join(
		check(reflect.TypeFor[ort.DynamicAdvancedSession](), "s", "AdvancedSession"),
		check(reflect.TypeFor[ort.AdvancedSession](), "ortSession", "OrtSession"),
		check(reflect.TypeFor[ort.CUDAProviderOptions](), "o", "OrtCUDAProviderOptionsV2"),
		check(reflect.TypeFor[ort.TensorRTProviderOptions](), "o", "OrtTensorRTProviderOptionsV2"))
}

// handle is the C session inside the wrapper's.
func handle(s *ort.DynamicAdvancedSession) *C.OrtSession {
	inner := *(**unsafe.Pointer)(unsafe.Pointer(s))
	return (*C.OrtSession)(*inner)
}

// Version is ONNX Runtime's own, such as "1.29.0".
func (l *Library) Version() string { return l.version }

func (l *Library) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// Close closes the sessions that are still open. It is idempotent. The code
// stays in the process.
func (l *Library) Close() error {
	l.mu.Lock()
	closed, open := l.closed, make([]*Session, 0, len(l.sessions))
	l.closed = true
	for s := range l.sessions {
		open = append(open, s)
	}
	l.mu.Unlock()
	if closed {
		return nil
	}
	var errs []error
	for _, s := range open {
		errs = append(errs, s.Close())
	}
	process.Lock()
	process.open = false
	process.Unlock()
	return errors.Join(errs...)
}

// taken makes an error of a message that C allocated.
func taken(msg *C.char) error {
	if msg == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(msg))
	return errors.New(strings.TrimSpace(C.GoString(msg)))
}

// failure makes an error of a status, nil of none.
func failure(s *C.OrtStatus) error {
	if s == nil {
		return nil
	}
	var code C.int
	err := taken(C.infer_error(s, &code))
	return diagnose(fmt.Errorf("ONNX Runtime (code %d): %w", int(code), err))
}
