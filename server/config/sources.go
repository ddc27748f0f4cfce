package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"buf.build/go/protovalidate"
	"github.com/streamvet/streamvet/plainyaml"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// readSources reads the list of sources: each is a SourceConfig of the API under
// the names of its fields, with durations as "10s" and the words of enums in
// small letters and without their prefix ("udp" is RTSP_TRANSPORT_UDP).
func readSources(n *plainyaml.Node) ([]*streamvetv1.SourceConfig, []*fault) {
	if isEmpty(n) {
		return nil, nil
	}
	if n.Kind != plainyaml.List {
		return nil, []*fault{faultAt(n.Line, "sources: a list is needed")}
	}
	var all []*streamvetv1.SourceConfig
	var faults []*fault
	seen := map[string]int{}
	for i, entry := range n.Items {
		r := reader{path: fmt.Sprintf("sources[%d]", i), lines: map[string]int{}}
		s := &streamvetv1.SourceConfig{}
		r.message(entry, s.ProtoReflect(), "")
		if len(r.faults) == 0 {
			r.check(s)
		}
		if first := seen[s.GetName()]; first > 0 && s.GetName() != "" {
			r.add("name", "%q is the name of the source in line %d already", s.GetName(), first)
		}
		seen[s.GetName()] = r.lines[""]
		faults = append(faults, r.faults...)
		all = append(all, s)
	}
	return all, faults
}

// reader reads one source.
type reader struct {
	path   string         // of the source, "sources[3]"
	lines  map[string]int // of its fields, by their path: "detection.rules[0].defect"
	faults []*fault
}

func (r *reader) add(field, format string, args ...any) {
	line, at := 0, field
	for line == 0 {
		line = r.lines[at]
		if at == "" {
			break
		}
		at = at[:max(0, strings.LastIndexAny(at, ".["))]
	}
	name := r.path
	if field != "" {
		name += "." + field
	}
	r.faults = append(r.faults, faultAt(line, "%s: %w", plainyaml.Legible(name), fmt.Errorf(format, args...)))
}

// check holds the source to the rules of the API.
func (r *reader) check(s *streamvetv1.SourceConfig) {
	if s.GetUrl() == "" {
		r.add("url", "it is missing")
	}
	var invalid *protovalidate.ValidationError
	err := protovalidate.Validate(s)
	if errors.As(err, &invalid) {
		for _, v := range invalid.Violations {
			r.add(protovalidate.FieldPathString(v.Proto.GetField()), "%s", plainyaml.Legible(v.Proto.GetMessage()))
		}
	} else if err != nil {
		r.add("", "%w", err)
	}
}

func (r *reader) note(n *plainyaml.Node, field string) {
	if r.lines[field] == 0 {
		r.lines[field] = n.Line
	}
}

func (r *reader) message(n *plainyaml.Node, m protoreflect.Message, field string) {
	r.note(n, field)
	fields, wrong := mapping(n)
	if wrong != nil {
		r.faults = append(r.faults, wrong)
		return
	}
	for _, p := range fields {
		name := join(field, p.Name)
		r.lines[name] = p.Line
		f := m.Descriptor().Fields().ByName(protoreflect.Name(p.Name))
		if f == nil {
			r.add(name, "there is no such field%s", suggest(p.Name, fieldNames(m.Descriptor())))
			continue
		}
		if !isEmpty(p.Value) {
			r.field(p.Value, m, f, name)
		}
	}
}

