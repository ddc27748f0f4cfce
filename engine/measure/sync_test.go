package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

// scenario is a source with onsets of pictures and sound.
type scenario struct {
	pictures, sounds []time.Duration // onsets
	interval         time.Duration   // between pictures; 0: 40 ms
	starts           time.Duration   // of the sound
	hole             [2]time.Duration
	length           time.Duration // 0: 30 s
}

const ms = time.Millisecond

// units gives the pictures, which are shown on their grid, and the blocks of sound.
func (s scenario) units() (shown, heard []Unit) {
	interval, length := s.interval, s.length
	if interval == 0 {
		interval = 40 * ms
	}
	if length == 0 {
		length = 30 * time.Second
	}
	slices.Sort(s.pictures)
	slices.Sort(s.sounds)
	k := 0
	for at := time.Duration(0); at < length; at += interval {
		u := Unit{Track: pictures, PTS: at, Duration: interval}
		for ; k < len(s.pictures) && s.pictures[k] <= at; k++ {
			u.Onsets = []Onset{{At: at, Within: interval, Strength: 30}}
		}
		shown = append(shown, u)
	}
	k = 0
	for at := s.starts; at < length; at += block {
		if at >= s.hole[0] && at < s.hole[1] {
			continue
		}
		u := Unit{Track: sound, PTS: at, Duration: block, Samples: 960, SampleRate: 48000}
		if at == s.hole[1] && at > 0 {
			u.Evidence.Gap = s.hole[1] - s.hole[0]
		}
		for ; k < len(s.sounds) && s.sounds[k] < at+block; k++ {
			if s.sounds[k] >= at {
				u.Onsets = append(u.Onsets, Onset{At: s.sounds[k], Within: ms, Strength: 20})
			}
		}
		heard = append(heard, u)
	}
	return shown, heard
}

// scores plays a scenario; turn says whose turn it is as long as both have units.
func (s scenario) scores(t testing.TB, soundFirst func() bool) []verdict.Score {
	t.Helper()
	d := Detector{Name: "av_desync", Measure: "av_desync", Defects: []verdict.Defect{verdict.AVDesync}}
	b, err := NewBitstream([]Detector{d}, Track{pictures, VideoTrack}, Track{sound, AudioTrack})
	if err != nil {
		t.Fatal(err)
	}
	var out []verdict.Score
	shown, heard := s.units()
	for len(shown)+len(heard) > 0 {
		next := &shown
		if len(shown) == 0 || len(heard) > 0 && soundFirst() {
			next = &heard
		}
		out = b.Observe(out, (*next)[0])
		*next = (*next)[1:]
	}
	out = b.End(out, pictures, frame.Evidence{})
	return b.End(out, sound, frame.Evidence{})
}

// inTurn lets tracks take turns as a container would, more or less.
func inTurn() func() bool {
	rng := rand.New(rand.NewPCG(1, 2))
	return func() bool { return rng.IntN(3) > 0 }
}

// saying are the stretches that scores speak for with a reading, "from-to reading".
func saying(scores []verdict.Score) (out []string) {
	for i := 0; i < len(scores); {
		s := scores[i]
		end := s.PTS + s.Duration
		for i++; i < len(scores) && math.Abs(scores[i].Reading-s.Reading) < 20 && scores[i].PTS == end; i++ {
			end += scores[i].Duration
		}
		if s.Reading != 0 {
			out = append(out, fmt.Sprintf("%.1f-%.1f %+.0f", s.PTS.Seconds(), end.Seconds(), s.Reading))
		}
	}
	return out
}

// every gives moments from..to in a rhythm, on a grid of pictures of 25 a second.
func every(period, from, to time.Duration) (out []time.Duration) {
	for at := from; at < to; at += period {
		out = append(out, at)
	}
	return out
}

// now and then gives moments 0.7 to 3 s apart.
func nowAndThen(seed uint64, to time.Duration) (out []time.Duration) {
	rng := rand.New(rand.NewPCG(seed, 5))
	for at := 300 * ms; at < to; at += 700*ms + time.Duration(rng.Int64N(int64(2300*ms))) {
		out = append(out, at)
	}
	return out
}

func shifted(all []time.Duration, by time.Duration) []time.Duration {
	out := slices.Clone(all)
	for i := range out {
		out[i] += by
	}
	return out
}

// worst is the score that speaks loudest.
func worst(scores []verdict.Score) verdict.Score { return highest(scores, verdict.AVDesync) }

