package inject

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a running ffmpeg program. It leads a process group of its own, so
// that a Ctrl-C at the terminal reaches it through the context only.
type child struct {
	cmd    *exec.Cmd
	errors tail
}

func newChild(ctx context.Context, program string, args ...string) *child {
	c := &child{cmd: exec.CommandContext(ctx, program, args...)}
	c.cmd.Stderr = &c.errors
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.WaitDelay = 5 * time.Second
	return c
}

// explain puts what the program said to its exit status.
func (c *child) explain(ctx context.Context, err error) error {
	said := c.errors.String()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case strings.Contains(said, "No space left on device"):
		return errors.New("the disk is full: free some space or write to another one")
	case err == nil && strings.Contains(said, "Error writing trailer"): // older programs exit with 0 after this
		return fmt.Errorf("%s says: %s", filepath.Base(c.cmd.Path), said)
	case err == nil:
		return nil
	case said == "":
		return fmt.Errorf("%s: %w", filepath.Base(c.cmd.Path), err)
	}
	return fmt.Errorf("%s says: %s", filepath.Base(c.cmd.Path), said)
}

// runQuiet runs a program to its end and gives its standard output.
func runQuiet(ctx context.Context, program string, args ...string) ([]byte, error) {
	c := newChild(ctx, program, args...)
	var out bytes.Buffer
	c.cmd.Stdout = &out
	err := c.cmd.Run()
	return out.Bytes(), c.explain(ctx, err)
}

// tail keeps the last few lines that are written to it. Its bound: tailBytes.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 2048

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// String is the last three lines in one.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

// pipe is os.Pipe with room for more than the kernel's usual 64 kB, since a
// picture is megabytes; where that is refused it stays as it is.
func pipe() (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	const setPipeSize = 1031                     // F_SETPIPE_SZ
	if raw, err := w.SyscallConn(); err == nil { // not w.Fd: that would make writes block the thread
		_ = raw.Control(func(fd uintptr) {
			_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, 1<<20)
		})
	}
	return r, w, nil
}
