package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

func said(d verdict.Defect, start, end float64, number int) verdict.Verdict {
	return verdict.Verdict{Source: "x", Detector: string(d), Defect: d, Number: number, State: verdict.Cleared, Start: at(start), End: at(end), Peak: .8}
}

// spoiled is an item with one stretch of noise from 4 to 6 s, and its result.
func spoiled(id, group string, level int, height float64, verdicts ...verdict.Verdict) (Item, Result) {
	e := entry(verdict.Noise, 4, 6)
	e.Level = level
	i := Item{ID: id, Media: id + ".ts", Group: group, Collection: "c-" + group[:1], Kind: "noise", Level: level, Control: group + "-clean", Truth: truthOf(e)}
	return i, measured(i, height, verdicts...)
}

func measured(i Item, height float64, verdicts ...verdict.Verdict) Result {
	m := NewMeter(i.Truth, bothTracks(), outputsOfTests())
	for n := range 250 {
		v, t := .1, time.Duration(n)*40*ms
		if !i.Clean() && t >= 4*time.Second && t < 6*time.Second {
			v = height
		}
		m.Scores(0, []verdict.Score{score(verdict.Noise, t, 40*ms, v)})
	}
	r := Result{Seconds: 10, Tracks: bothTracks(), Verdicts: verdicts}
	r.Scores, r.Peaks = m.Close(10 * time.Second)
	return r
}

func cleanItem(group string, verdicts ...verdict.Verdict) (Item, Result) {
	i := Item{ID: group + "-clean", Media: group + ".ts", Group: group, Collection: "c-" + group[:1], Truth: truthOf()}
	return i, measured(i, 0, verdicts...)
}

func outputsOfTests() []Output {
	return []Output{output(verdict.Noise), output(verdict.Blur), output(verdict.Freeze), output(verdict.Stutter), RepeatsOutput()}
}

func find(t *testing.T, r Report, d verdict.Defect) DefectReport {
	t.Helper()
	for _, one := range r.Defects {
		if one.Output.Defect == d {
			return one
		}
	}
	t.Fatalf("no report of %s", d)
	return DefectReport{}
}

