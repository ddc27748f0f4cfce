package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/verdict"
)

// ReportVersion is the version of the report's JSON form.
const ReportVersion = 1

// FalsePositives is the share of negative units at which recall is reported.
const FalsePositives = 0.01

// Report is every number of an evaluation. What has nothing to rest on is nil, and
// a note says why.
type Report struct {
	Version     int            `json:"version"`
	Items       int            `json:"items"`
	Groups      int            `json:"groups"`
	Collections []string       `json:"collections"`
	Clean       CleanReport    `json:"clean"`
	Defects     []DefectReport `json:"defects"`
	Cross       []CrossRow     `json:"cross_alarms"`
}

// Number is a value with its interval of 95 %; nil where groups are too few.
type Number struct {
	Value    float64   `json:"value"`
	Interval *Interval `json:"interval,omitempty"`
}

// CleanReport is how often something is said of clean material.
type CleanReport struct {
	Items       int         `json:"items"`
	Hours       float64     `json:"hours"`
	FalseAlarms AlarmRate   `json:"false_alarms"` // over all detectors
	ByOutput    []AlarmRate `json:"by_output"`    // those that said something
}

// AlarmRate is false alarms an hour. PerHour is nil without clean material.
type AlarmRate struct {
	Output  *Output `json:"output,omitempty"`
	Alarms  int     `json:"alarms"`
	PerHour *Number `json:"per_hour"`
}

// DefectReport is what one output is worth.
type DefectReport struct {
	Output      Output    `json:"output"`
	Notes       []string  `json:"notes,omitempty"`
	All         Slice     `json:"all"`
	Levels      []Slice   `json:"levels"`
	Collections []Slice   `json:"collections"`
	FalseAlarms AlarmRate `json:"false_alarms"` // on clean material

	Curve       []Point   `json:"curve"` // of units, from the highest threshold to the lowest
	WindowCurve []Point   `json:"window_curve"`
	Positives   []int64   `json:"positives"` // units by score, in HistogramColumns equal steps
	Negatives   []int64   `json:"negatives"`
	WorstMisses []Example `json:"worst_misses"`
	WorstAlarms []Example `json:"worst_false_alarms"`
}

// HistogramColumns is how many steps a report's histograms have.
const HistogramColumns = 40

// Slice is the numbers of some of the items.
type Slice struct {
	Kind       string `json:"kind,omitempty"` // of the injection
	Level      int    `json:"level,omitempty"`
	Collection string `json:"collection,omitempty"`

	Items  int `json:"items"` // with the defect
	Groups int `json:"groups"`

	Units   Separation `json:"units"`   // pictures, or 20 ms of sound
	Windows Separation `json:"windows"` // of half a second
	Events  Events     `json:"events"`
}

// Separation is how well scores tell defective units from clean ones.
type Separation struct {
	Positives        int64   `json:"positives"`
	Negatives        int64   `json:"negatives"`
	AUC              *Number `json:"auc"`
	AveragePrecision *Number `json:"average_precision"`
	Recall           *Number `json:"recall_at_1_percent_false_positives"`
	Why              string  `json:"why,omitempty"` // there is none
}

// Events is how verdicts meet injected stretches.
type Events struct {
	Injected    int64   `json:"injected"`
	Found       int64   `json:"found"`
	FalseAlarms int64   `json:"false_alarms"` // in the items that have the defect
	Precision   *Number `json:"precision"`
	Recall      *Number `json:"recall"`
	F1          *Number `json:"f1"`
	Onset       *Lag    `json:"onset_error"`
	End         *Lag    `json:"end_error"`
	// Offset is by how much verdicts are off about how late sound is; of av_desync
	// that does not change.
	Offset *Lag `json:"offset_error,omitempty"`
}

// Lag is how far verdicts are off: the median with its sign (positive: late), and
// what nine in ten do not exceed in size.
type Lag struct {
	MedianMS     float64 `json:"median_ms"`
	P90MS        float64 `json:"p90_ms"`
	MedianFrames float64 `json:"median_frames,omitempty"` // of defects of pictures
	P90Frames    float64 `json:"p90_frames,omitempty"`
}

