package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/streamvet/streamvet/plainyaml"
)

// readFile reads the file into l.
func (l *Loaded) readFile() error {
	data, err := readAll(l.File)
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	root, wrong := parseYAML(data)
	if wrong != nil {
		return wrong.in(l.File)
	}
	if isEmpty(root) {
		return nil
	}
	var errs []error
	for _, f := range l.readRoot(root) {
		errs = append(errs, f.in(l.File))
	}
	return errors.Join(errs...)
}

func readAll(path string) ([]byte, error) {
	// A pipe would block the open, so look before.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// maxFaults keeps the report on a file of garbage readable.
const maxFaults = 20

// readRoot reads the whole mapping and tells all that is wrong.
func (l *Loaded) readRoot(root *plainyaml.Node) []*fault {
	top, wrong := mapping(root)
	if wrong != nil {
		return []*fault{wrong}
	}
	all := settings(&l.Config)
	var faults []*fault
	for _, p := range top {
		switch {
		case p.Name == "sources":
			sources, wrong := readSources(p.Value)
			l.Sources = sources
			faults = append(faults, wrong...)
		case hasSection(all, p.Name):
			faults = append(faults, l.readSection(all, p)...)
		default:
			faults = append(faults, l.readSetting(all, p.Name, p)...)
		}
	}
	return faults[:min(len(faults), maxFaults)]
}

func hasSection(all []setting, name string) bool {
	for _, s := range all {
		if s.section() == name && name != "" {
			return true
		}
	}
	return false
}

func (l *Loaded) readSection(all []setting, section plainyaml.Field) []*fault {
	if isEmpty(section.Value) {
		return nil
	}
	fields, wrong := mapping(section.Value)
	if wrong != nil {
		return []*fault{wrong}
	}
	var faults []*fault
	for _, p := range fields {
		faults = append(faults, l.readSetting(all, section.Name+"."+p.Name, p)...)
	}
	return faults
}

func (l *Loaded) readSetting(all []setting, name string, p plainyaml.Field) []*fault {
	for _, s := range all {
		if s.name != name {
			continue
		}
		if err := setNode(s, p.Value); err != nil {
			return []*fault{faultAt(p.Line, "%s: %w", name, err)}
		}
		l.origins[name] = fmt.Sprintf("%s:%d", l.File, p.Line)
		return nil
	}
	return []*fault{faultAt(p.Line, "%s: there is no such setting%s", plainyaml.Legible(name), suggestSetting(all, name))}
}

// suggestSetting names what was meant: in the same section if there is one, else
// anywhere.
func suggestSetting(all []setting, name string) string {
	section, field, within := strings.Cut(name, ".")
	var here, anywhere []string
	for _, s := range all {
		switch {
		case within && s.section() == section:
			here = append(here, strings.TrimPrefix(s.name, section+"."))
		case !within && s.section() != "":
			here = append(here, s.section())
		case !within:
			here = append(here, s.name)
		}
		anywhere = append(anywhere, s.name)
	}
	if !within {
		here, field = append(here, "sources"), name
	}
	if near := nearest(field, here); near != "" {
		return ": did you mean " + near + "?"
	}
	for _, s := range anywhere {
		if _, last, _ := strings.Cut(s, "."); last == field {
			return ": did you mean " + s + "?"
		}
	}
	return ""
}

// setNode sets s to a value of the file.
func setNode(s setting, n *plainyaml.Node) error {
	if _, list := s.value.Interface().([]string); list {
		entries, err := texts(n)
		if err != nil {
			return err
		}
		return s.setList(entries)
	}
	text, ok := n.Scalar()
	switch {
	case isEmpty(n):
		return errors.New("it has no value: write one, or take the line away")
	case !ok:
		return errors.New("one value is needed")
	}
	err := s.set(text)
	if err != nil && s.secret() {
		return errors.New("it is not what is wanted here")
	}
	return err
}

// texts gives the entries of a list; one value stands for a list of it.
func texts(n *plainyaml.Node) ([]string, error) {
	if isEmpty(n) {
		return nil, nil
	}
	if n.Kind != plainyaml.List {
		text, ok := n.Scalar()
		if !ok {
			return nil, errors.New("a list is needed")
		}
		return []string{text}, nil
	}
	var entries []string
	for _, e := range n.Items {
		text, ok := e.Scalar()
		if !ok {
			return nil, errors.New("a list of plain values is needed")
		}
		entries = append(entries, text)
	}
	return entries, nil
}
