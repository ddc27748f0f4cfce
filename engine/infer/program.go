package infer

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/streamvet/streamvet/engine/device"
)

// program is a network as ONNX Runtime has prepared it. On the CPU one serves all
// bindings of a session.
//
// On a GPU each shape of tensors has its own, and always runs all rows: the CUDA
// provider plans every convolution anew whenever its shape is not the one of the
// run before, which takes longer than to run it. So also the bits of a score do not
// depend on how full the batch is (cuDNN chooses algorithms by shape), and the
// memory for intermediate results goes with the last binding of its shape.
type program struct {
	ort    *ort.DynamicAdvancedSession
	thread *thread
	users  int // bindings; guarded by Session.mu
	queued int // runs since the last that was waited for; the thread's
	// pinned is the host memory from which ONNX Runtime copies to the GPU. What it
	// still holds of that is given back in a callback of the driver's, where nobody may
	// call CUDA: whoever lets go of all of it there ends the process. So we hold it
	// until the callbacks have run.
	pinned *C.OrtAllocator
}

// maxQueued is how many runs are queued one after the other before one is waited for:
// only then does ONNX Runtime give back the pinned memory that runs have copied from.
const maxQueued = 256

// waits tells, on the program's thread, whether the run that comes is to be waited for.
// On the CPU, where callers have no thread in common, each is.
func (p *program) waits() (wait C.int) {
	if p.thread == nil {
		return 1
	}
	if p.queued++; p.queued == maxQueued {
		p.queued, wait = 0, 1
	}
	return wait
}

// anyShape stands for a program that is not tied to a shape.
var anyShape device.Shape

// newProgram makes one for tensors of a shape.
func (s *Session) newProgram(shape device.Shape) (*program, error) {
	p := &program{}
	if s.on != CPU {
		p.thread = newThread()
	}
	err := p.thread.do(func() (err error) {
		if p.ort, err = s.parse(shape); err == nil && s.on != CPU {
			p.pinned = C.infer_pinned(handle(p.ort), C.int(s.gpu))
		}
		return err
	})
	if err != nil {
		p.thread.close()
		return nil, s.heed(err)
	}
	return p, nil
}

// parse reads the network and prepares it for its provider.
func (s *Session) parse(shape device.Shape) (*ort.DynamicAdvancedSession, error) {
	o, err := s.sessionOptions(shape)
	if err != nil {
		return nil, fmt.Errorf("provider %v: %w", s.on, diagnose(err))
	}
	defer o.Destroy()
	inner, err := ort.NewDynamicAdvancedSessionWithONNXData(s.spec.ONNX, nil, nil, o)
	if s.on != CPU {
		fixSignals()
	}
	err = diagnose(err)
	switch {
	case err == nil:
		return inner, nil
	case errors.Is(err, device.ErrMemory), errors.Is(err, device.ErrLost):
		return nil, fmt.Errorf("provider %v: %w", s.on, err)
	}
	return nil, fmt.Errorf("network.file: it is not a network that ONNX Runtime %s can run: %w", s.library.version, err)
}

func (s *Session) sessionOptions(shape device.Shape) (*ort.SessionOptions, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		o.SetIntraOpNumThreads(s.library.options.IntraOpThreads),
		o.SetInterOpNumThreads(1),
		o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		o.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
		// A network is one file, the one whose hash the manifest has. Weights in
		// files beside it would be looked for in the process's working directory.
		o.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", "/dev/null/external-weights-are-not-taken"))
	if err == nil && s.on != CPU {
		err = errors.Join(s.addProviders(o), s.fix(o, shape))
	}
	if err != nil {
		return nil, errors.Join(err, o.Destroy())
	}
	return o, nil
}

// addProviders names those of a GPU; the first one that can takes a node.
func (s *Session) addProviders(o *ort.SessionOptions) error {
	options, stream := s.library.options, s.at.Queue.Handle()
	if s.on == TensorRT {
		if options.EngineCache != "" {
			var err error
			if options.EngineCache, err = makeCache(options.EngineCache); err != nil {
				return err
			}
		}
		if err := addTensorRT(o, tensorrtOptions(options, s.spec.Name, s.gpu, stream)); err != nil {
			return err
		}
	}
	return errors.Join(
		addCUDA(o, cudaOptions(options, s.gpu, stream)),
		o.AddSessionConfigEntry("session.record_ep_graph_assignment_info", "1"))
}

// fix tells ONNX Runtime the sizes of the input's dimensions, so that what follows from
// them alone is computed now and not in each run.
func (s *Session) fix(o *ort.SessionOptions, shape device.Shape) error {
	if shape == anyShape {
		return nil
	}
	sizes := [...]int{shape.N, shape.C, shape.H, shape.W}
	if s.spec.Samples > 0 {
		sizes[2] = s.spec.Samples
	}
	named := map[string]int{}
	for i, name := range s.axes {
		if size, again := named[name]; again && size != sizes[i] {
			return nil // one name for two sizes: it does not mean what it says
		}
		named[name] = sizes[i]
	}
	delete(named, "")
	for name, size := range named {
		cname := C.CString(name)
		err := failure(C.infer_fix(*(**C.OrtSessionOptions)(unsafe.Pointer(o)), cname, C.int64_t(size)))
		C.free(unsafe.Pointer(cname))
		if err != nil {
			return err
		}
	}
	return nil
}

// end frees a program. On a GPU that is lost it is left where it is: ONNX Runtime
// would end the process when it cannot free what lies there.
func (s *Session) end(p *program) error {
	var err error
	if !s.lost.Load() {
		err = p.thread.do(p.ort.Destroy)
	}
	if p.pinned != nil && !s.lost.Load() {
		err = errors.Join(err, s.sync())
		_ = p.thread.do(func() error { C.infer_unpin(p.pinned); return nil })
	}
	p.thread.close()
	return err
}

// take gives the program for tensors of a shape to one more binding.
func (s *Session) take(shape device.Shape) (*program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.on == CPU {
		shape = anyShape
	}
	p := s.programs[shape]
	if p == nil {
		var err error
		if p, err = s.newProgram(shape); err != nil {
			return nil, err
		}
		s.programs[shape] = p
	}
	p.users++
	return p, nil
}

// release takes a program back, and ends it where nobody will use it.
func (s *Session) release(p *program, shape device.Shape) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on == CPU {
		shape = anyShape
	}
	p.users--
	if p.users > 0 || s.on == CPU && !s.closed {
		return nil
	}
	if s.programs[shape] == p {
		delete(s.programs, shape)
	}
	return s.end(p)
}
