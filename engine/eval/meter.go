package eval

import (
	"time"

	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/verdict"
)

// Separable is how often positive and negative units of two lengths had which
// score, for one output on one item.
type Separable struct {
	Output     Output `json:"output"`
	Pos        Hist   `json:"pos"` // units: pictures, or 20 ms of sound
	Neg        Hist   `json:"neg"`
	WindowsPos Hist   `json:"windows_pos"` // windows of half a second
	WindowsNeg Hist   `json:"windows_neg"`
}

// Meter takes the scores of one item. Its memory does not grow with the item's
// length. Its methods are called one at a time.
type Meter struct {
	truth inject.Truth
	lines []*line
	peaks []float64 // of each entry of the truth: the highest score about it
}

// NewMeter makes a meter for an item; the truth of a clean one has no defects.
func NewMeter(truth inject.Truth, tracks Tracks, outputs []Output) *Meter {
	m := &Meter{truth: truth, peaks: make([]float64, len(truth.Defects))}
	for _, o := range outputs {
		if !relevant(truth, tracks, o) {
			continue
		}
		l := &line{meter: m, labels: labelsOf(truth, o), out: Separable{Output: o}, unit: soundUnit, start: at(truth.SoundStart)}
		if inject.OfPictures(first(o)) && tracks.Interval > 0 {
			l.unit, l.start = tracks.Interval, at(truth.PictureStart)
		}
		l.silent = max(len(o.Members), 1)
		m.lines = append(m.lines, l)
	}
	return m
}

// Scores takes the scores of a track; those of one detector and defect must come
// in time order.
func (m *Meter) Scores(track int, scores []verdict.Score) {
	for _, s := range scores {
		for _, l := range m.lines {
			l.take(track, s)
		}
	}
}

// Close ends the item, which lasts so long, and gives what was counted and the
// highest score about each entry of the truth.
func (m *Meter) Close(length time.Duration) (out []Separable, peaks []float64) {
	for _, l := range m.lines {
		l.close(length)
		out = append(out, l.out)
	}
	return out, m.peaks
}

// line is one output on its way through the item's units.
type line struct {
	meter       *Meter
	labels      labels
	unit, start time.Duration // length of a unit, and where unit 0 begins
	feeds       []*feed       // one a member and track that has spoken
	silent      int           // members that have not spoken on any track
	next        int           // unit that is counted next
	out         Separable
	entries     []int // reused
	window      window
}

// feed is the highest scores of units that are not counted yet.
type feed struct {
	defect verdict.Defect
	track  int
	first  int       // unit that open[0] is of
	open   []float64 // heights of units first, first+1, ...
	sure   int       // units before this one get no more scores
}

func (l *line) take(track int, s verdict.Score) {
	o := l.out.Output
	if !o.about(s.Defect) || o.Members == nil && s.Detector != o.Detector {
		return
	}
	l.feed(track, s.Defect).take(l.index(s.PTS), l.span(s), s.Value)
	l.count()
}

// feed finds the feed of a member on a track, or begins one.
func (l *line) feed(track int, d verdict.Defect) *feed {
	spoke := false
	for _, f := range l.feeds {
		if f.defect == d && f.track == track {
			return f
		}
		spoke = spoke || f.defect == d
	}
	if !spoke {
		l.silent--
	}
	f := &feed{defect: d, track: track, first: l.next}
	l.feeds = append(l.feeds, f)
	return f
}

func (l *line) index(t time.Duration) int { return max(int((t-l.start)/l.unit), 0) }

// span is the units that a score speaks for: those that it has at least a quarter
// of itself or of the unit in.
func (l *line) span(s verdict.Score) (units [2]int) {
	slack := max(min(s.Duration, l.unit)/4, 0)
	first := l.index(s.PTS + slack)
	return [2]int{first, max(l.index(s.PTS+s.Duration-slack), first)}
}

func (f *feed) take(sure int, units [2]int, value float64) {
	f.sure = max(f.sure, sure)
	for n := max(units[0], f.first); n <= units[1]; n++ {
		for len(f.open) <= n-f.first {
			f.open = append(f.open, unseen)
		}
		if value != value {
			value = 0
		}
		f.open[n-f.first] = max(f.open[n-f.first], value)
	}
}

// unseen is the height of units without a score.
const unseen = -1

// pop gives the height of the next unit.
func (f *feed) pop() float64 {
	f.first++
	if len(f.open) == 0 {
		return unseen
	}
	v := f.open[0]
	f.open = f.open[1:]
	return v
}

// count counts the units that all feeds are sure of.
func (l *line) count() {
	if l.silent > 0 {
		return
	}
	sure := l.feeds[0].sure
	for _, f := range l.feeds[1:] {
		sure = min(sure, f.sure)
	}
	for l.next < sure {
		l.countOne()
	}
}

func (l *line) countOne() {
	height := float64(unseen)
	for _, f := range l.feeds {
		height = max(height, f.pop())
	}
	looked := height != unseen || !l.out.Output.Sampled
	height = max(height, 0)
	start := l.start + time.Duration(l.next)*l.unit
	l.next++
	var c class
	c, l.entries = l.labels.of(start, start+l.unit, l.entries)
	for _, e := range l.entries {
		l.meter.peaks[e] = max(l.meter.peaks[e], height)
	}
	switch {
	case looked && c == positive:
		l.out.Pos.Add(height)
	case looked && c == negative:
		l.out.Neg.Add(height)
	}
	if n := int((start + l.unit/2) / Window); n != l.window.number {
		l.endWindow()
		l.window.number = n
	}
	l.window.add(c, height)
}

func (l *line) close(length time.Duration) {
	for l.start+time.Duration(l.next)*l.unit+l.unit/2 < length {
		l.countOne()
	}
	l.endWindow()
}

// window is half a second of units. It is positive if one of them is, negative if
// all are; its height is the highest of those that count. What is left at the end,
// if it is less than half a window, is none.
type window struct {
	number, units  int
	positive, some bool
	mixed          bool
	height         float64
}

func (w *window) add(c class, height float64) {
	w.units++
	if c == neither {
		w.mixed = true
		return
	}
	w.some = true
	if c == positive && !w.positive {
		w.positive, w.height = true, 0
	}
	if c == positive || !w.positive {
		w.height = max(w.height, height)
	}
}

func (l *line) endWindow() {
	w := l.window
	l.window = window{number: w.number}
	switch {
	case 2*time.Duration(w.units)*l.unit < Window:
	case w.positive:
		l.out.WindowsPos.Add(w.height)
	case w.some && !w.mixed:
		l.out.WindowsNeg.Add(w.height)
	}
}
