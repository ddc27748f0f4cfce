package streamvetv1_test

import (
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// files lists the descriptors of the package.
func files() (all []protoreflect.FileDescriptor) {
	protoregistry.GlobalFiles.RangeFilesByPackage("streamvet.v1", func(f protoreflect.FileDescriptor) bool {
		all = append(all, f)
		return true
	})
	return all
}

// methods lists every method of the API.
func methods() (all []protoreflect.MethodDescriptor) {
	for _, f := range files() {
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				all = append(all, s.Methods().Get(j))
			}
		}
	}
	return all
}

// messages lists every message of the API but the entries of maps.
func messages() (all []protoreflect.MessageDescriptor) {
	for _, f := range files() {
		for i := range f.Messages().Len() {
			all = append(all, f.Messages().Get(i))
		}
	}
	return all
}

// blank makes a message of the generated Go type.
func blank(t testing.TB, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	mt, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		t.Fatalf("%s: %v", d.FullName(), err)
	}
	m := mt.New().Interface()
	if _, dynamic := m.(*dynamicpb.Message); dynamic {
		t.Fatalf("%s has no Go type", d.FullName())
	}
	return m
}

func TestEveryMethodHasARole(t *testing.T) {
	changes := []string{"Add", "Update", "Remove", "Load", "Unload", "Reload", "Vet"}
	if len(methods()) == 0 {
		t.Fatal("found no methods")
	}
	for _, m := range methods() {
		want := streamvetv1.Role_ROLE_READ
		for _, verb := range changes {
			if strings.HasPrefix(string(m.Name()), verb) {
				want = streamvetv1.Role_ROLE_OPERATE
			}
		}
		if got := proto.GetExtension(m.Options(), streamvetv1.E_Role); got != want {
			t.Errorf("%s is for %v, want %v", m.FullName(), got, want)
		}
	}
}

// A rule that cannot be compiled would make every call of its method fail.
func TestEveryRuleCompiles(t *testing.T) {
	for _, d := range messages() {
		m := blank(t, d)
		if _, err := protovalidate.New(protovalidate.WithMessages(m), protovalidate.WithDisableLazy()); err != nil {
			t.Errorf("%s: %v", d.FullName(), err)
		}
	}
}
