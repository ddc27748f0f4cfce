package sound

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/streamvet/streamvet/engine/measure"
)

// kind is one measure: its parameters with their defaults, and how to make it.
type kind struct {
	name   string
	params params
	make   func(output, params, format) scorer
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
		phaseKind(), deadChannelKind(), dcOffsetKind(), clickKind(),
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

// build makes the closed form that d asks for, or says what is wrong with d.
func build(d measure.Detector, f format) (scorer, error) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == d.Measure })
	if i < 0 {
		return nil, fmt.Errorf("detector %s: %w: %q (known for sound: %s)", d.Name, measure.ErrUnknownMeasure, d.Measure, strings.Join(Measures(), ", "))
	}
	if len(d.Defects) != 1 {
		return nil, fmt.Errorf("detector %s: closed form %q scores exactly one defect, the manifest names %d", d.Name, d.Measure, len(d.Defects))
	}
	p := maps.Clone(all[i].params)
	for name, v := range d.Params {
		if _, ok := p[name]; !ok {
			known := slices.Sorted(maps.Keys(p))
			return nil, fmt.Errorf("detector %s: closed form %q has no parameter %q (it has: %s)", d.Name, d.Measure, name, strings.Join(known, ", "))
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("detector %s: parameter %s is %v: it must be a number", d.Name, name, v)
		}
		p[name] = v
	}
	return all[i].make(output{d.Name, d.Defects[0]}, p, f), nil
}
