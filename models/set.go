package models

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/streamvet/streamvet/spelling"
)

// Detector is one detector as it was read and found good.
type Detector struct {
	Manifest
	// ONNX is the network's file, nil for a closed form. It is read-only.
	ONNX []byte
	// HalfONNX is its variant in half precision for GPUs, nil if it has none.
	// Read-only.
	HalfONNX []byte
	// Path is the folder that it comes from, for people.
	Path string
}

// Set is a set of detectors with different names. It does not change.
type Set struct {
	detectors []Detector // sorted
}

func newSet(detectors []Detector) *Set {
	slices.SortFunc(detectors, func(a, b Detector) int {
		return cmp.Or(
			cmp.Compare(slices.Index(inputs, a.Input), slices.Index(inputs, b.Input)),
			cmp.Compare(a.Name, b.Name))
	})
	return &Set{detectors: detectors}
}

// Detectors lists them: those of pictures, of sound, of the bitstream, of the clock, each by
// name. What hangs from them (outputs, parameters, files) is read-only.
func (s *Set) Detectors() []Detector { return slices.Clone(s.detectors) }

// With gives s and other together; of two with the same name, that of other.
func (s *Set) With(other *Set) *Set {
	both := slices.Clone(other.detectors)
	for _, d := range s.detectors {
		if !slices.ContainsFunc(other.detectors, func(o Detector) bool { return o.Name == d.Name }) {
			both = append(both, d)
		}
	}
	return newSet(both)
}

// Choose gives the detectors that only names, all where it names none, but for those
// that without names. A name that no detector has is an error.
func (s *Set) Choose(only, without []string) ([]Detector, error) {
	names := make([]string, len(s.detectors))
	for i, d := range s.detectors {
		names[i] = d.Name
	}
	for _, n := range slices.Concat(only, without) {
		if slices.Contains(names, n) {
			continue
		}
		hint := "there are: "
		if near := spelling.Nearest(n, names); near != "" {
			hint = "did you mean " + near + "? There are: "
		}
		return nil, fmt.Errorf("there is no detector %.70q: %s%s", n, hint, strings.Join(names, " "))
	}
	return slices.DeleteFunc(s.Detectors(), func(d Detector) bool {
		return len(only) > 0 && !slices.Contains(only, d.Name) || slices.Contains(without, d.Name)
	}), nil
}
