package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
)

// lineup is the detectors in force, sorted by the room that runs them. It does
// not change; a source takes another one up at its next picture.
type lineup struct {
	detectors []models.Detector
	networks  []*network // all of them

	pictureNetworks, soundNetworks []*network

	pictureForms, soundForms, bitForms, clockForms []measure.Detector
	// What the scores of a track may be about, by what it carries.
	pictureOutputs, soundOutputs, bitOutputs, clockOutputs []verdict.Output
	scribe                                                 *scribe
}

// newLineup sorts detectors; networkOf gives the network of one that has one.
func newLineup(detectors []models.Detector, networkOf func(models.Detector) (*network, error)) (*lineup, error) {
	l := &lineup{detectors: detectors, scribe: newScribe(detectors)}
	for _, d := range detectors {
		if err := l.place(d, networkOf); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *lineup) place(d models.Detector, networkOf func(models.Detector) (*network, error)) error {
	var defects []verdict.Defect
	var outputs []verdict.Output
	for _, o := range d.Outputs {
		defects = append(defects, o.Defect)
		outputs = append(outputs, verdict.Output{Detector: d.Name, Version: d.Version, Defect: o.Defect, Rule: o.Rule.Verdict()})
	}
	form := measure.Detector{Name: d.Name, Measure: d.Measure, Params: d.Params, Defects: defects}
	switch {
	case d.Network != nil:
		n, err := networkOf(d)
		if err != nil {
			return err
		}
		l.networks = append(l.networks, n)
		if d.Input == "sound" {
			l.soundNetworks = append(l.soundNetworks, n)
			l.soundOutputs = append(l.soundOutputs, outputs...)
			break
		}
		l.pictureNetworks = append(l.pictureNetworks, n)
		l.pictureOutputs = append(l.pictureOutputs, outputs...)
	case d.Input == "picture":
		l.pictureForms = append(l.pictureForms, form)
		l.pictureOutputs = append(l.pictureOutputs, outputs...)
	case d.Input == "sound":
		l.soundForms = append(l.soundForms, form)
		l.soundOutputs = append(l.soundOutputs, outputs...)
	case d.Input == "bitstream":
		l.bitForms = append(l.bitForms, form)
		l.bitOutputs = append(l.bitOutputs, outputs...)
	case d.Input == "clock":
		l.clockForms = append(l.clockForms, form)
		l.clockOutputs = append(l.clockOutputs, outputs...)
	default:
		return fmt.Errorf("detector %s: input %q is none of picture, sound, bitstream, clock", d.Name, d.Input)
	}
	return nil
}

// tryForms makes every closed form once, so that a wrong name or parameter is
// told now.
func (l *lineup) tryForms() error {
	_, pictures := measure.NewPicture(l.pictureForms)
	_, sounds := sound.New(l.soundForms, 48000, 2)
	_, bits := measure.NewBitstream(l.bitForms)
	_, clocks := measure.NewClock(l.clockForms)
	return errors.Join(pictures, sounds, bits, clocks)
}

// needsLoudness tells whether a detector reads EBU R128.
func (l *lineup) needsLoudness() bool {
	return slices.ContainsFunc(l.soundForms, func(f measure.Detector) bool {
		return f.Measure == "loudness" || f.Measure == "true_peak"
	})
}

// Selection is which detectors run on one source, and under which rules. The
// zero value runs all as they are.
type Selection struct {
	// Only names the detectors to run; empty stands for all. Without takes some out.
	Only, Without []string
	// Rules replace those of the manifests, by detector and defect.
	Rules map[RuleKey]verdict.Rule
}

// RuleKey names an output of a detector.
type RuleKey struct {
	Detector string
	Defect   verdict.Defect
}

// choose is the part of the lineup that a source runs.
func (l *lineup) choose(s Selection) (*lineup, error) {
	if len(s.Only) == 0 && len(s.Without) == 0 && len(s.Rules) == 0 {
		return l, nil
	}
	if err := l.check(s); err != nil {
		return nil, err
	}
	var chosen []models.Detector
	for _, d := range l.detectors {
		if name := plainName(d.Name); len(s.Only) > 0 && !slices.Contains(s.Only, name) || slices.Contains(s.Without, name) {
			continue
		}
		chosen = append(chosen, withRules(d, s.Rules))
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%w: no detector is left to run", ErrSelection)
	}
	return newLineup(chosen, l.network)
}

// network is the one that runs a detector of the lineup.
func (l *lineup) network(d models.Detector) (*network, error) {
	for _, n := range l.networks {
		if n.detector.Name == d.Name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("detector %s: its network is not loaded", d.Name)
}

// ErrSelection is in the error of a Selection that makes no sense.
var ErrSelection = errors.New("selection of detectors")

// check refuses names that nothing answers to.
func (l *lineup) check(s Selection) error {
	var errs []error
	find := func(name string) *models.Detector {
		for i := range l.detectors {
			if l.detectors[i].Name == name {
				return &l.detectors[i]
			}
		}
		errs = append(errs, fmt.Errorf("detector %q is not loaded", name))
		return nil
	}
	for _, name := range slices.Concat(s.Only, s.Without) {
		find(name)
	}
	for k, r := range s.Rules {
		d := find(k.Detector)
		if d != nil && !slices.ContainsFunc(d.Outputs, func(o models.Output) bool { return o.Defect == k.Defect }) {
			errs = append(errs, fmt.Errorf("detector %q does not score the defect %q", k.Detector, k.Defect))
		}
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("rule of %s by detector %s: %w", k.Defect, k.Detector, err))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%w: %w", ErrSelection, errors.Join(errs...))
	}
	return nil
}

// among leaves out what names no detector of the list.
func (s Selection) among(detectors []models.Detector) Selection {
	loaded := func(name string) bool {
		return slices.ContainsFunc(detectors, func(d models.Detector) bool { return d.Name == name })
	}
	gone := func(name string) bool { return !loaded(name) }
	s.Only = slices.DeleteFunc(slices.Clone(s.Only), gone)
	s.Without = slices.DeleteFunc(slices.Clone(s.Without), gone)
	rules := maps.Clone(s.Rules)
	maps.DeleteFunc(rules, func(k RuleKey, _ verdict.Rule) bool { return gone(k.Detector) })
	s.Rules = rules
	return s
}

func withRules(d models.Detector, rules map[RuleKey]verdict.Rule) models.Detector {
	d.Outputs = slices.Clone(d.Outputs)
	for i := range d.Outputs {
		if r, ok := rules[RuleKey{plainName(d.Name), d.Outputs[i].Defect}]; ok {
			d.Outputs[i].Rule = models.Rule(r)
		}
	}
	return d
}