// CrossRow is what is said of items with one kind of injection.
type CrossRow struct {
	Kind  string      `json:"kind"`
	Items int         `json:"items"`
	Cells []CrossCell `json:"cells"`
}

// CrossCell is in how many of them a defect is said of the injected stretch, other
// than in the clean twin. Role is "own", "companion" (it rightly goes with what was
// injected) or "other".
type CrossCell struct {
	Defect verdict.Defect `json:"defect"`
	Items  int            `json:"items"`
	Share  float64        `json:"share"`
	Role   string         `json:"role"`
}

// Report gives the numbers; intervals rest on so many draws.
func (s *Summary) Report(draws int) Report {
	r := Report{Version: ReportVersion, Items: s.items, Clean: s.cleanReport(), Cross: s.cross()}
	groups, collections := map[string]bool{}, map[string]bool{}
	see := func(at slice) { groups[at.group], collections[at.collection] = true, true }
	for at := range s.clean {
		see(at)
	}
	for n, o := range s.outputs {
		for at := range s.events[n] {
			see(at)
		}
		if d := s.defect(n, o, draws); d.All.Items > 0 || d.FalseAlarms.Alarms > 0 || o.Members == nil {
			r.Defects = append(r.Defects, d)
		}
	}
	for d, items := range s.unheard {
		r.Defects = append(r.Defects, DefectReport{Output: Output{Defect: d}, All: Slice{Items: items}, Notes: []string{"no detector that ran says this defect"}})
	}
	order := verdict.Defects()
	slices.SortStableFunc(r.Defects, func(a, b DefectReport) int {
		return cmp.Compare(slices.Index(order, first(a.Output)), slices.Index(order, first(b.Output)))
	})
	r.Groups = len(groups)
	for c := range collections {
		r.Collections = append(r.Collections, c)
	}
	slices.Sort(r.Collections)
	return r
}

func (s *Summary) cleanReport() CleanReport {
	var c CleanReport
	seconds := 0.0
	for _, one := range s.clean {
		seconds += one.seconds
		c.Items += one.items
	}
	c.Hours = seconds / 3600
	all := 0
	for n, o := range s.outputs {
		if o.Members != nil {
			continue
		}
		all += s.alarms[n]
		if s.alarms[n] > 0 {
			c.ByOutput = append(c.ByOutput, rateOf(&o, s.alarms[n], s.hours[n]))
		}
	}
	slices.SortStableFunc(c.ByOutput, func(a, b AlarmRate) int { return b.Alarms - a.Alarms })
	c.FalseAlarms = rateOf(nil, all, c.Hours)
	return c
}

func rateOf(o *Output, alarms int, hours float64) AlarmRate {
	r := AlarmRate{Output: o, Alarms: alarms}
	if hours > 0 {
		in := garwood(alarms)
		r.PerHour = &Number{float64(alarms) / hours, &Interval{in.Low / hours, in.High / hours}}
	}
	return r
}

func (s *Summary) defect(n int, o Output, draws int) DefectReport {
	d := DefectReport{Output: o, WorstMisses: s.misses[n], WorstAlarms: s.wrong[n]}
	d.FalseAlarms = rateOf(nil, s.alarms[n], s.hours[n])
	every := func(slice) bool { return true }
	d.All = s.slice(n, draws, every, every)
	type step struct {
		kind  string
		level int
	}
	levels, collections := map[step]bool{}, map[string]bool{}
	for at := range s.events[n] {
		levels[step{at.kind, at.level}] = true
		collections[at.collection] = true
	}
	for l := range levels {
		of := func(at slice) bool { return at.kind == l.kind && at.level == l.level }
		one := s.slice(n, draws, of, every)
		one.Kind, one.Level = l.kind, l.level
		d.Levels = append(d.Levels, one)
	}
	slices.SortFunc(d.Levels, func(a, b Slice) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Level, b.Level))
	})
	for c := range collections {
		of := func(at slice) bool { return at.collection == c }
		one := s.slice(n, draws, of, of)
		one.Collection = c
		d.Collections = append(d.Collections, one)
	}
	slices.SortFunc(d.Collections, func(a, b Slice) int { return cmp.Compare(a.Collection, b.Collection) })
	s.draw(n, &d)
	if d.All.Items == 0 {
		d.Notes = append(d.Notes, "nothing of it was injected: there is no recall and no F1 of it")
	}
	if s.hours[n] == 0 {
		d.Notes = append(d.Notes, "there was no clean material: false alarms an hour are not known")
	}
	return d
}