// steadiest is the score of an alignment that speaks for longest.
func steadiest(scores []verdict.Score) (best verdict.Score) {
	for _, s := range scores {
		if s.Duration >= best.Duration && s.PTS < 5*time.Second && s.Reading != 0 {
			best = s
		}
	}
	return best
}

func TestConstantOffsetsAreFoundToWithinAPicture(t *testing.T) {
	for _, interval := range []time.Duration{20 * ms, 40 * ms, 100 * ms} {
		for _, late := range []time.Duration{-1000, -700, -400, -200, -120, -80, -40, 0, 40, 80, 120, 160, 240, 500, 1000, 1400} {
			for _, rhythm := range []bool{false, true} {
				events := nowAndThen(7, 28*time.Second)
				if rhythm {
					events = every(time.Second, time.Second, 28*time.Second)
				}
				want := late * ms
				got := steadiest(scenario{pictures: events, sounds: shifted(events, want), interval: interval}.scores(t, inTurn()))
				if rhythm { // the least of the offsets that fit
					want -= (want / time.Second) * time.Second
					if want > 500*ms {
						want -= time.Second
					} else if want < -500*ms {
						want += time.Second
					}
				}
				reading := time.Duration(got.Reading * float64(ms))
				if rhythm && want.Abs() == 500*ms {
					reading, want = reading.Abs(), want.Abs() // both fit
				}
				name := fmt.Sprintf("late by %v, pictures every %v, rhythm %v", late*ms, interval, rhythm)
				if (reading - want).Abs() > interval {
					t.Errorf("%s: reads %v", name, reading)
				}
				// Nearer to a limit than a picture, it may be either.
				switch {
				case want >= 125*ms+interval || want <= -45*ms-interval:
					if got.Value < 0.5 {
						t.Errorf("%s: scores %v", name, got.Value)
					}
				case want <= 125*ms-interval && want >= interval-45*ms:
					if got.Value >= 0.5 {
						t.Errorf("%s: scores %v", name, got.Value)
					}
				}
			}
		}
	}
}

func TestScenariosOfOnsets(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	wobble := func(all []time.Duration, by time.Duration) []time.Duration {
		out := slices.Clone(all)
		for i := range out {
			out[i] += time.Duration(rng.Int64N(int64(2*by))) - by
		}
		return out
	}
	without := func(all []time.Duration, nth int) (out []time.Duration) {
		for i, at := range all {
			if i%nth != nth-1 {
				out = append(out, at)
			}
		}
		return out
	}
	noise := func(n int, to time.Duration) (out []time.Duration) {
		for range n {
			out = append(out, time.Duration(rng.Int64N(int64(to))))
		}
		return out
	}
	events := nowAndThen(7, 28*time.Second)
	beats := every(500*ms, 100*ms, 29*time.Second)
	drifting := slices.Clone(events)
	for i, at := range drifting {
		drifting[i] = at + 200*ms + at/500
	}
	long := nowAndThen(9, 58*time.Second)
	half := slices.Clone(long)
	for i, at := range half {
		if at > 30*time.Second {
			half[i] = at + 240*ms
		}
	}
	const nothing = 0
	for _, c := range []struct {
		name   string
		source scenario
		want   float64 // worst reading, ms
		within float64
	}{
		{"wobbling by half a picture", scenario{pictures: events, sounds: wobble(shifted(events, 200*ms), 20*ms)}, 200, 25},
		{"one in five pictures shows nothing", scenario{pictures: without(events, 5), sounds: shifted(events, 200*ms)}, 200, 40},
		{"one in six sounds is missing", scenario{pictures: events, sounds: without(shifted(events, -200*ms), 6)}, -200, 40},
		{"as many other sounds", scenario{pictures: events, sounds: append(shifted(events, 200*ms), noise(len(events), 28*time.Second)...)}, 200, 40},
		{"sound that starts after 8 s", scenario{pictures: events, sounds: shifted(events, 200*ms), starts: 8 * time.Second}, 200, 40},
		{"a hole in the sound", scenario{pictures: events, sounds: shifted(events, 200*ms), hole: [2]time.Duration{12 * time.Second, 14 * time.Second}}, 200, 40},
		{"a clock that is 0.2 % wrong", scenario{pictures: events, sounds: drifting}, 215, 40},
		{"late from the middle on", scenario{pictures: long, sounds: half, length: time.Minute}, 240, 40},

		{"no picture stands out", scenario{sounds: events}, nothing, 0},
		{"no sound stands out", scenario{pictures: events}, nothing, 0},
		{"four pairs are too few", scenario{pictures: events[:4], sounds: shifted(events[:4], 200*ms)}, nothing, 0},
		{"too far apart", scenario{pictures: events, sounds: shifted(events, 1900*ms)}, nothing, 0},
		{"sound out of nowhere", scenario{pictures: events, sounds: noise(60, 28*time.Second)}, nothing, 0},
		{"cuts to music, off the beat", scenario{pictures: every(2*time.Second, 250*ms+2*time.Second, 28*time.Second), sounds: beats}, nothing, 0},
		{"a slow rhythm of pictures beside speech", scenario{pictures: every(time.Second, time.Second, 28*time.Second), sounds: noise(80, 28*time.Second)}, nothing, 0},
		{"flashes faster than a rhythm may be", scenario{pictures: every(500*ms, time.Second, 28*time.Second), sounds: every(500*ms, 1200*ms, 28*time.Second)}, nothing, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			scores := c.source.scores(t, inTurn())
			got := worst(scores)
			if c.want == nothing {
				if got.Value != 0 {
					t.Errorf("it says %v", saying(scores))
				}
				return
			}
			if math.Abs(got.Reading-c.want) > c.within || got.Value < 0.5 {
				t.Errorf("want %v ms; it says %v", c.want, saying(scores))
			}
		})
	}
	scores := scenario{pictures: long, sounds: half, length: time.Minute}.scores(t, inTurn())
	for _, s := range scores {
		if s.Value >= 0.5 && s.PTS < 29*time.Second {
			t.Errorf("late at %v already, where it begins at 30 s: %v", s.PTS, saying(scores))
		}
	}
}

