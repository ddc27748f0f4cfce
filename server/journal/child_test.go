package journal

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// inChild runs the rest of a test in a process of its own, with attr, so that it
// can change what belongs to the whole process. It returns true there; in the
// parent it returns false when the child has ended, and fails if that failed.
// started is false if the system does not allow such a process.
func inChild(t *testing.T, attr *syscall.SysProcAttr) (here, started bool) {
	t.Helper()
	if os.Getenv(childRole) == t.Name() {
		return true, true
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=10m")
	child.Env = append(os.Environ(), childRole+"="+t.Name())
	child.SysProcAttr = attr
	var output bytes.Buffer
	child.Stdout, child.Stderr = &output, &output
	err := child.Run()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		return false, false
	}
	if err != nil || !bytes.Contains(output.Bytes(), []byte("--- PASS: "+t.Name())) {
		t.Fatalf("its process: %v\n%s", err, output.Bytes())
	}
	return false, true
}
