package measure

import "github.com/streamvet/streamvet/engine/verdict"

// missingTrack: a declared track brings nothing, or ends before the others.
// Reading: seconds that are missing. 0.5 at `lag_s`; containers commonly end
// their tracks some tenths of a second apart. It is scored from where the track
// ended, once the source has.
type missingTrack struct{ lag float64 } // seconds

func newMissingTrack() bitstreamForm { return &missingTrack{lag: 2} }

func (d *missingTrack) knobs() []knob { return []knob{{"lag_s", &d.lag, 0.1, 3600}} }

func (d *missingTrack) observe(dst []verdict.Score, o output, _ *track, u *Unit) []verdict.Score {
	return append(dst, u.score(o, 0, 0))
}

func (d *missingTrack) end(dst []verdict.Score, o output, b *Bitstream, t *track) []verdict.Score {
	lag := b.end() - t.end
	if lag <= 0 {
		return dst
	}
	return append(dst, stretch(o, t.end, lag, ramp(lag.Seconds(), d.lag/2, d.lag, 10*d.lag), lag.Seconds()))
}
