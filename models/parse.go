package models

import (
	"errors"
	"reflect"
	"strings"

	"github.com/streamvet/streamvet/plainyaml"
)

// maxWords is far above what a manifest has.
const maxWords = 4096

// parse reads a manifest. It never fails: what it cannot read is in the report.
func parse(data []byte) (Manifest, *report) {
	var m Manifest
	r := newReport()
	root, line, err := plainyaml.Parse(data, maxWords)
	if err == nil && root.Kind == plainyaml.Empty {
		err = errors.New("it is empty")
	}
	if err != nil {
		r.lines[""] = line
		r.add("", "%w", err)
		return m, r
	}
	r.value(root, reflect.ValueOf(&m).Elem(), "")
	return m, r
}

// names lists the fields of a struct as a manifest writes them, and which of
// them it must have: all but those that may be left out.
func names(t reflect.Type) (all []string, required map[string]bool) {
	required = map[string]bool{}
	for i := range t.NumField() {
		name, option, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		all = append(all, name)
		required[name] = option != "omitempty"
	}
	return all, required
}
