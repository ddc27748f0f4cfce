package sound

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
)

// shipped reads the detectors for sound as they are shipped.
func shipped(t testing.TB) ([]measure.Detector, []verdict.Output) {
	t.Helper()
	dir := t.TempDir() // of the folders in models/, only those for sound
	for _, name := range Measures() {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join("../../../models", name))); err != nil {
			t.Fatal(err)
		}
	}
	set, err := models.LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var detectors []measure.Detector
	var outputs []verdict.Output
	for _, d := range set.Detectors() {
		f := measure.Detector{Name: d.Name, Measure: d.Measure, Params: d.Params}
		for _, o := range d.Outputs {
			f.Defects = append(f.Defects, o.Defect)
			outputs = append(outputs, verdict.Output{Detector: d.Name, Defect: o.Defect, Rule: verdict.Rule{
				Raise: o.Rule.Raise, Clear: o.Rule.Clear, MinDuration: o.Rule.MinDuration, MinScores: o.Rule.MinScores,
				Hold: o.Rule.Hold, Merge: o.Rule.Merge,
			}})
		}
		detectors = append(detectors, f)
	}
	if len(detectors) != len(Measures()) {
		t.Fatalf("%d detectors are shipped, there are %d measures", len(detectors), len(Measures()))
	}
	return detectors, outputs
}

// hear gives the cleared verdicts of the shipped detectors on a signal.
func hear(t *testing.T, channels []signal, integer bool, loudness func(at time.Duration) frame.Loudness) []verdict.Verdict {
	t.Helper()
	detectors, outputs := shipped(t)
	s, err := New(detectors, testRate, len(channels))
	if err != nil {
		t.Fatal(err)
	}
	tracker, err := verdict.NewTracker("test", 0, outputs)
	if err != nil {
		t.Fatal(err)
	}
	var all []verdict.Verdict
	take := func(scores []verdict.Score) {
		for _, sc := range scores {
			if !(sc.Value >= 0 && sc.Value <= 1) {
				t.Fatalf("score %+v", sc)
			}
			if all, err = tracker.Observe(all, sc); err != nil {
				t.Fatal(err)
			}
		}
	}
	const block = testRate / 10
	for at := 0; at+block <= len(channels[0]); at += block {
		a := &frame.Audio{Channels: len(channels), SampleRate: testRate, Integer: integer, Index: int64(at)}
		a.PTS = time.Duration(at) * time.Second / testRate
		for c := range channels {
			a.Samples[c] = channels[c][at : at+block]
		}
		if loudness != nil {
			a.Loudness = loudness(a.PTS)
		}
		take(s.Observe(nil, a))
	}
	take(s.Flush(nil))
	all = tracker.Flush(all)
	return slices.DeleteFunc(all, func(v verdict.Verdict) bool { return v.State != verdict.Cleared })
}

// heard is a verdict that is expected, with both ends to within slack.
type heard struct {
	defect            verdict.Defect
	start, end, slack float64
}

