package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

// String writes all that is in force as a file would say it, with where each
// value came from, and without secrets.
func (l *Loaded) String() string {
	var b strings.Builder
	section := ""
	for _, s := range settings(&l.Config) {
		if s.section() != section {
			section = s.section()
			fmt.Fprintf(&b, "%s:\n", section)
		}
		line := strings.TrimPrefix(s.name, section+".") + ": " + s.yaml()
		if section != "" {
			line = "  " + line
		}
		fmt.Fprintf(&b, "%-45s # %s\n", line, l.Origin(s.name))
	}
	if len(l.Sources) > 0 {
		fmt.Fprintf(&b, "sources: # %s\n", l.File)
	}
	for _, s := range l.Sources {
		b.WriteString("  - ")
		printMessage(&b, maskSource(s).ProtoReflect(), "    ")
	}
	return b.String()
}

// yaml writes the value as the file takes it.
func (s setting) yaml() string {
	switch v := s.value.Interface().(type) {
	case string:
		if s.secret() {
			v = maskUsers(v)
		}
		return quote(v)
	case []string:
		quoted := make([]string, len(v))
		for i, e := range v {
			quoted[i] = quote(e)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return s.text()
}

// quote puts text in quotes unless YAML takes it for text without.
func quote(text string) string {
	plain := text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-:+") == "" &&
		strings.ContainsAny(text[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/0123456789") && !strings.HasSuffix(text, ":")
	if plain {
		return text
	}
	return strconv.Quote(text)
}

// printMessage writes the fields that are set, the first one where the line
// stands, the others behind indent.
func printMessage(b *strings.Builder, m protoreflect.Message, indent string) {
	first := true
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		if !first {
			b.WriteString(indent)
		}
		first = false
		fmt.Fprintf(b, "%s:", f.Name())
		printField(b, f, m.Get(f), indent)
	}
	if first {
		b.WriteString("{}\n")
	}
}

func printField(b *strings.Builder, f protoreflect.FieldDescriptor, v protoreflect.Value, indent string) {
	deeper := indent + "  "
	switch {
	case f.IsMap():
		b.WriteString("\n")
		for _, key := range sortedKeys(v.Map()) {
			fmt.Fprintf(b, "%s%s: %s\n", deeper, quote(key.String()), quote(v.Map().Get(key).String()))
		}
	case f.IsList() && isMessage(f):
		b.WriteString("\n")
		for i := range v.List().Len() {
			b.WriteString(deeper + "- ")
			printMessage(b, v.List().Get(i).Message(), deeper+"  ")
		}
	case f.IsList():
		var words []string
		for i := range v.List().Len() {
			words = append(words, printScalar(f, v.List().Get(i)))
		}
		fmt.Fprintf(b, " [%s]\n", strings.Join(words, ", "))
	case isMessage(f):
		b.WriteString("\n" + deeper)
		printMessage(b, v.Message(), deeper)
	default:
		fmt.Fprintf(b, " %s\n", printScalar(f, v))
	}
}

func isMessage(f protoreflect.FieldDescriptor) bool {
	return f.Kind() == protoreflect.MessageKind && f.Message().FullName() != "google.protobuf.Duration"
}

func printScalar(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch f.Kind() {
	case protoreflect.StringKind:
		return quote(v.String())
	case protoreflect.MessageKind:
		return shortDuration(v.Message().Interface().(*durationpb.Duration).AsDuration().Round(time.Nanosecond))
	case protoreflect.EnumKind:
		if value := f.Enum().Values().ByNumber(v.Enum()); value != nil {
			return strings.ToLower(strings.TrimPrefix(string(value.Name()), enumPrefix(f.Enum())))
		}
	}
	return v.String()
}

func sortedKeys(m protoreflect.Map) []protoreflect.MapKey {
	keys := make([]protoreflect.MapKey, 0, m.Len())
	for key := range m.Range {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
