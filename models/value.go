package models

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/streamvet/streamvet/spelling"
)

const (
	maxItems = 64 // of every list and map of a manifest
	maxKey   = 64 // bytes of a field's name that are shown
)

// value reads node into v and reports what does not fit. field is its path.
func (r *report) value(node ast.Node, v reflect.Value, field string) {
	if t := node.GetToken(); t != nil && field != "" && r.lines[field] == 0 {
		r.lines[field] = t.Position.Line
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
func (r *report) structure(node ast.Node, v reflect.Value, field string) {
	all, required := names(v.Type())
	for _, pair := range r.pairs(node, field) {
		name := key(pair)
		at := join(field, legible(name, maxKey))
		r.lines[at] = pair.Key.GetToken().Position.Line
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
func (r *report) numbers(node ast.Node, v reflect.Value, field string) {
	m := reflect.MakeMap(v.Type())
	for _, pair := range r.pairs(node, field) {
		n := reflect.New(v.Type().Elem()).Elem()
		r.value(pair.Value, n, join(field, legible(key(pair), maxKey)))
		m.SetMapIndex(reflect.ValueOf(key(pair)), n)
	}
	v.Set(m)
}

func (r *report) list(node ast.Node, v reflect.Value, field string) {
	s, ok := node.(*ast.SequenceNode)
	if !ok {
		r.add(field, "a list is needed")
		return
	}
	most := maxItems
	if v.Kind() == reflect.Array {
		most = v.Len()
	}
	if len(s.Values) > most {
		r.add(field, "the list has %d entries, %d are the most", len(s.Values), most)
		return
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(s.Values), len(s.Values)))
	}
	for i, n := range s.Values {
		r.value(n, v.Index(i), fmt.Sprintf("%s[%d]", field, i))
	}
}

// pairs gives the pairs of a mapping, once for each key.
func (r *report) pairs(node ast.Node, field string) []*ast.MappingValueNode {
	var pairs []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		r.add(field, "fields are needed here, as in \"name: value\"")
		return nil
	}
	if len(pairs) > maxItems {
		r.add(field, "it has %d fields, %d are the most", len(pairs), maxItems)
		return nil
	}
	return pairs
}

func key(p *ast.MappingValueNode) string { return p.Key.GetToken().Value }

// scalar reads a string, number or truth value.
func (r *report) scalar(node ast.Node, v reflect.Value, field string) {
	switch v.Kind() {
	case reflect.String:
		text, ok := text(node)
		r.need(ok, field, "text is needed: write it in quotes if it looks like something else")
		v.SetString(text)
	case reflect.Bool:
		b, ok := node.(*ast.BoolNode)
		r.need(ok, field, "true or false is needed")
		v.SetBool(ok && b.Value)
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

func (r *report) duration(node ast.Node, v reflect.Value, field string) {
	if n, ok := number(node); ok && n == 0 {
		return
	}
	s, _ := text(node)
	d, err := time.ParseDuration(s)
	r.need(err == nil, field, "a time with its unit is needed, such as 500ms or 2s")
	v.SetInt(int64(d))
}

func text(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}

// number gives a finite number.
func number(node ast.Node) (float64, bool) {
	switch n := node.(type) {
	case *ast.FloatNode:
		return n.Value, !math.IsNaN(n.Value) && !math.IsInf(n.Value, 0)
	case *ast.IntegerNode:
		switch i := n.Value.(type) {
		case int64:
			return float64(i), true
		case uint64:
			return float64(i), true
		}
	}
	return 0, false
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}
