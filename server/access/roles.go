package access

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// methods are the roles that methods ask for, by their full names as gRPC has
// them: "/streamvet.v1.SourceService/AddSource".
type methods map[string]streamvetv1.Role

// methodsOfAPI reads the roles beside the methods in the .proto files.
func methodsOfAPI() methods {
	m := methods{}
	protoregistry.GlobalFiles.RangeFilesByPackage("streamvet.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			service := f.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				name := "/" + string(service.FullName()) + "/" + string(method.Name())
				m[name], _ = proto.GetExtension(method.Options(), streamvetv1.E_Role).(streamvetv1.Role)
			}
		}
		return true
	})
	return m
}

// open are services that anybody may call.
var open = []string{"/grpc.health.v1.Health/", "/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/"}

func isOpen(method string) bool {
	for _, prefix := range open {
		if strings.HasPrefix(method, prefix) {
			return true
		}
	}
	return false
}

// allows says whether a role will do for a method. One without a role is closed.
func (m methods) allows(role streamvetv1.Role, method string) bool {
	needed := m[method]
	return needed != streamvetv1.Role_ROLE_UNSPECIFIED && role >= needed
}

func roleWord(r streamvetv1.Role) string {
	if r == streamvetv1.Role_ROLE_UNSPECIFIED {
		return "none"
	}
	return strings.ToLower(strings.TrimPrefix(r.String(), "ROLE_"))
}
