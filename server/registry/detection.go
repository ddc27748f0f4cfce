package registry

import (
	"fmt"
	"slices"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Selection is what the engine is told to run. Names that no detector has are
// left out and given back.
func Selection(d *streamvetv1.Detection, loaded []models.Detector) (s engine.Selection, unknown []string, err error) {
	return selectionOf(d, loaded)
}

func selectionOf(d *streamvetv1.Detection, loaded []models.Detector) (s engine.Selection, unknown []string, err error) {
	known := func(names []string) []string {
		var there []string
		for _, n := range names {
			if slices.ContainsFunc(loaded, func(m models.Detector) bool { return m.Name == n }) {
				there = append(there, n)
			} else {
				unknown = append(unknown, n)
			}
		}
		return there
	}
	s.Only = known(d.GetInclude())
	if len(s.Only) == 0 && len(d.GetInclude()) > 0 {
		return s, unknown, fmt.Errorf("%w: none of the detectors that it includes is loaded: %v", engine.ErrSelection, unknown)
	}
	s.Without = known(d.GetExclude())
	if !slices.ContainsFunc(loaded, func(m models.Detector) bool {
		return (len(s.Only) == 0 || slices.Contains(s.Only, m.Name)) && !slices.Contains(s.Without, m.Name)
	}) {
		return s, unknown, fmt.Errorf("%w: no detector is left to run", engine.ErrSelection)
	}
	s.Rules, err = rulesOf(d.GetRules(), loaded)
	return s, unknown, err
}

// rulesOf puts the changes of rules over those of the detectors.
func rulesOf(overrides []*streamvetv1.RuleOverride, loaded []models.Detector) (map[engine.RuleKey]verdict.Rule, error) {
	rules := map[engine.RuleKey]verdict.Rule{}
	for _, d := range loaded {
		for _, out := range d.Outputs {
			rule, changed := out.Rule.Verdict(), false
			for _, o := range overrides {
				if o.GetDefect() == string(out.Defect) && (o.GetDetector() == "" || o.GetDetector() == d.Name) {
					rule, changed = overridden(rule, o.GetRule()), true
				}
			}
			if !changed {
				continue
			}
			if err := rule.Validate(); err != nil {
				return nil, fmt.Errorf("%w: the rule of %s for %s, with what was changed: %w", engine.ErrSelection, d.Name, out.Defect, err)
			}
			rules[engine.RuleKey{Detector: d.Name, Defect: out.Defect}] = rule
		}
	}
	return rules, nil
}

func overridden(r verdict.Rule, by *streamvetv1.Rule) verdict.Rule {
	number := func(to, from *float64) {
		if from != nil {
			*to = *from
		}
	}
	number(&r.Raise, by.Raise)
	number(&r.Clear, by.Clear)
	number(&r.Major, by.Major)
	number(&r.Critical, by.Critical)
	if by.MinScores != nil {
		r.MinScores = int(by.GetMinScores())
	}
	if by.GetMinDuration() != nil {
		r.MinDuration = by.GetMinDuration().AsDuration()
	}
	if by.GetHold() != nil {
		r.Hold = by.GetHold().AsDuration()
	}
	if by.GetMerge() != nil {
		r.Merge = by.GetMerge().AsDuration()
	}
	if by.GetUpdateEvery() != nil {
		r.UpdateEvery = by.GetUpdateEvery().AsDuration()
	}
	return r
}

// reconnect is how the engine is told to take a source up again.
func reconnect(p *streamvetv1.ReconnectPolicy) engine.Reconnect {
	r := engine.Reconnect{
		Initial: p.GetInitialBackoff().AsDuration(), Max: p.GetMaxBackoff().AsDuration(),
		Jitter: 0.2, Attempts: int(p.GetMaxAttempts()),
	}
	if p.GetJitter() != 0 || p != nil && p.Jitter != nil {
		r.Jitter = p.GetJitter()
	}
	return r
}
