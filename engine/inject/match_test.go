package inject

import (
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// truthOf makes a truth of 100 s at 25/s and 48 kHz.
func truthOf(entries ...Entry) Truth {
	t := Truth{Version: 1, FrameRate: "25", FPS: 25, Frames: 2500, SampleRate: 48000, Channels: 2, Duration: 100}
	for _, e := range entries {
		if OfPictures(e.Defect) {
			t.addPictures(e, span{int64(e.Start * 25), int64(e.End * 25)})
		} else {
			t.addSound(e, span{int64(e.Start * 48000), int64(e.End * 48000)}, 4800000)
		}
	}
	return t
}

func at(d verdict.Defect, start, end float64) Entry {
	return Entry{Defect: d, Start: start, End: end}
}

var verdictNumber int // only to name the verdicts of the tests apart

func said(d verdict.Defect, start, end float64) verdict.Verdict {
	verdictNumber++
	return verdict.Verdict{Source: "s", Defect: d, Detector: "x", Number: verdictNumber, State: verdict.Cleared, Start: seconds(start), End: seconds(end)}
}

func reportOf(t *testing.T, r Report, d verdict.Defect) DefectReport {
	t.Helper()
	for _, one := range r.Defects {
		if one.Defect == d {
			return one
		}
	}
	t.Fatalf("no report of %s", d)
	return DefectReport{}
}

func TestMatchFindsMissesAndErrors(t *testing.T) {
	truth := truthOf(at(verdict.Black, 10, 12), at(verdict.Black, 30, 31), at(verdict.Silence, 50, 52))
	r := Match(truth, []verdict.Verdict{
		said(verdict.Black, 10.04, 11.92),
		said(verdict.Black, 70, 71),
		said(verdict.Silence, 49.98, 52.01),
	}, DefaultTolerance())
	black := reportOf(t, r, verdict.Black)
	if len(black.Matched) != 1 || len(black.Missed) != 1 || len(black.FalseAlarms) != 1 {
		t.Fatalf("%+v", black)
	}
	if p := black.Matched[0]; p.OnsetError != 40*time.Millisecond || p.EndError != -80*time.Millisecond {
		t.Errorf("onset %v, end %v", p.OnsetError, p.EndError)
	}
	if black.Unit != 40*time.Millisecond || black.Events != (Tally{1, 1, 1}) {
		t.Errorf("%+v", black.Events)
	}
	if f1, ok := black.Events.F1(); !ok || f1 != 0.5 {
		t.Errorf("F1 %v", f1)
	}
	silence := reportOf(t, r, verdict.Silence)
	if silence.Unit != time.Millisecond || silence.Matched[0].OnsetError != -20*time.Millisecond {
		t.Errorf("%+v", silence)
	}
}

func TestMatchTolerance(t *testing.T) {
	for _, test := range []struct {
		verdict verdict.Verdict
		hit     bool
	}{
		{said(verdict.Black, 12.08, 13), true},
		{said(verdict.Black, 12.09, 13), false},
		{said(verdict.Black, 9, 9.92), true},
		{said(verdict.Black, 9, 9.91), false},
	} {
		r := reportOf(t, Match(truthOf(at(verdict.Black, 10, 12)), []verdict.Verdict{test.verdict}, DefaultTolerance()), verdict.Black)
		if hit := len(r.Matched) == 1; hit != test.hit || len(r.FalseAlarms) == 1 == hit {
			t.Errorf("%v - %v: %+v", test.verdict.Start, test.verdict.End, r)
		}
	}
}

func TestCompanionsAreNoFalseAlarms(t *testing.T) {
	truth := truthOf(at(verdict.Black, 10, 12), at(verdict.Silence, 50, 52))
	r := Match(truth, []verdict.Verdict{
		said(verdict.Freeze, 10, 12),
		said(verdict.SolidColor, 20, 21),
		said(verdict.Noise, 10, 12),
		said(verdict.Loudness, 54.5, 55),
		said(verdict.Loudness, 56, 57),
	}, DefaultTolerance())
	for _, test := range []struct {
		defect             verdict.Defect
		companions, alarms int
	}{{verdict.Freeze, 1, 0}, {verdict.SolidColor, 0, 1}, {verdict.Noise, 0, 1}, {verdict.Loudness, 1, 1}} {
		one := reportOf(t, r, test.defect)
		if len(one.Companions) != test.companions || len(one.FalseAlarms) != test.alarms {
			t.Errorf("%s: %+v", test.defect, one)
		}
	}
}

func TestWhatLeavesNoMarkCountsNeitherWay(t *testing.T) {
	hidden := at(verdict.BlockCorruption, 10, 12)
	hidden.Invisible = true
	truth := truthOf(hidden, at(verdict.BlockCorruption, 12, 13))
	r := reportOf(t, Match(truth, []verdict.Verdict{said(verdict.BlockCorruption, 10, 11), said(verdict.BlockCorruption, 11.5, 13)}, DefaultTolerance()), verdict.BlockCorruption)
	if len(r.Matched) != 1 || len(r.Missed) != 0 || len(r.FalseAlarms) != 0 || len(r.Ignored) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestOneVerdictMayFindSeveralAndSeveralOne(t *testing.T) {
	truth := truthOf(at(verdict.Click, 10, 10.01), at(verdict.Click, 11, 11.01), at(verdict.Freeze, 20, 24))
	r := Match(truth, []verdict.Verdict{said(verdict.Click, 9.99, 11.02), said(verdict.Freeze, 20, 21), said(verdict.Freeze, 22, 24)}, DefaultTolerance())
	clicks := reportOf(t, r, verdict.Click)
	if clicks.Events != (Tally{2, 0, 0}) || len(clicks.Matched) != 1 || clicks.Matched[0].Entries != 2 {
		t.Fatalf("%+v", clicks)
	}
	if p := clicks.Matched[0]; p.Truth.Start != 10 || p.Truth.End != 11.01 || p.OnsetError != -10*time.Millisecond || p.EndError != 10*time.Millisecond {
		t.Errorf("%+v", p)
	}
	freeze := reportOf(t, r, verdict.Freeze)
	if freeze.Events != (Tally{1, 0, 0}) || len(freeze.Matched[0].Verdicts) != 2 || freeze.Matched[0].EndError != 0 {
		t.Errorf("%+v", freeze)
	}
}

func TestTheLastStateOfAVerdictCounts(t *testing.T) {
	raised := said(verdict.Black, 10, 10.5)
	cleared := raised
	raised.State, cleared.End = verdict.Raised, seconds(12)
	r := reportOf(t, Match(truthOf(at(verdict.Black, 10, 12)), []verdict.Verdict{raised, cleared}, DefaultTolerance()), verdict.Black)
	if len(r.Matched) != 1 || len(r.Matched[0].Verdicts) != 1 || r.Matched[0].EndError != 0 {
		t.Errorf("%+v", r)
	}
}

// TestNothingInjectedHasNoScore: an empty class never divides to a perfect score.
func TestNothingInjectedHasNoScore(t *testing.T) {
	r := Match(truthOf(), []verdict.Verdict{said(verdict.Black, 1, 2)}, DefaultTolerance())
	black := reportOf(t, r, verdict.Black)
	if _, ok := black.Events.F1(); ok {
		t.Error("there is an F1 without anything injected")
	}
	if _, ok := black.Events.Recall(); ok {
		t.Error("there is a recall without anything injected")
	}
	if p, ok := black.Events.Precision(); !ok || p != 0 {
		t.Errorf("precision %v, %v", p, ok)
	}
	if len(Match(truthOf(), nil, DefaultTolerance()).Defects) != 0 {
		t.Error("there is a report of nothing")
	}
}

func TestCompanionsAreKnownDefects(t *testing.T) {
	for injected, list := range companions() {
		if !injected.Known() {
			t.Errorf("%s is no defect", injected)
		}
		for _, d := range list {
			if !d.Known() || d == injected {
				t.Errorf("%s accompanies %s", d, injected)
			}
		}
	}
}
