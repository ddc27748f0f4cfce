package sound

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Detector asks for one measure under one name; it is the part of a manifest
// that this package needs.
type Detector struct {
	Name    string
	Measure string             // one of Measures
	Params  map[string]float64 // missing ones take the measure's default
	Defects []verdict.Defect   // every measure here scores exactly one
}

// kind is one measure: its parameters with their defaults, and how to make it.
type kind struct {
	name   string
	params params
	make   func(output, params, format) measure
}

type params map[string]float64

// format is what a measure must know of the track.
type format struct {
	rate, channels int
	msSamples      int // samples of one millisecond
}

func kinds() []kind {
	return []kind{
		silenceKind(), dropoutKind(), clippingKind(), loudnessKind(), truePeakKind(),
		phaseKind(), deadChannelKind(), dcOffsetKind(), humKind(), clickKind(),
	}
}

// Measures names every measure of this package.
func Measures() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// build makes the measure that d asks for, or says what is wrong with d.
func (d Detector) build(f format) (measure, error) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == d.Measure })
	if i < 0 {
		return nil, fmt.Errorf("detector %s: no measure %q for sound: there are %s", d.Name, d.Measure, strings.Join(Measures(), ", "))
	}
	if len(d.Defects) != 1 {
		return nil, fmt.Errorf("detector %s: measure %s scores one defect, the manifest names %d", d.Name, d.Measure, len(d.Defects))
	}
	p := maps.Clone(all[i].params)
	for name, v := range d.Params {
		if _, ok := p[name]; !ok {
			known := slices.Sorted(maps.Keys(p))
			return nil, fmt.Errorf("detector %s: measure %s has no parameter %q: it takes %s", d.Name, d.Measure, name, strings.Join(known, ", "))
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("detector %s: parameter %s is %v: it must be a number", d.Name, name, v)
		}
		p[name] = v
	}
	return all[i].make(output{d.Name, d.Defects[0]}, p, f), nil
}
