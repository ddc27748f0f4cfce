package verdict

import (
	"errors"
	"fmt"
	"time"
)

// Rule turns scores over time into verdicts. Times are media time.
type Rule struct {
	// Raise is the score from which a stretch counts as defective; 0 < Raise <= 1.
	Raise float64
	// Clear is the score below which it has ended; 0 <= Clear <= Raise. Between
	// the two, a defect goes on but does not begin.
	Clear float64
	// MinDuration is how long a defect must last before it is raised. Its start is
	// then where it began, not where it was raised.
	MinDuration time.Duration
	// MinScores is how many scores at or above Raise are needed before it is
	// raised; 0 counts as 1. For detectors that look only now and then.
	MinScores int
	// Hold is how long scores may stay below Clear, or away, before the defect
	// counts as ended. The end is then where the scores fell, not where the hold ran out.
	Hold time.Duration
	// Merge joins a raised defect with the next one if they are no further apart:
	// the verdict stays open for Hold or Merge, whichever is longer.
	Merge time.Duration
	// UpdateEvery is how often an open verdict is reported again; 0 is never.
	// A rise in severity is always reported.
	UpdateEvery time.Duration
	// Major and Critical are the peak scores from which the severity is so;
	// 0 leaves that severity out.
	Major, Critical float64
}

// Validate says what is wrong with the rule, or nil.
func (r Rule) Validate() error {
	var errs []error
	bad := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(r.Raise > 0 && r.Raise <= 1, "raise %v is not in (0, 1]", r.Raise)
	bad(r.Clear >= 0 && r.Clear <= r.Raise, "clear %v is not in [0, raise]", r.Clear)
	bad(r.MinDuration >= 0, "min_duration %v is negative", r.MinDuration)
	bad(r.MinScores >= 0, "min_scores %v is negative", r.MinScores)
	bad(r.Hold >= 0, "hold %v is negative", r.Hold)
	bad(r.Merge >= 0, "merge %v is negative", r.Merge)
	bad(r.UpdateEvery >= 0, "update_every %v is negative", r.UpdateEvery)
	bad(r.Major >= 0 && r.Major <= 1, "major %v is not in [0, 1]", r.Major)
	bad(r.Critical >= 0 && r.Critical <= 1, "critical %v is not in [0, 1]", r.Critical)
	return errors.Join(errs...)
}
