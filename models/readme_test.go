package models

import (
	"os"
	"reflect"
	"regexp"
	"testing"
)

// The page for people who bring a detector names every field of a manifest.
func TestReadmeNamesEveryField(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct {
			return
		}
		fields, _ := names(of)
		for i, field := range fields {
			if !regexp.MustCompile("[`.]" + field + "[`.]").Match(page) {
				t.Errorf("README.md does not tell of %s in %v", field, of)
			}
			walk(of.Field(i).Type)
		}
	}
	walk(reflect.TypeFor[Manifest]())
}
