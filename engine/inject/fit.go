package inject

import (
	"fmt"
	"math"
	"strings"
)

// Facts is what a media file is like. Width 0 stands for a file without pictures,
// SampleRate 0 for one without sound; the other fields may be 0 where not known.
type Facts struct {
	Width, Height        int
	Rate                 Rate
	SampleRate, Channels int
	Duration             float64 // seconds
	Bytes                int64
}

// Fit says what of a file differs from the one that the truth was written of; nil
// where nothing does. Damage may shorten a file a little, and containers round:
// half a second and 2 % are let pass.
func (t Truth) Fit(f Facts) error {
	var differ []string
	say := func(format string, args ...any) { differ = append(differ, fmt.Sprintf(format, args...)) }
	switch {
	case t.Frames > 0 && f.Width == 0:
		say("the truth has %d pictures, the file has none", t.Frames)
	case t.Frames == 0 && f.Width > 0:
		say("the truth has no pictures, the file has some")
	case t.Frames > 0:
		if t.Width != f.Width || t.Height != f.Height {
			say("pictures are %dx%d, not %dx%d", f.Width, f.Height, t.Width, t.Height)
		}
		if f.Rate.Valid() && math.Abs(f.Rate.FPS()/t.Rate().FPS()-1) > 0.005 {
			say("there are %.4g pictures a second, not %.4g", f.Rate.FPS(), t.Rate().FPS())
		}
	}
	switch {
	case t.SampleRate > 0 && f.SampleRate == 0:
		say("the truth has sound, the file has none")
	case t.SampleRate == 0 && f.SampleRate > 0:
		say("the truth has no sound, the file has some")
	case t.SampleRate > 0 && (t.SampleRate != f.SampleRate || f.Channels > 0 && t.Channels != f.Channels):
		say("sound is %d Hz x %d, not %d Hz x %d", f.SampleRate, f.Channels, t.SampleRate, t.Channels)
	}
	if f.Duration > 0 && math.Abs(f.Duration-t.Duration) > 0.5+0.02*t.Duration {
		say("it lasts %.2f s, not %.2f s", f.Duration, t.Duration)
	}
	if f.Bytes > 0 && t.MediaBytes > 0 && f.Bytes != t.MediaBytes {
		say("it has %d bytes, not %d: it was changed since", f.Bytes, t.MediaBytes)
	}
	if differ == nil {
		return nil
	}
	return fmt.Errorf("the truth is of another file: %s", strings.Join(differ, "; "))
}
