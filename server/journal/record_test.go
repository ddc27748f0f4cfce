package journal

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func TestEncodeCutsThePictureOut(t *testing.T) {
	v := verdict("a", 1)
	v.Evidence = &streamvetv1.Evidence{At: durationpb.New(time.Second), MediaType: "image/jpeg", Data: []byte("picture")}
	before := proto.Clone(v)
	body, err := encode(v, "key")
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(v, before) {
		t.Error("the caller's verdict has changed")
	}
	r, err := message{sequence: 7, body: body}.record()
	if err != nil {
		t.Fatal(err)
	}
	want := proto.Clone(before).(*streamvetv1.Verdict)
	want.Evidence = &streamvetv1.Evidence{At: durationpb.New(time.Second), MediaType: "image/jpeg", Key: "key", SizeBytes: 7}
	if !proto.Equal(r.Verdict, want) || r.Sequence != 7 {
		t.Errorf("got %v, want %v", r.Verdict, want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*streamvetv1.Verdict){
		"no source": func(v *streamvetv1.Verdict) { v.Source = "" },
		"no id":     func(v *streamvetv1.Verdict) { v.Id = "" },
		"not UTF-8": func(v *streamvetv1.Verdict) { v.Unit = "\xff" },
		"too large": func(v *streamvetv1.Verdict) { v.Unit = strings.Repeat("x", maxVerdict) },
	} {
		v := verdict("a", 1)
		spoil(v)
		if _, err := encode(v, "key"); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := encode(nil, "key"); !errors.Is(err, ErrInvalid) {
		t.Errorf("no verdict: %v", err)
	}
}

// What tells two states of a verdict apart tells their records apart; what does
// not, does not.
func TestIdentity(t *testing.T) {
	same := identity(verdict("a", 1))
	for name, change := range map[string]func(*streamvetv1.Verdict){
		"source":   func(v *streamvetv1.Verdict) { v.Source = "b" },
		"id":       func(v *streamvetv1.Verdict) { v.Id += "1" },
		"epoch":    func(v *streamvetv1.Verdict) { v.Epoch++ },
		"state":    func(v *streamvetv1.Verdict) { v.State++ },
		"severity": func(v *streamvetv1.Verdict) { v.Severity++ },
		"end":      func(v *streamvetv1.Verdict) { v.End.Nanos++ },
		"score":    func(v *streamvetv1.Verdict) { v.Score += 1e-9 },
		"time":     func(v *streamvetv1.Verdict) { v.Time.Nanos++ },
		"shift":    func(v *streamvetv1.Verdict) { v.Source, v.Id = "av", "1" },
	} {
		v := verdict("a", 1)
		change(v)
		if identity(v) == same {
			t.Errorf("another %s has the same identity", name)
		}
	}
	v := verdict("a", 1)
	v.Evidence = &streamvetv1.Evidence{Data: []byte("picture")}
	if identity(v) != same {
		t.Error("a picture makes another identity")
	}
}

// Bytes that anybody may have put into the stream of a cluster.
func FuzzDecode(f *testing.F) {
	body, err := encode(verdict("a", 1), "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := message{sequence: 1, body: body}.record()
		if err != nil {
			if r.Verdict != nil {
				t.Fatal("a verdict beside an error")
			}
			return
		}
		identity(r.Verdict)
		subjectOf(r.Verdict)
		Filter{Sources: []string{"a"}, Labels: map[string]string{"a": "b"}}.matches(r.Verdict)
		again, err := encode(r.Verdict, "key")
		if errors.Is(err, ErrInvalid) {
			return
		}
		if back, err := (message{body: again}).record(); err != nil || identity(back.Verdict) != identity(r.Verdict) {
			t.Fatalf("%v became %v, %v", r.Verdict, back.Verdict, err)
		}
	})
}
