package models

import (
	"errors"
	"fmt"
)

// report gathers what is wrong with one manifest.
type report struct {
	lines map[string]int // of the fields that the file has, by path: "outputs[0].rule"
	errs  []error
}

// maxFindings keeps the report of a file of garbage readable.
const maxFindings = 20

// add reports a fault of a field: what is wrong and, after a colon, what to do.
func (r *report) add(field, format string, args ...any) {
	if len(r.errs) >= maxFindings {
		return
	}
	at := manifestFile
	if line := r.lines[field]; line > 0 {
		at = fmt.Sprintf("%s:%d", manifestFile, line)
	}
	r.errs = append(r.errs, fmt.Errorf(at+": "+field+": "+format, args...))
}

// need reports a fault unless ok.
func (r *report) need(ok bool, field, format string, args ...any) {
	if !ok {
		r.add(field, format, args...)
	}
}

func (r *report) err() error { return errors.Join(r.errs...) }
