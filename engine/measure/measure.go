package measure

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Detector asks for a closed form. It is the part of a manifest that this
// package needs.
type Detector struct {
	Name    string             // stands in every score that it gives
	Measure string             // name of the closed form, see PictureMeasures and BitstreamMeasures
	Params  map[string]float64 // numbers of the closed form that differ from its own
	Defects []verdict.Defect   // a closed form scores exactly one
}

// ErrUnknownMeasure is returned for a closed form that does not exist.
var ErrUnknownMeasure = errors.New("measure: no such closed form")

// knob is a parameter of a closed form: where its number is kept, and between
// which bounds it makes sense.
type knob struct {
	name     string
	value    *float64
	min, max float64
}

// output says under which names a closed form reports.
type output struct {
	detector string
	defect   verdict.Defect
}

// configure checks d and turns the knobs of its closed form.
func configure(d Detector, knobs []knob) (output, error) {
	if len(d.Defects) != 1 {
		return output{}, fmt.Errorf("detector %s: closed form %q scores exactly one defect, the manifest names %d", d.Name, d.Measure, len(d.Defects))
	}
	for name, v := range d.Params {
		i := slices.IndexFunc(knobs, func(k knob) bool { return k.name == name })
		if i < 0 {
			return output{}, fmt.Errorf("detector %s: closed form %q has no parameter %q (it has: %s)", d.Name, d.Measure, name, knobNames(knobs))
		}
		k := knobs[i]
		if math.IsNaN(v) || v < k.min || v > k.max {
			return output{}, fmt.Errorf("detector %s: parameter %s is %v, not in [%v, %v]", d.Name, name, v, k.min, k.max)
		}
		*k.value = v
	}
	return output{d.Name, d.Defects[0]}, nil
}

func knobNames(knobs []knob) string {
	if len(knobs) == 0 {
		return "none"
	}
	names := make([]string, len(knobs))
	for i, k := range knobs {
		names[i] = k.name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// unchanged is the place of d among detectors, -1 if there is none just like it.
func unchanged(detectors []Detector, d Detector) int {
	return slices.IndexFunc(detectors, func(old Detector) bool {
		return old.Name == d.Name && old.Measure == d.Measure && maps.Equal(old.Params, d.Params) && slices.Equal(old.Defects, d.Defects)
	})
}

func unknownMeasure(d Detector, known []string) error {
	return fmt.Errorf("detector %s: %w: %q (known: %s)", d.Name, ErrUnknownMeasure, d.Measure, strings.Join(known, ", "))
}

// ramp maps a reading to a score: 0 at zero, 0.5 at half, 1 at one, linear in
// between. The three may rise or fall; NaN gives 0.
func ramp(x, zero, half, one float64) float64 {
	if one < zero {
		x, zero, half, one = -x, -zero, -half, -one
	}
	switch {
	case x >= one:
		return 1
	case x >= half:
		return 0.5 + 0.5*(x-half)/max(one-half, 1e-12)
	case x > zero:
		return 0.5 * (x - zero) / max(half-zero, 1e-12)
	}
	return 0
}