// draw fills in what the plots need.
func (s *Summary) draw(n int, d *DefectReport) {
	var all Separable
	for _, one := range s.scores[n] {
		all.merge(one)
	}
	d.Curve = curveOf(&all.Pos, &all.Neg).points(150)
	d.WindowCurve = curveOf(&all.WindowsPos, &all.WindowsNeg).points(150)
	d.Positives, d.Negatives = all.Pos.Columns(HistogramColumns), all.Neg.Columns(HistogramColumns)
}

// slice makes the numbers of the defective items that `of` takes, against the
// clean units of those and of the clean material that `cleanOf` takes.
func (s *Summary) slice(n, draws int, of, cleanOf func(slice) bool) Slice {
	var out Slice
	byGroup := map[string]*groupData{}
	group := func(name string) *groupData {
		g := byGroup[name]
		if g == nil {
			g = &groupData{}
			byGroup[name] = g
		}
		return g
	}
	with := map[string]bool{}
	for at, one := range s.scores[n] {
		if at.kind == "" && cleanOf(at) || at.kind != "" && of(at) {
			group(at.group).scores.merge(one)
		}
	}
	for at, one := range s.events[n] {
		if of(at) {
			group(at.group).events.add(one)
			with[at.group] = true
		}
	}
	var names []string
	for name := range byGroup {
		names = append(names, name)
	}
	slices.Sort(names)
	data := make([]*groupData, len(names))
	for i, name := range names {
		data[i] = byGroup[name]
		out.Items += data[i].events.items
	}
	out.Groups = len(with)
	out.Units = separationOf(data, draws, func(g *groupData) (*Hist, *Hist) { return &g.scores.Pos, &g.scores.Neg })
	out.Windows = separationOf(data, draws, func(g *groupData) (*Hist, *Hist) { return &g.scores.WindowsPos, &g.scores.WindowsNeg })
	out.Events = eventsOf(data, draws, inject.OfPictures(first(s.outputs[n])))
	return out
}

// groupData is all there is of one content group.
type groupData struct {
	scores Separable
	events events
}

func separationOf(groups []*groupData, draws int, classes func(*groupData) (pos, neg *Hist)) Separation {
	var pos, neg Hist
	for _, g := range groups {
		p, n := classes(g)
		pos.Merge(p)
		neg.Merge(n)
	}
	s := Separation{Positives: pos.Total(), Negatives: neg.Total()}
	switch {
	case s.Positives == 0 && s.Negatives == 0:
		s.Why = "there is nothing to tell apart"
	case s.Positives == 0:
		s.Why = "nothing is injected"
	case s.Negatives == 0:
		s.Why = "there is nothing clean"
	}
	if s.Why != "" {
		return s
	}
	all := curveOf(&pos, &neg)
	value := all.measure(FalsePositives)
	in := bootstrapSeparation(groups, draws, all, classes)
	s.AUC, s.AveragePrecision, s.Recall = &Number{value.auc, in[0]}, &Number{value.ap, in[1]}, &Number{value.recall, in[2]}
	return s
}

