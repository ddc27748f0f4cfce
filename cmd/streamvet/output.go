package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
)

// output is the stdout of a command. It remembers the first write that failed,
// so that one place tells it, whatever the command was writing.
type output struct {
	w      io.Writer
	failed error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && o.failed == nil {
		o.failed = err
	}
	return n, err
}

// terminalOf is the terminal behind w, or nil.
func terminalOf(w io.Writer) *os.File {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

func isTerminal(w io.Writer) bool { return terminalOf(w) != nil }

// spareInputs refuses output files that are an input, or one another.
func spareInputs(inputs []string, outputs ...string) error {
	for i, out := range outputs {
		if out == "" {
			continue
		}
		for _, in := range inputs {
			if sameFile(out, strings.TrimPrefix(in, "file://")) {
				return fmt.Errorf("%s is an input: writing to it would destroy it; give another name", report.Legible(out))
			}
		}
		for _, other := range outputs[:i] {
			if other != "" && sameFile(out, other) {
				return fmt.Errorf("%s cannot be both: give two names", report.Legible(out))
			}
		}
	}
	return nil
}

// sameFile tells whether two paths lead to one file, or will.
func sameFile(a, b string) bool {
	sa, errA := os.Stat(a)
	sb, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return sa.Mode().IsRegular() && os.SameFile(sa, sb)
	}
	return errA != nil && errB != nil && filepath.Clean(a) == filepath.Clean(b)
}
