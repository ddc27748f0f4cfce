package models

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/streamvet/streamvet/plainyaml"
	"github.com/streamvet/streamvet/spelling"
)

const (
	maxItems = 64 // of every list and map of a manifest
	maxKey   = 64 // bytes of a field's name that are shown
)

// value reads node into v and reports what does not fit. field is its path.
func (r *report) value(node *plainyaml.Node, v reflect.Value, field string) {
	if field != "" && r.lines[field] == 0 {
		r.lines[field] = node.Line
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		r.duration(node, v, field)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(node, v.Elem(), field)
	case reflect.Struct:
		r.structure(node, v, field)
	case reflect.Map:
		r.numbers(node, v, field)
	case reflect.Slice, reflect.Array:
		r.list(node, v, field)
	default:
		r.scalar(node, v, field)
	}
}

// structure reads a mapping into a struct, by the names in its tags.
func (r *report) structure(node *plainyaml.Node, v reflect.Value, field string) {
	all, required := names(v.Type())
	for _, pair := range r.fields(node, field) {
		name := pair.Name
		at := join(field, legible(name, maxKey))
		r.lines[at] = pair.Line
		i := slices.Index(all, name)
		if i < 0 {
			hint := "the fields here are " + strings.Join(all, ", ")
			near := spelling.Nearest(legible(name, maxKey), all)
			if near != "" {
				hint = "did you mean " + near + "?"
			}
			r.add(at, "unknown field: %s", hint)
			if required[near] { // it is there, under the wrong name
				delete(required, near)
				r.bad[join(field, near)] = true
			}
			continue
		}
		delete(required, name)
		r.value(pair.Value, v.Field(i), at)
	}
	for _, name := range all {
		if required[name] {
			r.lines[join(field, name)] = r.lines[field]
			r.add(join(field, name), "it is missing")
		}
	}
}

// numbers reads a mapping of names to numbers.
func (r *report) numbers(node *plainyaml.Node, v reflect.Value, field string) {
	m := reflect.MakeMap(v.Type())
	for _, pair := range r.fields(node, field) {
		n := reflect.New(v.Type().Elem()).Elem()
		r.value(pair.Value, n, join(field, legible(pair.Name, maxKey)))
		m.SetMapIndex(reflect.ValueOf(pair.Name), n)
	}
	v.Set(m)
}

func (r *report) list(node *plainyaml.Node, v reflect.Value, field string) {
	if node.Kind != plainyaml.List {
		r.add(field, "a list is needed")
		return
	}
	most := maxItems
	if v.Kind() == reflect.Array {
		most = v.Len()
	}
	if len(node.Items) > most {
		r.add(field, "the list has %d entries, %d are the most", len(node.Items), most)
		return
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(node.Items), len(node.Items)))
	}
	for i, n := range node.Items {
		r.value(n, v.Index(i), fmt.Sprintf("%s[%d]", field, i))
	}
}

// fields gives those of a mapping.
func (r *report) fields(node *plainyaml.Node, field string) []plainyaml.Field {
	if node.Kind != plainyaml.Mapping {
		r.add(field, "fields are needed here, as in \"name: value\"")
		return nil
	}
	if len(node.Fields) > maxItems {
		r.add(field, "it has %d fields, %d are the most", len(node.Fields), maxItems)
		return nil
	}
	return node.Fields
}

// scalar reads a string, number or truth value.
func (r *report) scalar(node *plainyaml.Node, v reflect.Value, field string) {
	switch v.Kind() {
	case reflect.String:
		r.need(node.Kind == plainyaml.Text, field, "text is needed: write it in quotes if it looks like something else")
		v.SetString(node.Text)
	case reflect.Bool:
		r.need(node.Kind == plainyaml.Bool, field, "true or false is needed")
		v.SetBool(strings.EqualFold(node.Text, "true"))
	case reflect.Int:
		n, ok := number(node)
		ok = ok && n == math.Trunc(n) && math.Abs(n) < 1<<31
		r.need(ok, field, "a whole number is needed")
		if ok {
			v.SetInt(int64(n))
		}
	default:
		n, ok := number(node)
		r.need(ok, field, "a number is needed")
		v.SetFloat(n)
	}
}

func (r *report) duration(node *plainyaml.Node, v reflect.Value, field string) {
	if n, ok := number(node); ok && n == 0 {
		return
	}
	d, err := time.ParseDuration(node.Text) // of a bare number that is an error: it has no unit
	r.need(err == nil, field, "a time with its unit is needed, such as 500ms or 2s")
	v.SetInt(int64(d))
}

// number gives a finite number.
func number(node *plainyaml.Node) (float64, bool) {
	if node.Kind != plainyaml.Number || math.IsNaN(node.Number) || math.IsInf(node.Number, 0) {
		return 0, false
	}
	return node.Number, true
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}
