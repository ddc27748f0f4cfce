package journal

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func TestToken(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "=",
		"camera-1_B":               "camera-1_B",
		"a.b":                      "a=2Eb",
		"=":                        "=3D",
		"*":                        "=2A",
		">":                        "=3E",
		"über":                     "=C3=BCber",
		"rtsp://h/x y":             "rtsp=3A=2F=2Fh=2Fx=20y",
		strings.Repeat("a", 128):   strings.Repeat("a", 128),
		strings.Repeat("a", 129):   "==c12cb024a2e5551cca0e08fce8f1c5e3",
		"bad\x00\xff\r\nHeader: x": "bad=00=FF=0D=0AHeader=3A=20x",
	} {
		if got := token(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// plain is the way back from token, where there is one.
func plain(t *testing.T, tok string) (text string, ok bool) {
	if strings.HasPrefix(tok, "==") {
		return "", false
	}
	if tok == "=" {
		return "", true
	}
	parts := strings.Split(tok, "=")
	var b strings.Builder
	b.WriteString(parts[0])
	for _, p := range parts[1:] {
		c, err := hex.DecodeString(p[:2])
		if err != nil {
			t.Fatalf("%q: %v", tok, err)
		}
		b.Write(c)
		b.WriteString(p[2:])
	}
	return b.String(), true
}

// Any text is a token that NATS takes as one, that leads back to the text, and
// that no other text has.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{"", "a", "a.b", "*", ">", "=", "==", "=2E", "\x00", strings.Repeat("é", 100)} {
		f.Add(seed, "b")
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		tok := token(text)
		if !server.IsValidLiteralSubject(tok) || strings.Contains(tok, ".") || len(tok) > maxToken {
			t.Fatalf("%q gives %q", text, tok)
		}
		if back, ok := plain(t, tok); ok && back != text {
			t.Fatalf("%q gives %q, and that gives %q", text, tok, back)
		}
		if (text == other) != (tok == token(other)) {
			t.Fatalf("%q and %q are both %q", text, other, tok)
		}
		v := &streamvetv1.Verdict{Source: text, Defect: other, State: 77, Severity: 3}
		subject := subjectOf(v)
		if !server.IsValidLiteralSubject(subject) {
			t.Fatalf("%q is no subject", subject)
		}
		for _, filter := range []Filter{{}, {Sources: []string{text}}, {Defects: []string{other}, MinSeverity: 3}, {States: []streamvetv1.State{77}}} {
			if !server.SubjectsCollide(filter.pattern(), subject) || !filter.matches(v) {
				t.Fatalf("%q does not let %q through", filter.pattern(), subject)
			}
		}
	})
}
