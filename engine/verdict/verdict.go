package verdict

import "time"

// State is where a verdict is in its life. States only go forward.
type State uint8

const (
	Raised  State = iota + 1 // the defect is confirmed and goes on
	Updated                  // it still goes on; peak, end or severity have changed
	Cleared                  // it has ended, at End
)

func (s State) String() string {
	return [...]string{"unknown", "raised", "updated", "cleared"}[min(s, Cleared)]
}

// Severity says how bad a defect is.
type Severity uint8

const (
	Minor Severity = iota + 1
	Major
	Critical
)

func (s Severity) String() string {
	return [...]string{"unknown", "minor", "major", "critical"}[min(s, Critical)]
}

// Verdict is a defect over [Start, End) of one source's timeline.
type Verdict struct {
	Source string
	// Track is the index in the container of the track that shows the defect.
	Track    int
	Defect   Defect
	Detector string
	// Number counts the verdicts of one track, detector and defect, from 1. It stays
	// the same from raised to cleared.
	Number   int
	State    State
	Severity Severity
	Start    time.Duration
	End      time.Duration // so far, while the defect goes on
	// Peak is the highest score, PeakAt where it was given, Reading the number
	// behind it, Region where in the picture (nil: all of it).
	Peak    float64
	PeakAt  time.Duration
	Reading float64
	Region  *Region
}
