package streamvetv1_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Every message says the same in binary, in JSON, and in JSON with the names of
// the .proto files.
func TestRoundTrips(t *testing.T) {
	if len(messages()) == 0 {
		t.Fatal("found no messages")
	}
	for _, d := range messages() {
		r := rand.New(rand.NewPCG(1, 2))
		for range 20 { // so that every branch of a oneof comes up
			m := blank(t, d)
			fill(r, m.ProtoReflect())
			if err := roundTrips(m); err != nil {
				t.Fatalf("%s: %v", d.FullName(), err)
			}
		}
	}
}

// roundTrips says in which form m comes back different.
func roundTrips(m proto.Message) error {
	binary, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	back := m.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(binary, back); err != nil || !proto.Equal(m, back) {
		return fmt.Errorf("binary: %v\n got %v\nwant %v", err, back, m)
	}
	for _, options := range []protojson.MarshalOptions{{}, {UseProtoNames: true, EmitUnpopulated: true, UseEnumNumbers: true}} {
		json, err := options.Marshal(m)
		if err != nil {
			return err
		}
		back := m.ProtoReflect().New().Interface()
		if err := protojson.Unmarshal(json, back); err != nil || !proto.Equal(m, back) {
			return fmt.Errorf("%s: %v\n got %v\nwant %v", json, err, back, m)
		}
	}
	return nil
}

// fill sets every field of m, and one of each oneof.
func fill(r *rand.Rand, m protoreflect.Message) {
	switch w := m.Interface().(type) {
	case *durationpb.Duration:
		w.Seconds, w.Nanos = r.Int64N(1e6), int32(r.IntN(1e9))
		return
	case *timestamppb.Timestamp:
		w.Seconds, w.Nanos = r.Int64N(1e9), int32(r.IntN(1e9))
		return
	case *fieldmaskpb.FieldMask:
		w.Paths = []string{"url", "reconnect.max_backoff"}
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch o := f.ContainingOneof(); {
		case o != nil && !o.IsSynthetic() && o.Fields().Get(r.IntN(o.Fields().Len())) != f:
		case f.IsMap():
			entry := m.Mutable(f).Map()
			for range 2 {
				entry.Set(value(r, f.MapKey(), entry.NewValue).MapKey(), value(r, f.MapValue(), entry.NewValue))
			}
		case f.IsList():
			l := m.Mutable(f).List()
			for range 2 {
				l.Append(value(r, f, l.NewElement))
			}
		default:
			m.Set(f, value(r, f, func() protoreflect.Value { return m.NewField(f) }))
		}
	}
}

// value makes one value of a field; empty makes an empty one, for messages.
func value(r *rand.Rand, f protoreflect.FieldDescriptor, empty func() protoreflect.Value) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.MessageKind:
		v := empty()
		fill(r, v.Message())
		return v
	case protoreflect.EnumKind:
		all := f.Enum().Values()
		return protoreflect.ValueOfEnum(all.Get(r.IntN(all.Len())).Number())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(fmt.Sprintf("ß \"%d\" 中\n", r.IntN(1e6)))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{0, 255, byte(r.IntN(256))})
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.IntN(2) == 1)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(r.Uint32())
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(r.Uint64()) // JSON has them as strings
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(r.NormFloat64())
	}
	panic(fmt.Sprintf("%s: say here how to fill a %v", f.FullName(), f.Kind()))
}
