package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// asProgram makes the test binary be streamvet itself, for tests that need a
// process of their own.
const asProgram = "STREAMVET_TEST_AS_PROGRAM"

// clips is where the media of a run lie; the private ffmpeg makes them.
var clips string

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main() // it exits
	}
	for _, name := range []string{"STREAMVET_FFMPEG", "STREAMVET_ORT_LIB"} {
		if os.Getenv(name) == "" {
			fmt.Fprintf(os.Stderr, "%s is not set: run the tests with make test\n", name)
			os.Exit(1)
		}
	}
	dir, err := os.MkdirTemp("", "streamvet-cmd-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	clips = dir
	code := m.Run()
	os.RemoveAll(dir)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// outcome is what a run of the program left.
type outcome struct {
	code     int
	out, err string
}

func (o outcome) String() string {
	return fmt.Sprintf("exit %d\nstdout:\n%s\nstderr:\n%s", o.code, o.out, o.err)
}

// streamvet runs the program in this process.
func streamvet(t testing.TB, args ...string) outcome {
	t.Helper()
	return streamvetWith(t.Context(), nil, args...)
}

// streamvetWith runs it with a context and something that sees each write to
// stdout.
func streamvetWith(ctx context.Context, onWrite func(text string), args ...string) outcome {
	out, err := &buffer{onWrite: onWrite}, &buffer{}
	code := run(ctx, args, out, err)
	return outcome{code, out.String(), err.String()}
}

// process runs it in a process of its own, with another environment.
func process(t testing.TB, env string, args ...string) outcome {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", env)
	var out, errs buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if cmd.Run(); cmd.ProcessState == nil {
		t.Fatal("the program did not start")
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// want checks the exit code, and that the output holds the given texts.
func (o outcome) want(t testing.TB, code int, texts ...string) {
	t.Helper()
	ok := o.code == code
	for _, w := range texts {
		ok = ok && (strings.Contains(o.out, w) || strings.Contains(o.err, w))
	}
	if !ok {
		t.Errorf("want exit %d and %q, got %v", code, texts, o)
	}
}

// buffer is an io.Writer for several goroutines.
type buffer struct {
	mu      sync.Mutex
	b       bytes.Buffer
	onWrite func(text string)
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	b.b.Write(p)
	b.mu.Unlock()
	if b.onWrite != nil {
		b.onWrite(string(p))
	}
	return len(p), nil
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// The words that make a moving picture and lively sound of some seconds.
const (
	picture4s = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4"
	sound4s   = "-f lavfi -i anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:duration=4:seed=1"
	encoded   = " -c:v mpeg4 -q:v 3 -c:a flac -ac 2"
)

// clip makes a file with the private ffmpeg, once a run, and gives its path.
func clip(t testing.TB, name, args string) string {
	t.Helper()
	path := filepath.Join(clips, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	words := append([]string{"-v", "error", "-nostdin", "-y"}, strings.Fields(args)...)
	if out, err := exec.Command(os.Getenv("STREAMVET_FFMPEG"), append(words, path)...).CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", name, err, out)
	}
	return path
}

// good has nothing wrong with it.
func good(t testing.TB) string {
	return clip(t, "good.mkv", picture4s+" "+sound4s+encoded)
}

// bad is black from 1 to 2 s and silent from 1 to 3 s.
func bad(t testing.TB) string {
	return clip(t, "bad.mkv", picture4s+" "+sound4s+
		" -vf drawbox=color=black:t=fill:enable='gte(t,1)*lt(t,2)' -af volume=0:enable='gte(t,1)*lt(t,3)'"+encoded)
}

// transport is 8 s as a transport stream, which survives damage.
func transport(t testing.TB) string {
	return clip(t, "long.ts", "-f lavfi -i testsrc2=size=320x180:rate=25:duration=8 -f lavfi -i anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:duration=8:seed=1"+
		" -c:v mpeg2video -q:v 4 -g 12 -bf 2 -c:a mp2 -ac 2")
}

// changed is a copy of a file with its bytes changed.
func changed(t testing.TB, path, name string, change func([]byte) []byte) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, name, change(b))
}

// written is a new file.
func written(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
