package eval

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/verdict"
)

// Output is one thing that detectors say: a defect by a detector, or by any of
// several where Members says which defects are one.
type Output struct {
	Detector string           `json:"detector"`
	Defect   verdict.Defect   `json:"defect"`
	Members  []verdict.Defect `json:"members,omitempty"`
	// Sampled is of detectors that look at some pictures only: those are their units.
	// Elsewhere, and in windows, what has no score has the score 0.
	Sampled bool `json:"sampled,omitempty"`
}

// about tells whether the output speaks of a defect.
func (o Output) about(d verdict.Defect) bool { return o.Defect == d || slices.Contains(o.Members, d) }

// Repeats is the defect of pictures that are shown again, however long: below half
// a second it is called a stutter, beyond a freeze, and near that either is right.
const Repeats verdict.Defect = "freeze or stutter"

// RepeatsOutput joins freeze and stutter.
func RepeatsOutput() Output {
	return Output{Detector: string(Repeats), Defect: Repeats, Members: []verdict.Defect{verdict.Freeze, verdict.Stutter}}
}

// class is what a unit of time is for an output.
type class uint8

const (
	negative class = iota
	positive
	neither // too near a defect, under another one, or damaged without a mark
)

// soundUnit is the unit of time for defects of sound.
const soundUnit = 20 * time.Millisecond

// Window is the longer unit.
const Window = 500 * time.Millisecond

// margin is how near a defect a unit counts neither way: some detectors look back
// over half a second.
const margin = Window

// stretch is [start, end).
type stretch struct {
	start, end time.Duration
	entry      int // of the truth
}

// labels says what units are for one output: what is injected where.
type labels struct {
	injected []stretch // by start; they may overlap
	blurred  []stretch // units in them are neither, unless something is injected there
	longest  time.Duration
}

func at(seconds float64) time.Duration {
	return time.Duration(math.Round(seconds * float64(time.Second)))
}

// labelsOf takes what a truth has for an output.
func labelsOf(t inject.Truth, o Output) labels {
	var l labels
	for n, e := range t.Defects {
		s := stretch{at(e.Start), at(e.End), n}
		if !o.about(e.Defect) || e.Invisible {
			l.blurred = append(l.blurred, s)
			continue
		}
		l.blurred = append(l.blurred, stretch{s.start - margin, s.end + margin, n})
		if e.Defect == verdict.BlockCorruption && e.Frames != nil {
			for _, f := range e.Frames {
				l.injected = append(l.injected, stretch{at(t.PictureStart + t.Rate().Seconds(f)), at(t.PictureStart + t.Rate().Seconds(f+1)), n})
			}
			continue
		}
		l.injected = append(l.injected, s)
	}
	byStart := func(a, b stretch) int { return cmp.Compare(a.start, b.start) }
	slices.SortStableFunc(l.injected, byStart)
	slices.SortStableFunc(l.blurred, byStart)
	for _, s := range l.injected {
		l.longest = max(l.longest, s.end-s.start)
	}
	for _, s := range l.blurred {
		l.longest = max(l.longest, s.end-s.start)
	}
	return l
}

// of classes the unit [start, end), and names the entries that it is about. The
// two are on grids that need not meet exactly: a quarter of the shorter one must be
// in common.
func (l labels) of(start, end time.Duration, entries []int) (class, []int) {
	entries = entries[:0]
	l.each(l.injected, start, end, func(s stretch) { entries = append(entries, s.entry) })
	if len(entries) > 0 {
		return positive, entries
	}
	c := negative
	l.each(l.blurred, start, end, func(stretch) { c = neither })
	return c, entries
}

func (l labels) each(list []stretch, start, end time.Duration, f func(stretch)) {
	first, _ := slices.BinarySearchFunc(list, start-l.longest, func(s stretch, t time.Duration) int { return cmp.Compare(s.start, t) })
	for _, s := range list[first:] {
		if s.start >= end {
			return
		}
		common := min(s.end, end) - max(s.start, start)
		if common > 0 && common >= min(s.end-s.start, end-start)/4 {
			f(s)
		}
	}
}

// Tracks is what an item has.
type Tracks struct {
	Interval time.Duration `json:"interval"` // from one picture to the next; 0 without pictures
	Sound    bool          `json:"sound"`
}

// has tells whether there is anything in an item that an output could be about.
func (t Tracks) has(o Output) bool {
	switch first(o) {
	case verdict.DecodeError, verdict.TimestampJump, verdict.FormatChange, verdict.MissingTrack, verdict.Stall:
		return true
	case verdict.AVDesync:
		return t.Interval > 0 && t.Sound
	}
	if inject.OfPictures(first(o)) {
		return t.Interval > 0
	}
	return t.Sound
}

// first is the defect that an output is sorted by.
func first(o Output) verdict.Defect {
	if o.Members != nil {
		return o.Members[0]
	}
	return o.Defect
}

// relevant tells whether scores of an output are counted on an item: on clean ones
// that have what it looks at, on others where they are about what was injected.
func relevant(t inject.Truth, tracks Tracks, o Output) bool {
	if len(t.Defects) == 0 {
		return tracks.has(o)
	}
	return slices.ContainsFunc(t.Defects, func(e inject.Entry) bool { return o.about(e.Defect) && !e.Invisible })
}
