package measure

import "time"

// Onset is a moment at which something begins that stands out: a flash or a cut
// among pictures, a beep or a blow in sound.
type Onset struct {
	At       time.Duration // of the first picture, or of the first sound
	Within   time.Duration // it may have begun so much earlier: no picture was shown then
	Strength float64       // dB above what was before
}
