package infer

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"strings"

	"github.com/streamvet/streamvet/engine/device"
)

// Spec is a network and what its manifest says of it. Load holds the network
// to it.
type Spec struct {
	Name string // of the detector, for errors
	ONNX []byte // the file; not kept
	// Input names the one input, [N, Channels, Height, Width] of Type; N must be
	// dynamic. Height and Width 0 mean: whatever the picture has.
	Input                   string
	Type                    device.DType
	Channels, Height, Width int
	// Samples is of sound: the input is [N, Channels, Samples], and Height and Width
	// are 0.
	Samples int
	// Scores are the outputs with scores, 1 to MaxScores.
	Scores []Score
	// Map names the f32 output [N,1,h,w] that says where; "" if there is none.
	Map string
}

// MaxScores bounds the outputs with scores.
const MaxScores = C.INFER_MAX_OUTPUTS - 1

// Score is an f32 output with scores in 0..1: [N] or [N,1], and of sound also [N,T],
// one for each of T steps of equal length.
type Score struct {
	Name  string
	Field string // of the manifest, which names it; for errors. Empty stands for network.score
}

func (s Score) field() string {
	if s.Field == "" {
		return "network.score"
	}
	return s.Field
}

// shapes says what the output may be.
func (s *Spec) shapes() string {
	if s.Samples > 0 {
		return "f32[N] or f32[N,T]"
	}
	return "f32[N] or f32[N,1]"
}

// port is one input or output as the model declares it.
type port struct {
	name string
	typ  int     // ONNXTensorElementDataType, 0 for what is no tensor
	rank int     // may be more than len(dims)
	dims []int64 // -1 where it is dynamic
}

// Element types of ONNX that are used here.
const (
	typeF32 = 1
	typeU8  = 2
	typeF16 = 10
)

func elementType(t device.DType) int {
	switch t {
	case device.U8:
		return typeU8
	case device.F16:
		return typeF16
	case device.F32:
		return typeF32
	}
	return 0
}

func typeName(t int) string {
	names := [...]string{"not a tensor", "f32", "u8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "f16", "f64", "uint32", "uint64"}
	if t < 0 || t >= len(names) {
		return fmt.Sprintf("element type %d", t)
	}
	return names[t]
}

func (p port) String() string {
	if p.typ == 0 {
		return typeName(0)
	}
	dims := make([]string, len(p.dims))
	for i, d := range p.dims {
		if dims[i] = fmt.Sprint(d); d < 0 {
			dims[i] = "?"
		}
	}
	return typeName(p.typ) + "[" + strings.Join(dims, ",") + "]"
}

// check holds what the model declares against the manifest. Every difference is
// told at once: the manifest's field, what the model has, what the manifest says.
func (s *Spec) check(ins, outs []port) error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(ins) != 1 {
		add("network.tensor: the model has %d inputs (%s), the manifest describes one", len(ins), names(ins))
	}
	if in, ok := find(ins, s.Input); !ok {
		add("network.tensor.name: the model has no input %q, it has %s", s.Input, names(ins))
	} else {
		s.checkInput(in, add)
	}
	for _, score := range s.Scores {
		s.checkScore(score, outs, add)
	}
	if s.Map == "" {
		return errors.Join(errs...)
	}
	if m, ok := find(outs, s.Map); !ok {
		add("network.map: the model has no output %q, it has %s", s.Map, names(outs))
	} else if m.typ != typeF32 || m.rank != 4 || otherThan(m.dims[1], 1) {
		add("network.map: the model's output %q is %v, it must be f32[N,1,h,w]", s.Map, m)
	} else if m.dims[0] >= 0 {
		add("network.map: the model's output %q is %v, its first dimension must be dynamic, as the batch is", s.Map, m)
	}
	return errors.Join(errs...)
}

func (s *Spec) checkScore(score Score, outs []port, add func(string, ...any)) {
	if out, ok := find(outs, score.Name); !ok {
		add("%s: the model has no output %q, it has %s", score.field(), score.Name, names(outs))
	} else if out.typ != typeF32 || out.rank < 1 || out.rank > 2 || out.rank == 2 && s.Samples == 0 && otherThan(out.dims[1], 1) {
		add("%s: the model's output %q is %v, it must be %s", score.field(), score.Name, out, s.shapes())
	} else if out.dims[0] >= 0 {
		add("%s: the model's output %q is %v, its first dimension must be dynamic, as the batch is", score.field(), score.Name, out)
	}
}

// side is a dimension of the input: the field of the manifest that says it, and what
// that is; 0 is any.
type side struct {
	field string
	want  int
}

// sides are the dimensions of the input after the first.
func (s *Spec) sides() []side {
	if s.Samples > 0 {
		return []side{{"channels", s.Channels}, {"window", s.Samples}}
	}
	return []side{{"channels", s.Channels}, {"height", s.Height}, {"width", s.Width}}
}

func (s *Spec) checkInput(in port, add func(string, ...any)) {
	if want := elementType(s.Type); in.typ != want {
		add("network.tensor.dtype: the model's input %q is %v, the manifest says %v", s.Input, in, s.Type)
	}
	sides := s.sides()
	if in.rank != 1+len(sides) {
		words := "N"
		for _, d := range sides {
			words += ", " + d.field
		}
		add("network.tensor: the model's input %q is %v, it must have %d dimensions (%s)", s.Input, in, 1+len(sides), words)
		return
	}
	if in.dims[0] >= 0 {
		add("network.batch: the model's input %q is %v, its first dimension must be dynamic: export the model with a dynamic batch", s.Input, in)
	}
	for i, d := range sides {
		switch got := in.dims[i+1]; {
		case d.want == 0 && got >= 0:
			add("network.tensor.%s: the model's input %q has it fixed at %d, the manifest at none (resize: none): "+
				"export the model with dynamic height and width, or name its size in the manifest", d.field, s.Input, got)
		case d.want > 0 && otherThan(got, int64(d.want)):
			add("network.tensor.%s: the model's input %q has %d, the manifest says %d", d.field, s.Input, got, d.want)
		}
	}
}

// otherThan tells whether dimension d is fixed to something other than want.
func otherThan(d, want int64) bool { return d >= 0 && d != want }

func find(ports []port, name string) (port, bool) {
	for _, p := range ports {
		if p.name == name {
			return p, true
		}
	}
	return port{}, false
}

func names(ports []port) string {
	quoted := make([]string, len(ports))
	for i, p := range ports {
		quoted[i] = fmt.Sprintf("%q", p.name)
	}
	if len(quoted) == 0 {
		return "none"
	}
	return strings.Join(quoted, ", ")
}
