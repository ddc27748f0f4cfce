package streamvetv1_test

import (
	"errors"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Whatever comes over the wire is refused or understood; what is understood is
// validated without a fault of ours and comes back the same.

func FuzzBinaryRequests(f *testing.F) {
	for i, m := range methods() {
		for _, c := range checks() {
			if c.message == string(m.Input().Name()) && len(c.json) < 4096 {
				data, err := proto.Marshal(request(f, c.message, c.json))
				if err != nil {
					f.Fatal(err)
				}
				f.Add(uint8(i), data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, method uint8, data []byte) {
		m := input(t, method)
		// JSON has no place for what a newer client may add.
		if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m) == nil {
			understood(t, m)
		}
	})
}

func FuzzJSONRequests(f *testing.F) {
	for i, m := range methods() {
		for _, c := range checks() {
			if c.message == string(m.Input().Name()) && len(c.json) < 4096 {
				f.Add(uint8(i), c.json)
			}
		}
	}
	f.Fuzz(func(t *testing.T, method uint8, data string) {
		m := input(t, method)
		if protojson.Unmarshal([]byte(data), m) == nil {
			understood(t, m)
		}
	})
}

// input makes the request of a method.
func input(t *testing.T, method uint8) proto.Message {
	all := methods()
	return blank(t, all[int(method)%len(all)].Input())
}

func understood(t *testing.T, m proto.Message) {
	err := protovalidate.Validate(m)
	var refused *protovalidate.ValidationError
	if err != nil && !errors.As(err, &refused) {
		t.Fatalf("validation itself failed: %v", err)
	}
	if err == nil && times(m) == nil {
		if err := roundTrips(m); err != nil {
			t.Fatal(err)
		}
	}
}

// times says which duration or timestamp of m has no JSON form, such as one of 2e9
// nanoseconds. The rules cannot: they see only the sum, which is in their range.
func times(m proto.Message) error {
	return protorange.Range(m.ProtoReflect(), func(p protopath.Values) error {
		if m, ok := p.Index(-1).Value.Interface().(protoreflect.Message); ok {
			if w, ok := m.Interface().(interface{ CheckValid() error }); ok {
				return w.CheckValid()
			}
		}
		return nil
	})
}
