package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Record is a verdict in one of its states, as the journal holds it.
type Record struct {
	// Sequence is its place in the journal; it begins at 1 and grows by 1.
	Sequence uint64
	// Stored is when it was stored: wall time, which may jump where the sequence
	// does not.
	Stored time.Time
	// Verdict has its picture's key in place of the picture. Many readers share
	// it: do not change it.
	Verdict *streamvetv1.Verdict
}

// maxVerdict is the largest verdict, without its picture.
const maxVerdict = 256 << 10

// message is a record as it lies in the stream: its body is the verdict itself,
// so that any NATS client can read it.
type message struct {
	sequence uint64
	stored   time.Time
	body     []byte
}

func (m message) record() (Record, error) {
	v := new(streamvetv1.Verdict)
	if err := proto.Unmarshal(m.body, v); err != nil {
		return Record{}, fmt.Errorf("journal: record %d: %w", m.sequence, err)
	}
	return Record{Sequence: m.sequence, Stored: m.stored, Verdict: v}, nil
}

// encode gives the body of v's record, with key in place of its picture, if it
// has one. v stays as it is.
func encode(v *streamvetv1.Verdict, key string) ([]byte, error) {
	if v.GetSource() == "" || v.GetId() == "" {
		return nil, fmt.Errorf("journal: %w: it has no source or no id", ErrInvalid)
	}
	stored := v
	if size := len(v.GetEvidence().GetData()); size > 0 {
		e := v.GetEvidence()
		stored = withEvidence(v, &streamvetv1.Evidence{
			At: e.GetAt(), MediaType: e.GetMediaType(), Key: key, SizeBytes: uint64(size),
		})
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(stored)
	if err != nil {
		return nil, fmt.Errorf("journal: %w: %w", ErrInvalid, err)
	}
	if len(body) > maxVerdict {
		return nil, fmt.Errorf("journal: %w: %d bytes without its picture, at most %d", ErrInvalid, len(body), maxVerdict)
	}
	return body, nil
}

// withEvidence is v with another evidence. It shares everything else with v.
func withEvidence(v *streamvetv1.Verdict, e *streamvetv1.Evidence) *streamvetv1.Verdict {
	shallow := new(streamvetv1.Verdict)
	to := shallow.ProtoReflect()
	v.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		to.Set(field, value)
		return true
	})
	to.SetUnknown(v.ProtoReflect().GetUnknown())
	shallow.Evidence = e
	return shallow
}

// identity names the record of v: the same verdict in the same state has the same
// one, so that an append that is tried again is stored once. It is the key of
// v's picture, too.
func identity(v *streamvetv1.Verdict) string {
	h := sha256.New()
	text := func(s string) {
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	number := func(n uint64) { h.Write(binary.BigEndian.AppendUint64(nil, n)) }
	span := func(d *durationpb.Duration) {
		number(uint64(d.GetSeconds()))
		number(uint64(d.GetNanos()))
	}
	text(v.GetSource())
	text(v.GetId())
	text(v.GetDefect())
	number(uint64(v.GetEpoch()))
	number(uint64(v.GetState()))
	number(uint64(v.GetSeverity()))
	span(v.GetStart())
	span(v.GetEnd())
	span(v.GetPeak())
	number(math.Float64bits(v.GetScore()))
	number(math.Float64bits(v.GetReading()))
	number(uint64(v.GetTime().GetSeconds()))
	number(uint64(v.GetTime().GetNanos()))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
