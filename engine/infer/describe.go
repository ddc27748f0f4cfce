package infer

import "errors"

// Port is an input or an output as a network declares it.
type Port struct {
	Name string
	// Type is "f32", "u8", ...; "not a tensor" has no Dims.
	Type string
	Dims []int64 // -1 where it is dynamic
}

// Describe lists the inputs and outputs of a network, for whoever writes its
// manifest. It is prepared for the CPU and not run.
func (l *Library) Describe(onnx []byte) (inputs, outputs []Port, err error) {
	if l.isClosed() {
		return nil, nil, ErrClosed
	}
	if len(onnx) == 0 {
		return nil, nil, errors.New("network.file: the ONNX file is empty")
	}
	s := &Session{library: l, on: CPU, gpu: -1, spec: Spec{ONNX: onnx}}
	p, err := s.newProgram(anyShape)
	if err != nil {
		return nil, nil, err
	}
	ins, err := ports(handle(p.ort), 0)
	if err != nil {
		return nil, nil, errors.Join(err, s.end(p))
	}
	outs, err := ports(handle(p.ort), 1)
	return exported(ins), exported(outs), errors.Join(err, s.end(p))
}

func exported(ports []port) []Port {
	list := make([]Port, len(ports))
	for i, p := range ports {
		list[i] = Port{Name: p.name, Type: typeName(p.typ), Dims: p.dims}
	}
	return list
}

// String writes it as "luma u8[?,1,?,?]".
func (p Port) String() string {
	t := port{typ: 1, dims: p.Dims}.String()[len(typeName(1)):]
	if p.Type == typeName(0) {
		t = ""
	}
	return p.Name + " " + p.Type + t
}
