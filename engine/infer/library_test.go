package infer

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenCloseOpen(t *testing.T) {
	for range 3 {
		l, err := Open(libPath(t), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(l.Version(), series) {
			t.Errorf("version %q", l.Version())
		}
		if _, err := Open(libPath(t), Options{}); !errors.Is(err, ErrOpen) {
			t.Errorf("second Open: %v", err)
		}
		s := session(t, l, lumaSpec(t, "good"))
		for range 2 {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("close of a session after its library: %v", err)
		}
		if _, err := l.Load(lumaSpec(t, "good"), cpuPlace(t)); !errors.Is(err, ErrClosed) {
			t.Errorf("load after close: %v", err)
		}
	}
}

func TestOpenOfAnotherLibraryIsRefused(t *testing.T) {
	open(t, Options{}).Close()
	data, err := os.ReadFile(libPath(t))
	if err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(t.TempDir(), "libonnxruntime.so")
	if err := os.WriteFile(second, data, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(second, Options{}); err == nil || !strings.Contains(err.Error(), "start it again") {
		t.Errorf("got %v", err)
	}
	link := filepath.Join(t.TempDir(), "link.so")
	if err := os.Symlink(libPath(t), link); err != nil {
		t.Fatal(err)
	}
	l, err := Open(link, Options{})
	if err != nil {
		t.Fatalf("another name of the same file: %v", err)
	}
	l.Close()
}

// TestBadLibraries runs each case in a process of its own, as a process loads
// one library. The child prints the error that Open gave.
func TestBadLibraries(t *testing.T) {
	if path, child := os.LookupEnv("INFER_TEST_OPEN"); child {
		l, err := Open(path, Options{})
		if err != nil {
			os.Stdout.WriteString("OPEN: " + err.Error() + "\n")
			return
		}
		l.Close()
		os.Stdout.WriteString("OPEN: fine\n")
		return
	}
	libPath(t)
	dir := t.TempDir()
	text := filepath.Join(dir, "text.so")
	if err := os.WriteFile(text, []byte("this is no library"), 0o755); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty.so")
	if err := os.WriteFile(empty, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	old, other := library(t, "1.24.3"), library(t, "")
	for name, c := range map[string]struct{ path, want string }{
		"the right one":   {libPath(t), "fine"},
		"none named":      {"", "no library is named: run `make setup`"},
		"missing":         {filepath.Join(dir, "none.so"), "there is no library"},
		"a directory":     {dir, "is not a file: run `make setup`"},
		"text":            {text, "run `make setup`"},
		"empty":           {empty, "run `make setup`"},
		"another library": {other, "it is not ONNX Runtime"},
		"another version": {old, "is version 1.24.3, 1.29.x is needed: run `make setup`"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestBadLibraries$")
			cmd.Env = append(os.Environ(), "INFER_TEST_OPEN="+c.path)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			first, _, _ := strings.Cut(string(out), "\n")
			if !strings.HasPrefix(first, "OPEN: ") || !strings.Contains(first, c.want) {
				t.Errorf("got %q, want %q", out, c.want)
			}
		})
	}
}

// library compiles a shared library that says it is ONNX Runtime of a version;
// with none it is some other library.
func library(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lib.so")
	src := "int answer(void) { return 42; }\n"
	if version != "" {
		src = `static const void *api(unsigned v) { return 0; }
static const char *version(void) { return "` + version + `"; }
static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base = {api, version};
const void *OrtGetApiBase(void) { return &base; }
`
	}
	cmd := exec.Command("cc", "-shared", "-fPIC", "-x", "c", "-", "-o", path)
	cmd.Stdin = strings.NewReader(src)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cc: %v: %s", err, out)
	}
	return path
}
