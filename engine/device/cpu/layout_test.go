package cpu

import (
	"reflect"
	"testing"

	"github.com/streamvet/streamvet/engine/device/kernels"
	"github.com/streamvet/streamvet/engine/frame"
)

// words flattens a structure to the offset and size of every scalar in it.
func words(t reflect.Type, at uintptr) [][2]uintptr {
	var w [][2]uintptr
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.Name != "_" {
				w = append(w, words(f.Type, at+f.Offset)...)
			}
		}
	case reflect.Array:
		for i := range t.Len() {
			w = append(w, words(t.Elem(), at+uintptr(i)*t.Elem().Size())...)
		}
	default:
		w = append(w, [2]uintptr{at, t.Size()})
	}
	return w
}

func TestGoAndCLayStructuresOutAlike(t *testing.T) {
	for _, c := range []struct {
		name    string
		in, out any
	}{
		{"measures", frame.Measures{}, cMeasures{}},
		{"plan", kernels.Plan{}, cPlan{}},
		{"picture", kernels.Picture{}, cPicture{}},
	} {
		g, n := reflect.TypeOf(c.in), reflect.TypeOf(c.out)
		if g.Size() != n.Size() {
			t.Errorf("%s: %d bytes in Go, %d in C", c.name, g.Size(), n.Size())
		}
		if !reflect.DeepEqual(words(g, 0), words(n, 0)) {
			t.Errorf("%s: fields at other offsets in Go and in C", c.name)
		}
	}
}

// A field may keep its place and still be another one: names must agree too.
func TestMeasuresHaveTheSameFieldsInGoAndC(t *testing.T) {
	g, n := reflect.TypeOf(frame.Measures{}), reflect.TypeOf(cMeasures{})
	for i := range min(g.NumField(), n.NumField()) {
		if letters(g.Field(i).Name) != letters(n.Field(i).Name) {
			t.Errorf("field %d is %s in Go and %s in C", i, g.Field(i).Name, n.Field(i).Name)
		}
	}
	if g.NumField() != n.NumField() {
		t.Errorf("%d fields in Go, %d in C", g.NumField(), n.NumField())
	}
}

// letters drops case and underscores.
func letters(s string) string {
	var b []byte
	for _, c := range []byte(s) {
		if c != '_' {
			b = append(b, c|0x20)
		}
	}
	return string(b)
}
