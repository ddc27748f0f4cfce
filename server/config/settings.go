package config

import (
	"reflect"
	"strings"
)

// setting is one field of a Config, with its names.
type setting struct {
	name  string        // "grpc.address"
	value reflect.Value // settable
	tag   reflect.StructTag
}

// settings lists the fields of c in their order. They write to c.
func settings(c *Config) []setting { return under("", reflect.ValueOf(c).Elem()) }

func under(prefix string, v reflect.Value) []setting {
	var all []setting
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("name")
		switch {
		case name == "": // not a setting
		case f.Type.Kind() == reflect.Struct:
			all = append(all, under(prefix+name+".", v.Field(i))...)
		default:
			all = append(all, setting{name: prefix + name, value: v.Field(i), tag: f.Tag})
		}
	}
	return all
}

// flag is "grpc-address", without the dashes before it.
func (s setting) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.name) }

const envPrefix = "STREAMVET_"

func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.name, ".", "_"))
}

func (s setting) help() string  { return s.tag.Get("help") }
func (s setting) live() bool    { return s.tag.Get("live") != "" }
func (s setting) secret() bool  { return s.tag.Get("secret") != "" }
func (s setting) words() string { return s.tag.Get("words") }

// section is "grpc", and "" for a setting outside of one.
func (s setting) section() string {
	section, _, within := strings.Cut(s.name, ".")
	if !within {
		return ""
	}
	return section
}

// Default is a Config of defaults alone.
func Default() Config {
	var c Config
	for _, s := range settings(&c) {
		if text := s.tag.Get("default"); text != "" {
			if err := s.set(text); err != nil {
				panic(s.name + ": " + err.Error()) // a fault in a tag, which any test shows
			}
		}
	}
	return c
}