func TestReport(t *testing.T) {
	s := NewSummary(outputsOfTests())
	// Four groups; level 2 is always seen, level 1 only in one of four.
	for n, group := range []string{"a", "b", "c", "d"} {
		s.Add(cleanItem(group))
		s.Add(spoiled(group+"-2", group, 2, .9, said(verdict.Noise, 4.04, 6.2, 1)))
		if n == 0 {
			s.Add(spoiled(group+"-1", group, 1, .6, said(verdict.Noise, 4.4, 6, 1), said(verdict.Noise, 8, 9, 2)))
		} else {
			s.Add(spoiled(group+"-1", group, 1, .1))
		}
	}
	s.Add(cleanItem("e", said(verdict.Blur, 1, 2, 1), said(verdict.Noise, 3, 4, 1)))
	r := s.Report(200)
	if r.Items != 13 || r.Groups != 5 || strings.Join(r.Collections, " ") != "c-a c-b c-c c-d c-e" {
		t.Errorf("%d items, %d groups, %v", r.Items, r.Groups, r.Collections)
	}
	noise := find(t, r, verdict.Noise)
	all := noise.All
	if e := all.Events; e.Injected != 8 || e.Found != 5 || e.FalseAlarms != 1 || math.Abs(e.F1.Value-2*5./(2*5+1+3)) > 1e-12 || e.Recall.Value != 5./8 || math.Abs(e.Precision.Value-5./6) > 1e-12 {
		t.Errorf("events %+v", e)
	}
	// Onsets: 40 ms four times and 400 ms; ends: 200 ms four times and 0.
	if o := all.Events.Onset; math.Abs(o.MedianMS-40) > 1e-6 || math.Abs(o.P90MS-(400*.6+40*.4)) > 1e-6 || math.Abs(o.MedianFrames-1) > 1e-9 {
		t.Errorf("onset %+v", o)
	}
	// 400 positive units: 200 at .9, 50 at .6, 150 level with all negatives at .1.
	if want := (250 + 150*.5) / 400; all.Units.Positives != 400 || math.Abs(all.Units.AUC.Value-want) > 1e-9 || all.Units.Recall.Value != 250./400 {
		t.Errorf("units %+v, want AUC %v", all.Units, want)
	}
	if all.Units.AUC.Interval == nil || all.Units.AUC.Interval.Low > all.Units.AUC.Value || all.Units.AUC.Interval.High < all.Units.AUC.Value {
		t.Errorf("interval %+v of %v", all.Units.AUC.Interval, all.Units.AUC.Value)
	}
	if len(noise.Levels) != 2 || noise.Levels[0].Level != 1 || noise.Levels[0].Events.Found != 1 || noise.Levels[1].Units.AUC.Value != 1 || noise.Levels[1].Groups != 4 {
		t.Errorf("levels %+v", noise.Levels)
	}
	if len(noise.Collections) != 4 || noise.Collections[0].Events.Injected != 2 || noise.Collections[0].Units.AUC.Interval != nil {
		t.Errorf("collections %+v", noise.Collections)
	}
	if len(noise.WorstMisses) != 3 || noise.WorstMisses[0].Item != "b-1" || math.Abs(noise.WorstMisses[0].Score-.1) > .001 || len(noise.WorstAlarms) != 2 {
		t.Errorf("misses %+v, alarms %+v", noise.WorstMisses, noise.WorstAlarms)
	}
	if noise.FalseAlarms.Alarms != 1 || math.Abs(noise.FalseAlarms.PerHour.Value-3600./50) > 1e-9 {
		t.Errorf("%+v", noise.FalseAlarms)
	}
	if c := r.Clean; c.Items != 5 || math.Abs(c.Hours-50./3600) > 1e-12 || c.FalseAlarms.Alarms != 2 || len(c.ByOutput) != 2 || c.FalseAlarms.PerHour.Interval.Low <= 0 {
		t.Errorf("%+v", c)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

// What has nothing to rest on is said so, and has no number.
func TestReportSaysWhatIsMissing(t *testing.T) {
	s := NewSummary(outputsOfTests())
	i, r := spoiled("a-1", "a", 1, .9, said(verdict.Noise, 4, 6, 1))
	i.Truth.Defects = append(i.Truth.Defects, entry(verdict.Compression, 8, 9))
	s.Add(i, r)
	got := s.Report(50)
	if got.Clean.FalseAlarms.PerHour != nil || got.Clean.Hours != 0 {
		t.Errorf("%+v", got.Clean)
	}
	blur := find(t, got, verdict.Blur)
	if blur.All.Units.AUC != nil || blur.All.Events.F1 != nil || blur.All.Events.Recall != nil || blur.All.Units.Why == "" || len(blur.Notes) != 2 {
		t.Errorf("%+v", blur)
	}
	if c := find(t, got, verdict.Compression); len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "no detector") || c.All.Items != 1 {
		t.Errorf("%+v", c)
	}
	// All of it defective: nothing clean to tell it from.
	only := NewSummary(outputsOfTests())
	e := entry(verdict.Noise, 0, 10)
	whole := Item{ID: "w", Group: "a", Collection: "c", Kind: "noise", Truth: truthOf(e)}
	only.Add(whole, measured(whole, .9))
	if n := find(t, only.Report(50), verdict.Noise); n.All.Units.AUC != nil || n.All.Units.Why != "there is nothing clean" || n.All.Events.Recall == nil {
		t.Errorf("%+v", n.All)
	}
	if empty := NewSummary(outputsOfTests()).Report(50); empty.Items != 0 || find(t, empty, verdict.Noise).All.Events.F1 != nil {
		t.Errorf("%+v", empty)
	}
}

func TestCrossAlarms(t *testing.T) {
	s := NewSummary(outputsOfTests())
	s.Add(cleanItem("a", said(verdict.Blur, 3, 5, 1)))
	s.Add(spoiled("a-1", "a", 1, .9, said(verdict.Noise, 4, 6, 1), said(verdict.Blur, 3, 6, 1), said(verdict.Freeze, 5, 6, 1), said(verdict.Stutter, 8, 9, 1)))
	s.Add(spoiled("b-1", "b", 1, .9, said(verdict.Blur, 4, 6, 1), said(verdict.Banding, 6.05, 7, 1)))
	row := s.Report(10).Cross[0]
	got := ""
	for _, c := range row.Cells {
		got += fmt.Sprintf("%s %d %s, ", c.Defect, c.Items, c.Role)
	}
	// Blur is in the clean twin of a too; the stutter of a lies beside the noise.
	if row.Kind != "noise" || row.Items != 2 || got != "freeze 1 other, blur 1 other, noise 1 own, banding 1 other, " {
		t.Errorf("%s of %d: %s", row.Kind, row.Items, got)
	}
}

func TestFreezeIsAnswerToStutterInTheUnionOnly(t *testing.T) {
	s := NewSummary(outputsOfTests())
	i := Item{ID: "a", Group: "a", Collection: "c", Kind: "freeze", Truth: truthOf(entry(verdict.Stutter, 4, 4.4))}
	s.Add(i, Result{Seconds: 10, Tracks: bothTracks(), Verdicts: []verdict.Verdict{said(verdict.Freeze, 4, 4.5, 1)}, Peaks: []float64{.3}})
	r := s.Report(10)
	if e := find(t, r, verdict.Stutter).All.Events; e.Found != 0 || e.Injected != 1 {
		t.Errorf("stutter %+v", e)
	}
	if e := find(t, r, Repeats).All.Events; e.Found != 1 || e.FalseAlarms != 0 {
		t.Errorf("union %+v", e)
	}
}

func TestTheWorstAreKept(t *testing.T) {
	s := NewSummary(outputsOfTests())
	for n := range 3 * examplesKept {
		s.Add(cleanItem("a", verdict.Verdict{Detector: "noise", Defect: verdict.Noise, Number: n, Start: at(float64(n)), End: at(float64(n) + .5), Peak: float64(n) / 100}))
	}
	alarms := find(t, s.Report(10), verdict.Noise).WorstAlarms
	if len(alarms) != examplesKept || alarms[0].Score != .71 || alarms[examplesKept-1].Score != float64(2*examplesKept)/100 {
		t.Errorf("%+v", alarms)
	}
}

// How far off a said offset is, is known of constant ones alone.
func TestOffsetError(t *testing.T) {
	s := NewSummary([]Output{output(verdict.AVDesync)})
	for n, one := range []struct {
		kind               string
		start, ms, reading float64
	}{{"av_offset", 2, 200, 230}, {"av_timestamps", 0, -160, -150}, {"av_timestamps", 2, 400, 190}} {
		e := entry(verdict.AVDesync, one.start, 9)
		e.Kind, e.Params = one.kind, map[string]float64{"ms": one.ms}
		v := said(verdict.AVDesync, 3, 8, 1)
		v.Reading = one.reading
		s.Add(Item{ID: fmt.Sprint(n), Group: "a", Collection: "c", Kind: one.kind, Truth: truthOf(e)}, Result{Seconds: 10, Tracks: bothTracks(), Verdicts: []verdict.Verdict{v}})
	}
	if e := find(t, s.Report(10), verdict.AVDesync).All.Events; e.Found != 3 || e.Offset == nil || math.Abs(e.Offset.MedianMS-20) > 1e-6 || math.Abs(e.Offset.P90MS-28) > 1e-6 {
		t.Errorf("%+v, offset %+v", e, e.Offset)
	}
}
