package measure

import (
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// missingTrack: a declared track brings nothing, or ends before the others.
// Reading: seconds by which the track that lags most is behind. 0.5 at `lag_s`.
// Scores come as far as all tracks have come. While the source runs, a lag
// counts from twice `lag_s` on, since interleaving alone sets tracks apart; at
// the end, what is missing is scored from where the track ended.
type missingTrack struct {
	lag  float64       // seconds
	told time.Duration // scores speak for the time up to here
}

func newMissingTrack() bitstreamForm { return &missingTrack{lag: 2} }

func (d *missingTrack) knobs() []knob { return []knob{{"lag_s", &d.lag, 0.1, 3600}} }

func (d *missingTrack) take(*Bitstream, *track, *Unit) {}

func (d *missingTrack) tell(dst []verdict.Score, o output, b *Bitstream, _, to time.Duration) []verdict.Score {
	dst = d.complete(dst, o, b)
	if lag := (to - b.covered()).Seconds(); lag >= 2*d.lag {
		dst = d.lacking(dst, o, lag, to)
	}
	return dst
}

func (d *missingTrack) end(dst []verdict.Score, o output, b *Bitstream) []verdict.Score {
	dst = d.complete(dst, o, b)
	return d.lacking(dst, o, (b.end() - b.covered()).Seconds(), b.end())
}

// complete says that nothing is missing as far as all tracks have come.
func (d *missingTrack) complete(dst []verdict.Score, o output, b *Bitstream) []verdict.Score {
	if covered := b.covered(); covered > d.told {
		dst = append(dst, stretch(o, d.told, covered-d.told, 0, 0))
		d.told = covered
	}
	return dst
}

func (d *missingTrack) lacking(dst []verdict.Score, o output, lag float64, to time.Duration) []verdict.Score {
	if to > d.told {
		dst = append(dst, stretch(o, d.told, to-d.told, ramp(lag, d.lag/2, d.lag, 10*d.lag), lag))
		d.told = to
	}
	return dst
}

// desync: sound and picture drift apart, as far as timestamps can tell. Reading:
// milliseconds by which the sound comes early (positive) or late (negative).
// Two things are known: how far the timestamps of sound have moved away from
// the number of its samples, and how much more one track has jumped than the
// other. What players honour, a different start or a gap of which the
// timestamps tell, is no desync. 0.5 at +45 and -125 ms, where ITU-R BT.1359-1
// puts the threshold of detectability; 1 at +90 and -185 ms, its threshold of
// acceptability. Without one track of each kind it is unknown, and scored 0.
type desync struct {
	early, late float64 // milliseconds
	settle      float64 // seconds that both tracks get to make the same jump
	since       time.Duration
	apart       time.Duration
}

func newDesync() bitstreamForm { return &desync{early: 45, late: 125, settle: 1} }

func (d *desync) knobs() []knob {
	return []knob{
		{"early_ms", &d.early, 1, 10000},
		{"late_ms", &d.late, 1, 10000},
		{"settle_s", &d.settle, 0, 60},
	}
}

func (d *desync) take(_ *Bitstream, t *track, u *Unit) {
	if t.Kind != AudioTrack || u.SampleRate <= 0 {
		return
	}
	e := u.Evidence
	if e.Gap != 0 || e.Jump != 0 || e.FormatChanged || e.Damaged() {
		// Samples are known to be missing: count anew, and keep the drift so far.
		t.anchor = u.PTS - t.drift(t.end)
		t.samples = 0
	}
	t.samples += time.Duration(float64(u.Samples) / float64(u.SampleRate) * float64(time.Second))
}

// drift is how far the timestamps of a sound track, which has come up to end,
// have run ahead of its samples: by so much a player that counts samples is early.
func (t *track) drift(end time.Duration) time.Duration {
	return end - t.anchor - t.samples
}

func (d *desync) tell(dst []verdict.Score, o output, b *Bitstream, from, to time.Duration) []verdict.Score {
	value, reading := d.read(b, to)
	return append(dst, stretch(o, from, to-from, value, reading))
}

func (d *desync) read(b *Bitstream, now time.Duration) (value, reading float64) {
	var video, audio *track
	for i := range b.tracks {
		t := &b.tracks[i]
		switch {
		case !t.seen:
		case t.Kind == VideoTrack && video == nil:
			video = t
		case t.Kind == AudioTrack && audio == nil:
			audio = t
		}
	}
	if video == nil || audio == nil {
		return 0, 0
	}
	if apart := audio.jumps - video.jumps; apart != d.apart {
		if d.since == 0 {
			d.since = now
		}
		if (now - d.since).Seconds() >= d.settle {
			d.apart, d.since = apart, 0
		}
	} else {
		d.since = 0
	}
	ms := milliseconds(audio.drift(audio.end) + d.apart)
	if ms < 0 {
		return ramp(-ms, d.late/2, d.late, d.late*185/125), ms
	}
	return ramp(ms, d.early/2, d.early, 2*d.early), ms
}

func (d *desync) end(dst []verdict.Score, _ output, _ *Bitstream) []verdict.Score { return dst }

func milliseconds(t time.Duration) float64 { return float64(t) / float64(time.Millisecond) }
