package journal

import (
	"slices"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Filter chooses records. What is empty lets all through; what is set must all
// be true.
type Filter struct {
	// Sources are names of which the source must be one.
	Sources []string
	// Labels are what the source must have had, with these values.
	Labels map[string]string
	// Defects are names of which the defect must be one.
	Defects []string
	// MinSeverity is the least severity.
	MinSeverity streamvetv1.Severity
	// States are those of which the verdict must be in one.
	States []streamvetv1.State
}

// matches tells whether v passes. A record that could not be decoded has no
// verdict and never does.
func (f Filter) matches(v *streamvetv1.Verdict) bool {
	if v == nil || v.GetSeverity() < f.MinSeverity {
		return false
	}
	if !in(f.Sources, v.GetSource()) || !in(f.Defects, v.GetDefect()) || !in(f.States, v.GetState()) {
		return false
	}
	for key, want := range f.Labels {
		if has, ok := v.GetLabels()[key]; !ok || has != want {
			return false
		}
	}
	return true
}

// pattern is the narrowest subject that lets through everything that matches.
// It saves reading; matches decides.
func (f Filter) pattern() string {
	source, defect, severity, state := "*", "*", "*", "*"
	if len(f.Sources) == 1 {
		source = token(f.Sources[0])
	}
	if len(f.Defects) == 1 {
		defect = token(f.Defects[0])
	}
	if f.MinSeverity == streamvetv1.Severity_SEVERITY_CRITICAL {
		severity = severityToken(f.MinSeverity)
	}
	if len(f.States) == 1 {
		state = stateToken(f.States[0])
	}
	if source == "*" && defect == "*" && severity == "*" && state == "*" {
		return everySubject
	}
	return join(source, defect, severity, state)
}

func in[T comparable](set []T, one T) bool { return len(set) == 0 || slices.Contains(set, one) }
