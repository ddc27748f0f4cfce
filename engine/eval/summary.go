package eval

import (
	"cmp"
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/verdict"
)

// slice says which items a number is of.
type slice struct {
	group, collection string
	kind              string // "": clean
	level             int
}

// events is how verdicts met what was injected, over some items.
type events struct {
	items      int
	tally      inject.Tally
	onset, end []late
	offset     []late // of what is said about sound that is late
}

// late is how far off one end of a verdict is.
type late struct {
	by, unit time.Duration
}

func (e *events) add(o *events) {
	e.items += o.items
	e.tally.Hits += o.tally.Hits
	e.tally.Misses += o.tally.Misses
	e.tally.FalseAlarms += o.tally.FalseAlarms
	e.onset = append(e.onset, o.onset...)
	e.end = append(e.end, o.end...)
	e.offset = append(e.offset, o.offset...)
}

// clean is how much clean material there is.
type clean struct {
	seconds float64
	items   int
}

// crossing is one spoiled item and what was said of it.
type crossing struct {
	kind, control string
	injected      []inject.Entry
	verdicts      []verdict.Verdict
}

// examplesKept is how many of the worst misses and of the worst false alarms of
// each output are kept.
const examplesKept = 24

// Summary adds up the results of items. Its methods are called one at a time.
type Summary struct {
	outputs []Output
	scores  []map[slice]*Separable // by output
	events  []map[slice]*events    // by output
	alarms  []int                  // by output: on clean material
	hours   []float64              // by output: of clean material that has what it looks at
	misses  [][]Example
	wrong   [][]Example

	clean     map[slice]*clean
	crossings []crossing
	verdicts  map[string][]verdict.Verdict // of clean items, by item
	unheard   map[verdict.Defect]int       // injected, but no output is about it: items
	items     int
}

// NewSummary makes a summary for detectors that say these outputs.
func NewSummary(outputs []Output) *Summary {
	n := len(outputs)
	s := &Summary{outputs: outputs, scores: make([]map[slice]*Separable, n), events: make([]map[slice]*events, n), alarms: make([]int, n), hours: make([]float64, n),
		misses: make([][]Example, n), wrong: make([][]Example, n),
		clean: map[slice]*clean{}, verdicts: map[string][]verdict.Verdict{}, unheard: map[verdict.Defect]int{}}
	for i := range outputs {
		s.scores[i], s.events[i] = map[slice]*Separable{}, map[slice]*events{}
	}
	return s
}

// Add takes the result of one item.
func (s *Summary) Add(i Item, r Result) {
	s.items++
	for _, one := range r.Scores {
		if n := slices.IndexFunc(s.outputs, func(o Output) bool { return o.Detector == one.Output.Detector && o.Defect == one.Output.Defect }); n >= 0 {
			s.addScores(n, i, one)
		}
	}
	if i.Clean() {
		s.addClean(i, r)
		return
	}
	s.crossings = append(s.crossings, crossing{i.Kind, i.Control, i.Truth.Defects, r.Verdicts})
	for n, o := range s.outputs {
		if relevant(i.Truth, r.Tracks, o) {
			s.addEvents(n, i, r)
		}
	}
	heard := map[verdict.Defect]bool{}
	for _, e := range i.Truth.Defects {
		heard[e.Defect] = heard[e.Defect] || slices.ContainsFunc(s.outputs, func(o Output) bool { return o.about(e.Defect) })
	}
	for d, ok := range heard {
		if !ok {
			s.unheard[d]++
		}
	}
}

func (s *Summary) addScores(n int, i Item, one Separable) {
	kind, level := i.kindOf(s.outputs[n])
	at := slice{i.Group, i.Collection, kind, level}
	sum := s.scores[n][at]
	if sum == nil {
		sum = &Separable{}
		s.scores[n][at] = sum
	}
	sum.merge(&one)
}

func (s *Separable) merge(o *Separable) {
	s.Pos.Merge(&o.Pos)
	s.Neg.Merge(&o.Neg)
	s.WindowsPos.Merge(&o.WindowsPos)
	s.WindowsNeg.Merge(&o.WindowsNeg)
}

func (s *Summary) addClean(i Item, r Result) {
	at := slice{group: i.Group, collection: i.Collection}
	c := s.clean[at]
	if c == nil {
		c = &clean{}
		s.clean[at] = c
	}
	c.seconds += r.Seconds
	c.items++
	s.verdicts[i.ID] = r.Verdicts
	for n, o := range s.outputs {
		if r.Tracks.has(o) {
			s.hours[n] += r.Seconds / 3600
		}
		for _, v := range r.Verdicts {
			if !o.about(v.Defect) || o.Members == nil && v.Detector != o.Detector {
				continue
			}
			s.alarms[n]++
			s.addAlarm(n, i, v)
		}
	}
}

func (s *Summary) addEvents(n int, i Item, r Result) {
	d, ok := i.match(s.outputs[n], r.Verdicts)
	if !ok {
		return
	}
	kind, level := i.kindOf(s.outputs[n])
	at := slice{i.Group, i.Collection, kind, level}
	e := s.events[n][at]
	if e == nil {
		e = &events{}
		s.events[n][at] = e
	}
	one := events{items: 1, tally: d.Events}
	for _, p := range d.Matched {
		one.onset = append(one.onset, late{p.OnsetError, d.Unit})
		one.end = append(one.end, late{p.EndError, d.Unit})
		if by, ok := offsetError(p); ok {
			one.offset = append(one.offset, late{by, d.Unit})
		}
	}
	e.add(&one)
	for _, m := range d.Missed {
		s.addMiss(n, i, m, r.Peaks)
	}
	for _, v := range d.FalseAlarms {
		s.addAlarm(n, i, v)
	}
}

// offsetError is by how much a verdict is off about how late sound is. Where timestamps
// run away there is no one offset.
func offsetError(p inject.Pair) (time.Duration, bool) {
	ms, ok := p.Truth.Params["ms"]
	if !ok || p.Truth.Defect != verdict.AVDesync || p.Truth.Kind != "av_offset" && p.Truth.Start > 0 {
		return 0, false
	}
	return at((p.Verdicts[0].Reading - ms) / 1000), true
}

func (s *Summary) addMiss(n int, i Item, m inject.Entry, peaks []float64) {
	x := Example{Item: i.ID, Media: i.Media, What: s.outputs[n].Defect, Kind: m.Kind, Level: m.Level, Start: m.Start, End: m.End}
	for k, e := range i.Truth.Defects {
		if e.Start == m.Start && e.End == m.End && e.Injection == m.Injection && s.outputs[n].about(e.Defect) && k < len(peaks) {
			x.Score = peaks[k]
		}
	}
	// The worst miss is the plainest defect with the lowest score.
	s.misses[n] = keep(s.misses[n], x, func(a, b Example) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(a.Score, b.Score), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Start, b.Start))
	})
}

func (s *Summary) addAlarm(n int, i Item, v verdict.Verdict) {
	x := Example{Item: i.ID, Media: i.Media, What: v.Defect, Kind: i.Kind, Level: i.Level, Start: v.Start.Seconds(), End: v.End.Seconds(), Score: v.Peak}
	s.wrong[n] = keep(s.wrong[n], x, func(a, b Example) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Start, b.Start))
	})
}

// keep puts an example in its place among the worst.
func keep(list []Example, x Example, worse func(a, b Example) int) []Example {
	at, _ := slices.BinarySearchFunc(list, x, worse)
	if at >= examplesKept {
		return list
	}
	list = slices.Insert(list, at, x)
	return list[:min(len(list), examplesKept)]
}
