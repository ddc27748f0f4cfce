package eval

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/verdict"
)

const ms = time.Millisecond

// truthOf is 10 s at 25/s with sound at 48 kHz and the given entries.
func truthOf(entries ...inject.Entry) inject.Truth {
	return inject.Truth{Version: inject.TruthVersion, FPS: 25, FrameRate: "25", Frames: 250, Width: 64, Height: 48, SampleRate: 48000, Channels: 2, Duration: 10, Defects: entries}
}

func entry(d verdict.Defect, start, end float64) inject.Entry {
	return inject.Entry{Defect: d, Kind: string(d), Start: start, End: end}
}

func bothTracks() Tracks { return Tracks{Interval: 40 * ms, Sound: true} }

func output(d verdict.Defect) Output { return Output{Detector: string(d), Defect: d} }

func score(d verdict.Defect, start, length time.Duration, value float64) verdict.Score {
	return verdict.Score{Detector: string(d), Defect: d, PTS: start, Duration: length, Value: value}
}

// perfect scores 250 pictures: 0.9 in [from, to), else 0.1.
func perfect(m *Meter, d verdict.Defect, from, to time.Duration) {
	for n := range 250 {
		v, t := .1, time.Duration(n)*40*ms
		if t >= from && t < to {
			v = .9
		}
		m.Scores(0, []verdict.Score{score(d, t, 40*ms, v)})
	}
}

func TestUnitsAreSortedByTheTruth(t *testing.T) {
	m := NewMeter(truthOf(entry(verdict.Noise, 4, 6)), bothTracks(), []Output{output(verdict.Noise), output(verdict.Blur)})
	perfect(m, verdict.Noise, 4*time.Second, 6*time.Second)
	perfect(m, verdict.Blur, 0, 0)
	out, peaks := m.Close(10 * time.Second)
	if len(out) != 1 || out[0].Output.Defect != verdict.Noise {
		t.Fatalf("blur was not injected, and this is no clean item: %+v", out)
	}
	s := out[0]
	// 250 pictures, 50 defective ones; half a second (12.5 pictures) on each side counts for
	// neither. So do the windows that this touches: one before, and two after.
	if s.Pos.Total() != 50 || s.Neg.Total() != 250-50-2*13 && s.Neg.Total() != 250-50-2*12 {
		t.Errorf("%d positive, %d negative", s.Pos.Total(), s.Neg.Total())
	}
	if s.WindowsPos.Total() != 4 || s.WindowsNeg.Total() != 13 {
		t.Errorf("windows: %d positive, %d negative", s.WindowsPos.Total(), s.WindowsNeg.Total())
	}
	if c := curveOf(&s.Pos, &s.Neg).measure(.01); c.auc != 1 || c.recall != 1 {
		t.Errorf("%+v", c)
	}
	if peaks[0] < .89 {
		t.Errorf("peak %v", peaks[0])
	}
}

func TestCleanItemsAreNegativeForAll(t *testing.T) {
	m := NewMeter(truthOf(), bothTracks(), []Output{output(verdict.Noise), output(verdict.Click), output(verdict.Hiss)})
	perfect(m, verdict.Noise, 0, 0)
	out, _ := m.Close(10 * time.Second)
	for i, want := range []int64{250, 500, 500} {
		if out[i].Neg.Total() != want || out[i].Pos.Total() != 0 || out[i].WindowsNeg.Total() != 20 {
			t.Errorf("%s: %d units, %d windows", out[i].Output.Defect, out[i].Neg.Total(), out[i].WindowsNeg.Total())
		}
	}
}

// A detector may speak of a stretch after it is over, and of a long one at once.
func TestLateAndLongScores(t *testing.T) {
	m := NewMeter(truthOf(entry(verdict.Freeze, 2, 4)), bothTracks(), []Output{output(verdict.Freeze)})
	m.Scores(0, []verdict.Score{score(verdict.Freeze, 0, 2*time.Second, 0), score(verdict.Freeze, 2*time.Second, 2*time.Second, .7), score(verdict.Freeze, 4*time.Second, 6*time.Second, 0)})
	out, peaks := m.Close(10 * time.Second)
	if s := out[0]; curveOf(&s.Pos, &s.Neg).measure(.01).auc != 1 || s.Pos.Total() != 50 || peaks[0] < .69 {
		t.Errorf("%+v, peak %v", s, peaks)
	}
}

func TestAClickIsFoundInItsUnit(t *testing.T) {
	m := NewMeter(truthOf(entry(verdict.Click, 5.005, 5.0051)), bothTracks(), []Output{output(verdict.Click)})
	m.Scores(1, []verdict.Score{score(verdict.Click, 5005*ms, ms/10, .8)})
	out, peaks := m.Close(10 * time.Second)
	if s := out[0]; s.Pos.Total() != 1 || curveOf(&s.Pos, &s.Neg).measure(.01).auc != 1 || peaks[0] < .79 {
		t.Errorf("%+v, peak %v", s, peaks)
	}
}

func TestDamageCountsByItsPictures(t *testing.T) {
	e := entry(verdict.BlockCorruption, 2, 3)
	e.Frames = []int64{50, 51, 60}
	hidden := entry(verdict.BlockCorruption, 7, 7.4)
	hidden.Invisible = true
	m := NewMeter(truthOf(e, hidden), bothTracks(), []Output{output(verdict.BlockCorruption)})
	out, _ := m.Close(10 * time.Second)
	if s := out[0]; s.Pos.Total() != 3 || s.Neg.Total() != 250-51-10 {
		t.Errorf("%d positive, %d negative", s.Pos.Total(), s.Neg.Total())
	}
}

