package access

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func TestTokenIsFound(t *testing.T) {
	until := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	text, line, err := NewToken("grafana@site-1", "read", until)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "svt_") || len(text) != 47 || strings.Contains(line, text[4:]) {
		t.Fatalf("token %q, line %q", text, line)
	}
	all, err := parseTokens([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	k := &tokens{all: all}
	got, err := k.find(text, until.Add(-time.Second))
	if err != nil || got.name != "grafana@site-1" || got.role != streamvetv1.Role_ROLE_READ || !got.expires.Equal(until) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := k.find(text, until); err == nil || !strings.Contains(err.Error(), "has expired") {
		t.Errorf("at its expiry: %v", err)
	}
	for _, wrong := range []string{"", text[:46], text + "x", "svt_", strings.ToUpper(text), strings.Fields(line)[3]} {
		if _, err := k.find(wrong, until.Add(-time.Second)); !errors.Is(err, errToken) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	other, _, err := NewToken("grafana@site-1", "read", until)
	if err != nil || other == text {
		t.Errorf("two tokens are the same, or %v", err)
	}
}

func TestNewTokenRefuses(t *testing.T) {
	for _, c := range [][2]string{{"", "read"}, {"a b", "read"}, {"-a", "read"}, {strings.Repeat("a", 64), "read"}, {"a\n", "read"}, {"a", "admin"}, {"a", ""}} {
		if _, _, err := NewToken(c[0], c[1], time.Time{}); err == nil {
			t.Errorf("%q is taken", c)
		}
	}
}

func TestBadTokenFiles(t *testing.T) {
	text, line, err := NewToken("a", "read", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	sum := strings.Fields(line)[3]
	for name, c := range map[string]struct{ file, want string }{
		"the token itself":  {"a read never " + text, "line 1: the fourth word is no sum: 64 hexadecimal digits are needed, not the token itself"},
		"a short sum":       {"\n\na read never " + sum[:62], "line 3: the fourth word is no sum"},
		"too few words":     {"# c\n" + text, "line 2: it must be a name, a role, an expiry and a sum"},
		"too many words":    {line + " x", "line 1: it must be a name"},
		"a role":            {strings.Replace(line, "read", "admin", 1), `line 1: the role "admin" is neither read nor operate`},
		"a name":            {strings.Replace(line, "a ", "ä ", 1), "line 1: the first word is no name"},
		"an expiry":         {strings.Replace(line, "never", "2027-01-31", 1), "line 1: the third word must be never or a time"},
		"the same name":     {line + "\n" + line, "line 2: the name a is there twice"},
		"a very long line":  {strings.Repeat("x", 100_000), "token too long"},
		"many":              {many(maxTokens+1, sum), "there are 1001 tokens, 1000 are the most"},
		"several at a time": {"x\ny", "line 2: it must be"},
	} {
		path := filepath.Join(t.TempDir(), "tokens")
		write(t, path, c.file)
		a := &Access{}
		a.options.Auth.Tokens = path
		err := a.reloadTokens()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error holds the token", name)
		}
	}
}

func many(n int, sum string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("t")
		for ; i > 0; i /= 10 {
			b.WriteByte(byte('0' + i%10))
		}
		b.WriteString(" read never " + sum + "\n")
	}
	return b.String()
}

func TestTokenFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	write(t, open, "")
	if err := os.Chmod(open, 0o602); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(dir, "large")
	write(t, large, strings.Repeat("#\n", maxFile/2+1))
	for path, want := range map[string]string{
		open:                          "everybody can write to it, and so give themselves a token: chmod o-w it",
		pipe:                          "is not a regular file",
		dir:                           "is not a regular file",
		large:                         "is larger than",
		filepath.Join(dir, "missing"): "no such file",
	} {
		if _, err := readTokens(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}

func FuzzTokens(f *testing.F) {
	_, line, err := NewToken("a", "read", time.Time{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(line + "\n# x\n\n" + strings.Replace(line, "a read", "b operate", 1)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, err := parseTokens(raw)
		for _, k := range all {
			if err == nil && (k.name == "" || k.role == streamvetv1.Role_ROLE_UNSPECIFIED) {
				t.Errorf("%+v is taken", k)
			}
		}
	})
}
