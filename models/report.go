package models

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Fault is one thing that is wrong with a detector's folder.
type Fault struct {
	Line  int    // of detector.yaml; 0 where no line is to blame
	Field string // "network.tensor.dtype", "outputs[0].rule"; "" is the whole file
	Err   error  // what is wrong and, after a colon, what to do
}

func (f *Fault) Error() string {
	at := manifestFile
	if f.Line > 0 {
		at = fmt.Sprintf("%s:%d", manifestFile, f.Line)
	}
	if f.Field != "" {
		at += ": " + f.Field
	}
	return fmt.Sprintf("%s: %v", at, f.Err)
}

func (f *Fault) Unwrap() error { return f.Err }

// report gathers what is wrong with one manifest, one fault a field.
type report struct {
	lines map[string]int  // of the fields that the file has, by path: "outputs[0].rule"
	bad   map[string]bool // the fields with a fault; "" is the whole file
	errs  []error
}

// maxFindings keeps the report of a file of garbage readable.
const maxFindings = 20

func newReport() *report {
	return &report{lines: map[string]int{}, bad: map[string]bool{}}
}

// add reports a fault of a field: what is wrong and, after a colon, what to do.
// If the field, or one that it is part of, has a fault already, this one only
// follows from it and is left out.
func (r *report) add(field, format string, args ...any) {
	for part := field; ; {
		if r.bad[part] {
			return
		}
		if part == "" {
			break
		}
		part = part[:max(0, strings.LastIndexAny(part, ".["))]
	}
	r.bad[field] = true
	if len(r.errs) >= maxFindings {
		return
	}
	r.errs = append(r.errs, &Fault{Line: r.lines[field], Field: field, Err: fmt.Errorf(format, args...)})
}

// legible is s in at most n bytes without what a terminal would obey.
func legible(s string, n int) string {
	if len(s) > n {
		s = s[:n] + "..."
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) || c == '\n' {
			return c
		}
		return unicode.ReplacementChar
	}, s)
}

// need reports a fault unless ok.
func (r *report) need(ok bool, field, format string, args ...any) {
	if !ok {
		r.add(field, format, args...)
	}
}

// clean tells whether the parts of a field have no fault so far.
func (r *report) clean(field string) bool {
	for f := range r.bad {
		if strings.HasPrefix(f, field+".") {
			return false
		}
	}
	return true
}

func (r *report) err() error { return errors.Join(r.errs...) }