// Who comes first changes nothing.
func TestOrderOfArrivalChangesNothing(t *testing.T) {
	events := nowAndThen(11, 58*time.Second)
	s := scenario{pictures: events, sounds: shifted(events, -300*ms), length: time.Minute}
	want := s.scores(t, inTurn())
	rng := rand.New(rand.NewPCG(8, 9))
	for name, turn := range map[string]func() bool{
		"sound first":    func() bool { return true },
		"pictures first": func() bool { return false },
		"by chance":      func() bool { return rng.IntN(10) == 0 },
	} {
		if got := s.scores(t, turn); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, saying(got), saying(want))
		}
	}
	if worst(want).Value != 1 {
		t.Errorf("%v", saying(want))
	}
}

// Scores follow each other without a hole, and speak for all of the sound.
func TestScoresSpeakForAllOfTheSound(t *testing.T) {
	events := nowAndThen(11, 40*time.Second)
	at := 2 * time.Second
	for _, s := range (scenario{pictures: events, sounds: shifted(events, 300*ms), starts: at, length: 100 * time.Second}).scores(t, inTurn()) {
		if s.PTS != at {
			t.Fatalf("a score at %v, after one up to %v", s.PTS, at)
		}
		at += s.Duration
	}
	if at != 100*time.Second {
		t.Errorf("they end at %v", at)
	}
}

// Two hours of events without relation: how often chance passes for an offset.
func TestChanceIsNoOffset(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	said, hours := 0, 0.0
	for range 24 {
		const length = 5 * time.Minute
		train := func(mean time.Duration, least time.Duration) (out []time.Duration) {
			for at := time.Duration(0); at < length; at += least + time.Duration(rng.ExpFloat64()*float64(mean)) {
				out = append(out, at)
			}
			return out
		}
		s := scenario{length: length, interval: 40 * ms,
			pictures: train(time.Duration(200+rng.IntN(3000))*ms, 300*ms), sounds: train(time.Duration(100+rng.IntN(1500))*ms, 150*ms)}
		if got := s.scores(t, inTurn()); worst(got).Value > 0 {
			said++
			t.Logf("it says %v", saying(got))
		}
		hours += length.Hours()
	}
	if said > 0 {
		t.Errorf("in %.0f hours chance passed for an offset %d times", hours, said)
	}
}

// The tail of the binomial distribution, against sums that can be checked by hand.
func TestAtLeast(t *testing.T) {
	for _, c := range []struct {
		n, k    int
		q, want float64
	}{
		{4, 2, 0.5, 11.0 / 16}, {4, 4, 0.5, 1.0 / 16}, {3, 1, 0.1, 1 - 0.729}, {10, 0, 0.3, 1}, {6, 6, 0.1, 1e-6}, {5, 3, 1, 1}, {5, 3, 0, 0},
	} {
		if got := atLeast(c.n, c.k, c.q); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%d of %d at %v: %v, want %v", c.k, c.n, c.q, got, c.want)
		}
	}
}
