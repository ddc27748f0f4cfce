package infer

import "C"

import (
	"errors"
	"fmt"

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
}

// anyShape stands for a program that is not tied to a shape.
var anyShape device.Shape

func (s *Session) newProgram() (*program, error) {
	p := &program{}
	if s.on != CPU {
		p.thread = newThread()
	}
	err := p.thread.do(func() (err error) {
		p.ort, err = s.parse()
		return err
	})
	if err != nil {
		p.thread.close()
		return nil, s.heed(err)
	}
	return p, nil
}

// parse reads the network and prepares it for its provider.
func (s *Session) parse() (*ort.DynamicAdvancedSession, error) {
	o, err := s.sessionOptions()
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

func (s *Session) sessionOptions() (*ort.SessionOptions, error) {
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
		err = s.addProviders(o)
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

// end frees a program. On a GPU that is lost it is left where it is: ONNX Runtime
// would end the process when it cannot free what lies there.
func (s *Session) end(p *program) error {
	var err error
	if !s.lost.Load() {
		err = p.thread.do(p.ort.Destroy)
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
	p, err := s.programs[anyShape], error(nil)
	if s.on != CPU {
		if own := s.programs[shape]; own != nil {
			p = own
		} else if p != nil { // the one of Load, not used yet
			delete(s.programs, anyShape)
		} else if p, err = s.newProgram(); err != nil {
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