// bootstrapSeparation draws groups and measures what they have together.
func bootstrapSeparation(groups []*groupData, draws int, all curve, classes func(*groupData) (pos, neg *Hist)) []*Interval {
	place := map[uint16]int{}
	for i, st := range all.steps {
		place[st.bin] = i
	}
	type weight struct {
		at       int
		pos, neg float64
	}
	own := make([][]weight, len(groups))
	for i, g := range groups {
		p, n := classes(g)
		for _, st := range curveOf(p, n).steps {
			own[i] = append(own[i], weight{place[st.bin], st.pos, st.neg})
		}
	}
	drawn := curve{steps: make([]step, len(all.steps))}
	return pad(bootstrap(len(groups), draws, func(weights []int) []float64 {
		drawn.pos, drawn.neg = 0, 0
		for i := range drawn.steps {
			drawn.steps[i] = step{bin: all.steps[i].bin}
		}
		for i, w := range weights {
			if w == 0 {
				continue
			}
			for _, x := range own[i] {
				st := &drawn.steps[x.at]
				p, n := float64(w)*x.pos, float64(w)*x.neg
				st.pos, st.neg = st.pos+p, st.neg+n
				drawn.pos, drawn.neg = drawn.pos+p, drawn.neg+n
			}
		}
		m := drawn.measure(FalsePositives)
		return []float64{m.auc, m.ap, m.recall}
	}), 3)
}

func pad(in []*Interval, n int) []*Interval {
	for len(in) < n {
		in = append(in, nil)
	}
	return in
}

func eventsOf(groups []*groupData, draws int, ofPictures bool) Events {
	var all events
	for _, g := range groups {
		all.add(&g.events)
	}
	t := all.tally
	e := Events{Injected: t.Hits + t.Misses, Found: t.Hits, FalseAlarms: t.FalseAlarms}
	if e.Injected == 0 {
		return e
	}
	in := pad(bootstrap(len(groups), draws, func(weights []int) []float64 {
		var sum inject.Tally
		for i, w := range weights {
			own := groups[i].events.tally
			sum.Hits += int64(w) * own.Hits
			sum.Misses += int64(w) * own.Misses
			sum.FalseAlarms += int64(w) * own.FalseAlarms
		}
		return []float64{orNaN(sum.Precision()), orNaN(sum.Recall()), orNaN(sum.F1())}
	}), 3)
	number := func(v float64, ok bool, in *Interval) *Number {
		if !ok {
			return nil
		}
		return &Number{v, in}
	}
	p, ok := t.Precision()
	e.Precision = number(p, ok, in[0])
	p, ok = t.Recall()
	e.Recall = number(p, ok, in[1])
	p, ok = t.F1()
	e.F1 = number(p, ok, in[2])
	e.Onset, e.End, e.Offset = lagOf(all.onset, ofPictures), lagOf(all.end, ofPictures), lagOf(all.offset, false)
	return e
}

func orNaN(v float64, ok bool) float64 {
	if !ok {
		return math.NaN()
	}
	return v
}

func lagOf(all []late, ofPictures bool) *Lag {
	if len(all) == 0 {
		return nil
	}
	over := func(size func(late) float64, q float64) float64 {
		v := make([]float64, len(all))
		for i, l := range all {
			v[i] = size(l)
		}
		slices.Sort(v)
		return quantile(v, q)
	}
	millis := func(l late) float64 { return float64(l.by) / float64(time.Millisecond) }
	frames := func(l late) float64 { return float64(l.by) / float64(max(l.unit, 1)) }
	out := &Lag{
		MedianMS: over(millis, 0.5), P90MS: over(func(l late) float64 { return math.Abs(millis(l)) }, 0.9),
	}
	if ofPictures {
		out.MedianFrames, out.P90Frames = over(frames, 0.5), over(func(l late) float64 { return math.Abs(frames(l)) }, 0.9)
	}
	return out
}

// String is the number with its interval, as tables show it.
func (n *Number) String() string {
	switch {
	case n == nil:
		return "-"
	case n.Interval == nil:
		return fmt.Sprintf("%.3f", n.Value)
	}
	return fmt.Sprintf("%.3f (%.2f-%.2f)", n.Value, n.Interval.Low, n.Interval.High)
}