func TestShippedDetectors(t *testing.T) {
	speech := func(s float64) signal { return seconds(s).noise(0.1, 1) }
	cases := []struct {
		name   string
		sound  []signal
		coarse bool // samples are not integers
		want   []heard
	}{
		{"noise", stereo(speech(6), seconds(6).noise(0.1, 2)), false, nil},
		{"tone at -1 dBFS", both(seconds(6).tone(1000, 0.89)), false, nil},
		{"nothing at all", mono(seconds(7)), false, []heard{{verdict.Silence, 0, 7, 0.05}}},

		{"sound breaks off", both(speech(8).zero(3, 5)), false, []heard{{verdict.Silence, 3, 5, 0.05}}},
		{"sound fades for 2 s", both(speech(8).fade(3, 0.1).each(5.5, 8, func(at, v float64) float64 { return v + 0.2*math.Sin(4000*at) })), true, nil},
		{"sound has faded for 8 s", mono(speech(12).fade(3, 0.1)), true, []heard{{verdict.Silence, 3.5, 12, 0.1}}},
		{"faint room noise", mono(seconds(8).noise(0.003, 1)), false, nil},
		{"starts after 3 s", mono(speech(8).zero(0, 3)), false, nil},

		{"hole of 20 ms", both(speech(6).zero(3, 3.02)), false, []heard{{verdict.Dropout, 3, 3.02, 0.015}}},
		{"hole of 10 ms in a tone", mono(seconds(6).tone(700, 0.3).zero(3, 3.01)), false, []heard{{verdict.Dropout, 3, 3.01, 0.015}}},
		{"hole of 300 ms in one channel", stereo(speech(6), speech(6).zero(3, 3.3)), false, []heard{{verdict.Dropout, 3, 3.3, 0.015}}},
		{"hole of 2 ms", mono(speech(6).zero(3, 3.002)), true, nil},
		{"deep voice", mono(seconds(6).noise(0.5, 1).strike(0.016, 0.0025)), false, nil},
		{"staccato", mono(seconds(6).tone(440, 0.3).tone(1320, 0.1).notes(0.25, 0.1, 0.005, 0.01)), false, nil},
		{"gated speech", mono(speech(6).notes(0.6, 0.35, 0.002, 0.015)), false, nil},

		{"cut off", both(speech(8).gain(2, 6, 12).clip(1)), false, []heard{{verdict.Clipping, 2, 6, 0.5}}},
		{"as loud as it can be", both(seconds(6).noise(0.22, 3).clip(1)), true, nil},

		{"impulse", both(seconds(6).noise(0.03, 1).each(3, 3.00003, func(_, v float64) float64 { return v + 0.5 })), false, []heard{{verdict.Click, 3, 3, 0.015}}},
		{"drum", both(speech(6).strike(0.5, 0.03).gain(0, 9, 3)), false, nil},

		{"bass notes beside the mains", both(speech(10).tone(49, 0.1).tone(51.91, 0.1).tone(58.27, 0.1).tone(61.74, 0.1).tone(98, 0.1)), false, nil},
		{"bass note on the mains", mono(seconds(10).tone(50, 0.1).notes(1, 0.5, 0.01, 0.1).noise(0.1, 1)), false, nil},
		{"transformer in the room", mono(speech(10).tone(120, 0.05).tone(240, 0.02)), false, nil},

		{"one channel inverted", stereo(speech(9), speech(9).gain(3, 6, -1)), false, []heard{{verdict.Phase, 3, 6, 0.25}}},
		{"wide mix, one channel inverted", wide(-1), false, []heard{{verdict.Phase, 3, 6, 0.25}}},
		{"wide mix", wide(1), false, nil},
		{"unrelated channels", stereo(speech(6), seconds(6).noise(0.1, 7)), false, nil},

		{"one channel dead", stereo(speech(8), speech(8).zero(2, 8)), false, []heard{{verdict.DeadChannel, 2, 8, 0.25}}},
		{"one channel soft", stereo(speech(8), speech(8).gain(0, 8, 0.02)), false, nil},
		{"surround channels silent", []signal{speech(8), speech(8), speech(8), seconds(8), seconds(8), seconds(8)}, false, nil},

		{"offset", mono(speech(8).each(2, 8, func(_, v float64) float64 { return v + 0.06 })), false, []heard{{verdict.DCOffset, 2, 8, 1.1}}},
		{"small offset", mono(speech(8).each(0, 8, func(_, v float64) float64 { return v + 0.008 })), false, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !c.coarse {
				for i := range c.sound {
					c.sound[i] = c.sound[i].quantised()
				}
			}
			expect(t, hear(t, c.sound, !c.coarse, nil), c.want)
		})
	}
}

// TestMuteTrackIsOfLowSeverity: a track without any sound is told of, but not as
// loudly as one that has lost it.
func TestMuteTrackIsOfLowSeverity(t *testing.T) {
	mute := hear(t, mono(seconds(7)), true, nil)
	lost := hear(t, mono(seconds(14).noise(0.1, 1).zero(2, 14).quantised()), true, nil)
	if len(mute) != 1 || len(lost) != 1 || mute[0].Peak > 0.6 || lost[0].Peak < 0.9 {
		t.Errorf("mute from the start: %+v; sound lost: %+v", mute, lost)
	}
}

