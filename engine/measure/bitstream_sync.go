package measure

import (
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// desync: sound is out of step with the picture. Reading: milliseconds by which
// sound comes late, negative where it is early. 0.5 at 45 ms early and 125 ms
// late, where ITU-R BT.1359-1 has its threshold of detectability; 1 at 90 and
// 185 ms, its threshold of acceptability. Two things tell, and the worse counts.
//
// The timestamps of the sound move away from the number of its samples. A player
// that goes by timestamps then plays it late where they have run ahead; one that
// plays every sample does the opposite. Not scored, as players honour them: tracks
// that start apart, jumps that hit all tracks, holes of which the timestamps tell.
//
// Onsets of sound come at a constant time after onsets of the picture, or before:
// flashes and beeps, cuts with new sound (aligner). Most material shows no such
// thing. Where it does not, nothing is told for as long as later onsets may still
// tell of now, and then 0; an offset is told for the stretch that shows it, once
// it does. Speech and lips tell nothing here.
type desync struct {
	early, late float64 // milliseconds
	chance      float64 // that onsets without relation pass for an offset
	pictures    train
	sounds      []*hearing
	aligner     aligner
}

// hearing is a track of sound beside the pictures.
type hearing struct {
	number   int
	sounds   train
	drift    [driftCells]float32 // the worst of each cell, ms
	next     time.Duration       // the cell that is looked at next begins here
	told     time.Duration       // scores speak for the time up to here
	drifting bool                // the last cell had a drift
	looked   [2]int              // onsets of picture and sound at the last look
}

const (
	syncCell   = 100 * time.Millisecond
	driftCells = int(2 * syncAhead / syncCell)
	// syncAhead is how far sound may run ahead of the pictures: then it is told what
	// its timestamps say.
	syncAhead = 2 * time.Minute
	// syncSettled is how long after a moment its onsets of sound are known.
	syncSettled = 20 * time.Millisecond
)

func newDesync() bitstreamForm { return &desync{early: 45, late: 125, chance: 1e-5} }

func (d *desync) knobs() []knob {
	return []knob{
		{"early_ms", &d.early, 1, 10000},
		{"late_ms", &d.late, 1, 10000},
		{"chance", &d.chance, 0, 0.1},
	}
}

func (d *desync) observe(dst []verdict.Score, o output, t *track, u *Unit) []verdict.Score {
	if t.Kind == VideoTrack {
		d.pictures.take(u, u.PTS)
		return dst
	}
	if u.SampleRate <= 0 {
		return dst
	}
	h := d.hearing(t.Number, u.PTS)
	h.note(u.PTS, milliseconds(t.count(u)))
	h.sounds.take(u, u.PTS+u.Duration-syncSettled)
	return d.advance(dst, o, h, max(min(d.pictures.end, h.sounds.end), h.sounds.end-syncAhead))
}

// end looks at what has waited for the other tracks.
func (d *desync) end(dst []verdict.Score, o output, _ *Bitstream, t *track) []verdict.Score {
	if t.Kind != AudioTrack || !t.seen {
		return dst
	}
	h := d.hearing(t.Number, t.start)
	dst = d.advance(dst, o, h, t.end+syncCell)
	return h.tell(dst, o, t.end, 0, 0)
}

// count counts the samples of a unit; it gives by how much the timestamps have
// run ahead of them.
func (t *track) count(u *Unit) time.Duration {
	e := u.Evidence
	if e.Gap != 0 || e.Jump != 0 || e.FormatChanged || e.Damaged() {
		// Sound is known to be missing here: count anew, and keep the drift so far.
		t.anchor, t.samples = u.PTS-t.drift(t.end), 0
	}
	drift := t.drift(u.PTS)
	t.samples += time.Duration(float64(u.Samples) / float64(u.SampleRate) * float64(time.Second))
	return drift
}

// drift is how far the timestamps of a sound track have run ahead of its samples
// at a time up to which all samples have been counted.
func (t *track) drift(now time.Duration) time.Duration { return now - t.anchor - t.samples }

func (d *desync) hearing(number int, start time.Duration) *hearing {
	for _, h := range d.sounds {
		if h.number == number {
			return h
		}
	}
	h := &hearing{number: number, told: start, next: max(start, 0).Truncate(syncCell)}
	d.sounds = append(d.sounds, h)
	return h
}

// note keeps a drift of timestamps for its cell: by how many milliseconds they have
// run ahead.
func (h *hearing) note(at time.Duration, ahead float64) {
	if at < h.next {
		return
	}
	cell := &h.drift[at/syncCell%time.Duration(driftCells)]
	if late := float32(ahead); late*late > *cell**cell {
		*cell = late
	}
}

// advance looks at the cells that are over.
func (d *desync) advance(dst []verdict.Score, o output, h *hearing, until time.Duration) []verdict.Score {
	if h.next < until-syncAhead { // nothing came for that long
		clear(h.drift[:])
		h.next = (until - syncAhead).Truncate(syncCell)
	}
	for ; h.next+syncCell <= until; h.next += syncCell {
		dst = d.look(dst, o, h)
	}
	return dst
}

// look says what is known at the end of a cell.
func (d *desync) look(dst []verdict.Score, o output, h *hearing) []verdict.Score {
	now := h.next + syncCell
	if found, ok := d.align(h, now); ok && found.last > h.told {
		dst = h.tell(dst, o, found.first, 0, 0)
		ms := milliseconds(found.late)
		dst = h.tell(dst, o, found.last, d.value(ms, found.within), ms)
	}
	cell := &h.drift[h.next/syncCell%time.Duration(driftCells)]
	ms := float64(*cell)
	*cell = 0
	value := d.value(ms, 0)
	switch {
	case value > 0 || h.drifting:
		h.drifting = value > 0
		dst = h.tell(dst, o, h.next, 0, 0)
		dst = h.tell(dst, o, now, value, ms)
	case now-syncWindow-time.Second >= h.told:
		dst = h.tell(dst, o, now-syncWindow, 0, 0)
	}
	return dst
}

// align compares pictures and sound up to now, where there is something new.
func (d *desync) align(h *hearing, now time.Duration) (alignment, bool) {
	looked := [2]int{d.pictures.upTo(now), h.sounds.upTo(now)}
	if looked == h.looked {
		return alignment{}, false
	}
	h.looked = looked
	return d.aligner.align(&d.pictures, &h.sounds, now, d.chance)
}

// value is the score of an offset. A picture tells late when something happened,
// by up to the time since the one before: by half of that sound may seem early.
func (d *desync) value(late float64, within time.Duration) float64 {
	if late >= 0 {
		return ramp(late, d.late/2, d.late, d.late*185/125)
	}
	early := d.early + milliseconds(within)/2
	return ramp(-late, early-d.early/2, early, early+d.early)
}

// tell gives the score of the time that nothing was said of, up to an end.
func (h *hearing) tell(dst []verdict.Score, o output, end time.Duration, value, reading float64) []verdict.Score {
	if end <= h.told {
		return dst
	}
	start := h.told
	h.told = end
	return append(dst, stretch(o, start, end-start, value, reading))
}

func milliseconds(t time.Duration) float64 { return float64(t) / float64(time.Millisecond) }