func (r *reader) field(n *plainyaml.Node, m protoreflect.Message, f protoreflect.FieldDescriptor, name string) {
	switch {
	case f.IsMap():
		entries, wrong := mapping(n)
		if wrong != nil {
			r.faults = append(r.faults, wrong)
			return
		}
		to := m.Mutable(f).Map()
		for _, e := range entries {
			at := fmt.Sprintf("%s[%q]", name, e.Name)
			r.lines[at] = e.Line
			if v, ok := r.value(e.Value, f.MapValue(), to.NewValue, at); ok {
				to.Set(protoreflect.ValueOfString(e.Name).MapKey(), v)
			}
		}
	case f.IsList():
		if n.Kind != plainyaml.List {
			r.add(name, "a list is needed")
			return
		}
		to := m.Mutable(f).List()
		for i, e := range n.Items {
			if v, ok := r.value(e, f, to.NewElement, fmt.Sprintf("%s[%d]", name, i)); ok {
				to.Append(v)
			}
		}
	default:
		if v, ok := r.value(n, f, func() protoreflect.Value { return m.NewField(f) }, name); ok {
			m.Set(f, v)
		}
	}
}

// value reads one value; made gives an empty one of a message.
func (r *reader) value(n *plainyaml.Node, f protoreflect.FieldDescriptor, made func() protoreflect.Value, name string) (protoreflect.Value, bool) {
	r.note(n, name)
	before := len(r.faults)
	if f.Kind() == protoreflect.MessageKind && f.Message().FullName() != "google.protobuf.Duration" {
		v := made()
		r.message(n, v.Message(), name)
		return v, len(r.faults) == before
	}
	text, ok := n.Scalar()
	if !ok {
		r.add(name, "one value is needed")
		return protoreflect.Value{}, false
	}
	v, err := parseScalar(text, f)
	if err != nil {
		r.add(name, "%w", err)
	}
	return v, err == nil
}

// parseScalar never repeats the text: it may be a secret in the wrong place.
func parseScalar(text string, f protoreflect.FieldDescriptor) (protoreflect.Value, error) {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text), nil
	case protoreflect.BoolKind:
		if text == "true" || text == "false" {
			return protoreflect.ValueOfBool(text == "true"), nil
		}
		return protoreflect.Value{}, errors.New("true or false is needed")
	case protoreflect.Uint32Kind:
		if n, err := strconv.ParseUint(text, 10, 32); err == nil {
			return protoreflect.ValueOfUint32(uint32(n)), nil
		}
		return protoreflect.Value{}, errors.New("a whole number is needed")
	case protoreflect.DoubleKind:
		if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
			return protoreflect.ValueOfFloat64(n), nil
		}
		return protoreflect.Value{}, errors.New("a number is needed")
	case protoreflect.EnumKind:
		return parseEnum(text, f.Enum())
	case protoreflect.MessageKind:
		d, err := parseDuration(text)
		if err != nil {
			return protoreflect.Value{}, errors.New("a duration is needed, as 500ms, 30s or 1h")
		}
		return protoreflect.ValueOfMessage(durationpb.New(d).ProtoReflect()), nil
	}
	return protoreflect.Value{}, fmt.Errorf("fields of the kind %v are not known here", f.Kind())
}

func parseEnum(text string, e protoreflect.EnumDescriptor) (protoreflect.Value, error) {
	var words []string
	values := e.Values()
	prefix := enumPrefix(e)
	for i := range values.Len() {
		v := values.Get(i)
		word := strings.ToLower(strings.TrimPrefix(string(v.Name()), prefix))
		if text == word || text == string(v.Name()) {
			return protoreflect.ValueOfEnum(v.Number()), nil
		}
		if v.Number() != 0 {
			words = append(words, word)
		}
	}
	return protoreflect.Value{}, fmt.Errorf("one of %s is needed", strings.Join(words, ", "))
}

// enumPrefix is what all values of an enum begin with: that of the zero value,
// which is called ..._UNSPECIFIED.
func enumPrefix(e protoreflect.EnumDescriptor) string {
	return strings.TrimSuffix(string(e.Values().ByNumber(0).Name()), "UNSPECIFIED")
}

func fieldNames(m protoreflect.MessageDescriptor) []string {
	var names []string
	for i := range m.Fields().Len() {
		names = append(names, string(m.Fields().Get(i).Name()))
	}
	return names
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}
