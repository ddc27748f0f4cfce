package verdict

import "time"

// Score is what one detector says of one stretch of one source's timeline.
type Score struct {
	Detector string // name of the detector that gave it
	Defect   Defect
	PTS      time.Duration // start of the stretch that the score speaks for
	Duration time.Duration // its length, > 0
	Value    float64       // 0 nothing, 1 certain and strong; NaN counts as 0
	// Reading is the physical number behind the score, in the unit that the
	// detector's manifest names (luma level, LUFS, dBTP, frames, ...); for people.
	Reading float64
	Region  *Region // where in the picture, nil for all of it
}

// Region is a rectangle in fractions of the picture's width and height.
type Region struct{ X, Y, Width, Height float64 }