func TestFreezeOrStutterTakesTheHigherOne(t *testing.T) {
	m := NewMeter(truthOf(entry(verdict.Stutter, 1, 1.2), entry(verdict.Freeze, 5, 6)), bothTracks(), []Output{RepeatsOutput()})
	perfect(m, verdict.Stutter, time.Second, 1200*ms)
	m.Scores(0, []verdict.Score{score(verdict.Freeze, 0, 5*time.Second, 0), score(verdict.Freeze, 5*time.Second, time.Second, .9)})
	out, peaks := m.Close(10 * time.Second)
	if s := out[0]; s.Pos.Total() != 30 || curveOf(&s.Pos, &s.Neg).measure(.01).auc != 1 || peaks[0] < .89 || peaks[1] < .89 {
		t.Errorf("%+v, peaks %v", s, peaks)
	}
}

// Tracks speak at their own pace; none of their scores is lost.
func TestTracksAtTheirOwnPace(t *testing.T) {
	m := NewMeter(truthOf(entry(verdict.Silence, 1, 2)), bothTracks(), []Output{output(verdict.Silence)})
	for n := range 100 {
		m.Scores(1, []verdict.Score{score(verdict.Silence, time.Duration(n)*100*ms, 100*ms, 0)})
	}
	m.Scores(2, []verdict.Score{score(verdict.Silence, 0, time.Second, 0), score(verdict.Silence, time.Second, time.Second, 1)})
	out, peaks := m.Close(10 * time.Second)
	if out[0].Pos.Total() != 50 || peaks[0] != 1 && peaks[0] != 0 {
		t.Errorf("%+v", out)
	}
	m = NewMeter(truthOf(entry(verdict.Silence, 1, 2)), bothTracks(), []Output{output(verdict.Silence)})
	for n := range 100 {
		at := time.Duration(n) * 100 * ms
		m.Scores(1, []verdict.Score{score(verdict.Silence, at, 100*ms, 0)})
		if n%7 == 6 {
			m.Scores(2, []verdict.Score{score(verdict.Silence, time.Duration(n-6)*100*ms, 700*ms, float64(n/14))})
		}
	}
	if _, peaks = m.Close(10 * time.Second); peaks[0] == 0 {
		t.Error("what the slower track said is lost")
	}
}

func TestShortAndEmptyItems(t *testing.T) {
	for _, length := range []time.Duration{0, 1, 39 * ms, 100 * ms} {
		m := NewMeter(inject.Truth{}, bothTracks(), []Output{output(verdict.Black), output(verdict.Silence)})
		out, _ := m.Close(length)
		if out[0].Pos.Total() != 0 || out[0].WindowsNeg.Total() > 1 {
			t.Errorf("%v: %+v", length, out)
		}
	}
}

// Whatever comes, every unit is counted once and the meter keeps little.
func TestEveryUnitIsCountedOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		m := NewMeter(inject.Truth{}, bothTracks(), []Output{output(verdict.Black)})
		at := time.Duration(0)
		most := 0
		for at < 400*time.Second {
			length := time.Duration(rng.Int64N(int64(300 * ms)))
			m.Scores(0, []verdict.Score{score(verdict.Black, at, length, rng.Float64())})
			at += time.Duration(rng.Int64N(int64(500 * ms)))
			for _, f := range m.lines[0].feeds {
				most = max(most, len(f.open))
			}
		}
		out, _ := m.Close(400 * time.Second)
		if n := out[0].Neg.Total(); n < 10000 || n > 10012 || most > 40 {
			t.Fatalf("%d units, %d kept", n, most)
		}
	}
}

// A network looks now and then: its units are the pictures that it looked at, and
// its windows are all of them.
func TestUnitsOfASampledDetectorAreItsLooks(t *testing.T) {
	o := output(verdict.BlockCorruption)
	o.Sampled = true
	m := NewMeter(truthOf(entry(verdict.BlockCorruption, 4, 6)), bothTracks(), []Output{o})
	for n := 0; n < 250; n += 20 {
		at := time.Duration(n) * 40 * ms
		v := .1
		if n == 100 {
			v = .9
		}
		m.Scores(0, []verdict.Score{score(verdict.BlockCorruption, at, 40*ms, v)})
	}
	out, _ := m.Close(10 * time.Second)
	// Looks every 0.8 s: three in the damage, and one of the ten others, at 6.4 s, too near to it.
	if s := out[0]; s.Pos.Total() != 3 || s.Neg.Total() != 9 || s.WindowsPos.Total() != 4 || s.WindowsNeg.Total() != 13 {
		t.Errorf("%d and %d units, %d and %d windows", s.Pos.Total(), s.Neg.Total(), s.WindowsPos.Total(), s.WindowsNeg.Total())
	}
}

// A file of sound says nothing of detectors of pictures, and the other way round.
func TestItemsCountForWhatTheyHave(t *testing.T) {
	all := []Output{output(verdict.Black), output(verdict.Click), output(verdict.DecodeError), output(verdict.AVDesync), RepeatsOutput()}
	for _, c := range []struct {
		tracks Tracks
		want   string
	}{
		{Tracks{Interval: 40 * ms}, "black decode_error freeze or stutter "},
		{Tracks{Sound: true}, "click decode_error "},
		{bothTracks(), "black click decode_error av_desync freeze or stutter "},
	} {
		got := ""
		out, _ := NewMeter(inject.Truth{}, c.tracks, all).Close(time.Second)
		for _, s := range out {
			got += string(s.Output.Defect) + " "
		}
		if got != c.want {
			t.Errorf("%+v: %s, want %s", c.tracks, got, c.want)
		}
	}
}
