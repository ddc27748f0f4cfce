package inject

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/streamvet/streamvet/spelling"
)

// Spec is one wish for a defect, as `KIND[:param=value,...]@START[-END]` says it.
type Spec struct {
	Kind   Kind
	Level  int    // of the kind's Levels, from 1; 0: none was named
	Params Params // every parameter of the kind, defaults filled in
	Start  Moment
	End    Moment // Unset: the kind's default length
}

// ParseSpec reads the value of a --defect flag. Its errors say what would be right.
func ParseSpec(s string) (Spec, error) {
	head, place, ok := strings.Cut(s, "@")
	if !ok {
		return Spec{}, fmt.Errorf("%q does not say where: write KIND@START-END, like black@2-3.5", s)
	}
	name, params, _ := strings.Cut(head, ":")
	kind, err := kindByName(name)
	if err != nil {
		return Spec{}, err
	}
	spec := Spec{Kind: kind}
	if spec.Params, spec.Level, err = kind.parseParams(params); err != nil {
		return Spec{}, err
	}
	start, end, ranged := strings.Cut(place, "-")
	if spec.Start, err = ParseMoment(start); err != nil {
		return Spec{}, fmt.Errorf("start of %s: %w", name, err)
	}
	if spec.Start.Measure == AtEnd {
		return Spec{}, fmt.Errorf("%s cannot start at the end", name)
	}
	if ranged {
		if spec.End, err = ParseMoment(end); err != nil {
			return Spec{}, fmt.Errorf("end of %s: %w", name, err)
		}
	}
	if spec.backwards() {
		return Spec{}, fmt.Errorf("%s ends at %s, which is not after its start %s: write START-END", name, spec.End, spec.Start)
	}
	return spec, nil
}

// backwards tells whether the end is certainly not after the start; for a time
// against a picture number only the clip's rate can tell.
func (s Spec) backwards() bool {
	if s.Start.Measure != s.End.Measure {
		return false
	}
	return s.End.Time <= s.Start.Time && s.End.Frame <= s.Start.Frame
}

// String is the spec as ParseSpec reads it, with every parameter.
func (s Spec) String() string {
	out := s.Kind.Name
	sep := ":"
	if s.Level > 0 {
		out, sep = out+":level="+strconv.Itoa(s.Level), ","
	}
	for _, p := range s.Kind.Params {
		out += sep + p.Name + "=" + strconv.FormatFloat(s.Params[p.Name], 'g', -1, 64)
		sep = ","
	}
	out += "@" + s.Start.String()
	if s.End.Measure != Unset {
		out += "-" + s.End.String()
	}
	return out
}

// Params are the values of a kind's parameters by name.
type Params map[string]float64

// parseParams reads name=value pairs. level=N stands for the values of that
// level; parameters that are named too count more.
func (k Kind) parseParams(s string) (out Params, level int, err error) {
	out = Params{}
	for _, p := range k.Params {
		out[p.Name] = p.Default
	}
	if s == "" {
		return out, 0, nil
	}
	given := map[string]bool{}
	named := Params{}
	for pair := range strings.SplitSeq(s, ",") {
		name, text, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, 0, fmt.Errorf("parameter %q of %s has no value: write name=value", pair, k.Name)
		}
		if given[name] {
			return nil, 0, fmt.Errorf("parameter %s of %s is given twice", name, k.Name)
		}
		given[name] = true
		if name == "level" {
			if level, err = k.parseLevel(text); err != nil {
				return nil, 0, err
			}
			continue
		}
		i := slices.IndexFunc(k.Params, func(p Param) bool { return p.Name == name })
		if i < 0 {
			return nil, 0, k.unknownParam(name)
		}
		if named[name], err = k.Params[i].parse(text); err != nil {
			return nil, 0, fmt.Errorf("parameter %s of %s: %w", name, k.Name, err)
		}
	}
	if level > 0 {
		maps.Copy(out, k.Levels[level-1])
	}
	maps.Copy(out, named)
	return out, level, nil
}

func (k Kind) parseLevel(text string) (int, error) {
	n, err := strconv.Atoi(text)
	switch {
	case len(k.Levels) == 0:
		return 0, fmt.Errorf("%s has no levels: leave level=%s out", k.Name, text)
	case err != nil || n < 1 || n > len(k.Levels):
		return 0, fmt.Errorf("level of %s: %q is none of 1..%d", k.Name, text, len(k.Levels))
	}
	return n, nil
}

func (k Kind) unknownParam(name string) error {
	if len(k.Params) == 0 {
		return fmt.Errorf("%s takes no parameters, not %q", k.Name, name)
	}
	var names []string
	for _, p := range k.Params {
		names = append(names, p.Name)
	}
	return fmt.Errorf("%s has no parameter %q%s: it takes %s", k.Name, name, didYouMean(name, names), strings.Join(names, ", "))
}

func (p Param) parse(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v != v {
		return 0, fmt.Errorf("%q is no number", text)
	}
	if v < p.Min || v > p.Max {
		return 0, fmt.Errorf("%g is outside %g..%g%s", v, p.Min, p.Max, spaced(p.Unit))
	}
	if p.Whole && v != float64(int64(v)) {
		return 0, fmt.Errorf("%g must be a whole number", v)
	}
	return v, nil
}

func spaced(unit string) string {
	if unit == "" {
		return ""
	}
	return " " + unit
}

// kindByName finds a kind, or says which one is nearest and which there are.
func kindByName(name string) (Kind, error) {
	var names []string
	for _, k := range Kinds() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return Kind{}, fmt.Errorf("no defect kind %q%s: the kinds are %s", name, didYouMean(name, names), strings.Join(names, ", "))
}

// didYouMean names the candidate nearest to s, unless all are far from it.
func didYouMean(s string, names []string) string {
	if len(s) > 64 { // user input; nothing that long is near to any name
		return ""
	}
	best := slices.MinFunc(names, func(a, b string) int { return spelling.Distance(s, a) - spelling.Distance(s, b) })
	if d := spelling.Distance(s, best); d > max(2, len(best)/2) {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

func (p Params) clone() map[string]float64 { return maps.Clone(map[string]float64(p)) }