func expect(t *testing.T, got []verdict.Verdict, want []heard) {
	t.Helper()
	for _, v := range got {
		ok := slices.ContainsFunc(want, func(h heard) bool {
			return h.defect == v.Defect && max(v.Start.Seconds()-h.start, h.start-v.Start.Seconds()) <= h.slack &&
				max(v.End.Seconds()-h.end, h.end-v.End.Seconds()) <= h.slack
		})
		if !ok {
			t.Errorf("heard %s over %v-%v, score %.2f, reading %.2f", v.Defect, v.Start, v.End, v.Peak, v.Reading)
		}
	}
	if len(got) < len(want) {
		t.Errorf("%d verdicts, want %v", len(got), want)
	}
}

// wide is a mix with as much in one channel alone as in both, of which the
// right one has a gain from 3 s to 6 s.
func wide(g float64) []signal {
	middle := seconds(9).noise(0.1, 1)
	return stereo(middle.copy().noise(0.06, 4), middle.copy().noise(0.06, 5).gain(3, 6, g))
}

func TestShippedLoudness(t *testing.T) {
	sound := both(seconds(8).noise(0.1, 1))
	quiet := frame.Loudness{Valid: true, Momentary: -14, ShortTerm: -14, Integrated: -14, TruePeak: -1}
	within := func(from, to time.Duration, change func(*frame.Loudness)) func(time.Duration) frame.Loudness {
		return func(at time.Duration) frame.Loudness {
			l := quiet
			if at >= from && at < to {
				change(&l)
			}
			return l
		}
	}
	for _, c := range []struct {
		name   string
		change func(*frame.Loudness)
		want   []heard
	}{
		{"loud music", func(l *frame.Loudness) { l.ShortTerm, l.TruePeak = -8, 0.9 }, nil},
		{"too loud", func(l *frame.Loudness) { l.ShortTerm = -4 }, []heard{{verdict.Loudness, 2, 6, 0.11}}},
		{"peaks far above full scale", func(l *frame.Loudness) { l.TruePeak = 3 }, []heard{{verdict.TruePeak, 2, 6, 0.11}}},
		{"no reading", func(l *frame.Loudness) { *l = frame.Loudness{} }, nil},
		{"no number", func(l *frame.Loudness) { l.ShortTerm, l.TruePeak = math.NaN(), math.Inf(-1) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, hear(t, sound, false, within(2*time.Second, 6*time.Second, c.change)), c.want)
		})
	}
}

func TestQuietProgrammeWhereAFloorIsSet(t *testing.T) {
	for _, c := range []struct {
		name             string
		floor, programme float64
		raised           bool
	}{
		{"below", -30, -34, true}, {"above", -30, -28, false}, {"no floor", 0, -60, false}, {"nothing but silence", -30, -71, false},
	} {
		d := measure.Detector{Name: "l", Measure: "loudness", Params: map[string]float64{"min_integrated_lufs": c.floor}, Defects: []verdict.Defect{verdict.Loudness}}
		s, err := New([]measure.Detector{d}, testRate, 1)
		if err != nil {
			t.Fatal(err)
		}
		var best float64
		block := seconds(0.1)
		for n := range 120 {
			a := &frame.Audio{Channels: 1, SampleRate: testRate, PTS: time.Duration(n) * 100 * time.Millisecond}
			a.Samples[0] = block
			a.Loudness = frame.Loudness{Valid: true, ShortTerm: -70, Integrated: c.programme}
			for _, sc := range s.Observe(nil, a) {
				if sc.Value >= 0.5 && n < 99 {
					t.Errorf("%s: raised after %d readings", c.name, n)
				}
				best = max(best, sc.Value)
			}
		}
		if (best >= 0.5) != c.raised {
			t.Errorf("%s: score %.2f", c.name, best)
		}
	}
}
