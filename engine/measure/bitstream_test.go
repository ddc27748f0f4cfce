package measure

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

const (
	pictures = 0 // track numbers
	sound    = 1
	block    = 20 * time.Millisecond
)

func newTestBitstream(t testing.TB) *Bitstream {
	t.Helper()
	var ds []Detector
	for _, name := range BitstreamMeasures() {
		ds = append(ds, Detector{Name: name, Measure: name, Defects: []verdict.Defect{verdict.Defect(name)}})
	}
	b, err := NewBitstream(ds, Track{pictures, VideoTrack}, Track{sound, AudioTrack})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// source is what a test source holds.
type source struct {
	pictures, blocks int
	picture          func(n int, u *Unit) // changes picture n
	block            func(n int, u *Unit)
	tail             frame.Evidence // of the pictures
}

func (s source) scores(t *testing.T) []verdict.Score {
	b := newTestBitstream(t)
	var out []verdict.Score
	for n := range s.pictures {
		u := Unit{Track: pictures, PTS: time.Duration(n) * testFrame, Duration: testFrame, Keyframe: n%25 == 0}
		if s.picture != nil {
			s.picture(n, &u)
		}
		out = b.Observe(out, u)
	}
	for n := range s.blocks {
		u := Unit{Track: sound, PTS: time.Duration(n) * block, Duration: block, Samples: 960, SampleRate: 48000}
		if s.block != nil {
			s.block(n, &u)
		}
		out = b.Observe(out, u)
	}
	out = b.End(out, pictures, s.tail)
	return b.End(out, sound, frame.Evidence{})
}

// highest gives the highest score of a defect, where it was, and its reading.
func highest(scores []verdict.Score, d verdict.Defect) (best verdict.Score) {
	best.Value = -1
	for _, s := range scores {
		if s.Defect == d && s.Value > best.Value {
			best = s
		}
	}
	return best
}

func TestBitstreamScores(t *testing.T) {
	at := func(k int, e frame.Evidence) func(int, *Unit) {
		return func(n int, u *Unit) {
			if n == k {
				u.Evidence = e
			}
		}
	}
	// wrongRate is sound of 44.1 kHz that says it is 48 kHz: its timestamps are right.
	wrongRate := func(n int, u *Unit) { u.Samples = 882 }
	cases := []struct {
		name    string
		source  source
		defect  verdict.Defect
		low     float64 // the highest score is at least low,
		high    float64 // and at most high,
		at      time.Duration
		reading float64
	}{
		{"clean", source{pictures: 100, blocks: 200}, verdict.DecodeError, 0, 0, 0, 0},
		{"refused packet", source{pictures: 100, blocks: 200, picture: at(40, frame.Evidence{RefusedPackets: 2})}, verdict.DecodeError, 1, 1, 40 * testFrame, 2},
		{"corrupt packet", source{pictures: 100, blocks: 200, picture: at(40, frame.Evidence{CorruptPackets: 3})}, verdict.DecodeError, 0.8, 0.8, 40 * testFrame, 3},
		{"corrupt sound", source{pictures: 100, blocks: 200, block: at(10, frame.Evidence{DecodeErrors: frame.FrameCorrupt})}, verdict.DecodeError, 1, 1, 10 * block, 1},
		{"damage after the last picture", source{pictures: 100, blocks: 200, tail: frame.Evidence{RefusedPackets: 1}}, verdict.DecodeError, 1, 1, 100 * testFrame, 1},

		{"jump", source{pictures: 100, blocks: 200, picture: at(40, frame.Evidence{Jump: -3 * time.Second})}, verdict.TimestampJump, 0.9, 1, 40 * testFrame, -3000},
		{"small step", source{pictures: 100, blocks: 200, picture: at(40, frame.Evidence{Jump: 60 * time.Millisecond})}, verdict.TimestampJump, 0, 0.4, 40 * testFrame, 60},
		{"hole", source{pictures: 100, blocks: 200, picture: at(40, frame.Evidence{Gap: time.Second})}, verdict.TimestampJump, 0.5, 0.7, 40 * testFrame, 1000},
		{"one picture missing", source{pictures: 100, blocks: 200, picture: at(40, frame.Evidence{Gap: testFrame})}, verdict.TimestampJump, 0, 0, 0, 0},

		{"format", source{pictures: 100, blocks: 200, picture: at(40, frame.Evidence{FormatChanged: true})}, verdict.FormatChange, 1, 1, 40 * testFrame, 1},
		{"same format", source{pictures: 100, blocks: 200}, verdict.FormatChange, 0, 0, 0, 0},

		{"sound ends early", source{pictures: 250, blocks: 200}, verdict.MissingTrack, 0.6, 0.8, 200 * block, 6},
		{"no sound at all", source{pictures: 250}, verdict.MissingTrack, 0.7, 0.8, 0, 10},
		{"sound ends a little early", source{pictures: 100, blocks: 170}, verdict.MissingTrack, 0, 0, 0, 0},

		{"steady sound", source{pictures: 100, blocks: 200}, verdict.AVDesync, 0, 0, 0, 0},
		{"sound of a wrong rate", source{pictures: 100, blocks: 200, block: wrongRate}, verdict.AVDesync, 1, 1, 2200 * time.Millisecond, 185},
		{"timestamps fall behind the samples", source{pictures: 100, blocks: 200, block: func(n int, u *Unit) { u.PTS = u.PTS * 98 / 100 }}, verdict.AVDesync, 0.8, 1, 3900 * time.Millisecond, -79.6},
		{"sound starts late", source{pictures: 100, blocks: 150, block: func(_ int, u *Unit) { u.PTS += time.Second }}, verdict.AVDesync, 0, 0, 0, 0},
		{"a hole of which timestamps tell", source{pictures: 100, blocks: 150, block: func(n int, u *Unit) {
			if n >= 50 {
				u.PTS += time.Second
			}
			if n == 50 {
				u.Evidence.Gap = time.Second
			}
		}}, verdict.AVDesync, 0, 0, 0, 0},
		{"timestamps wobble", source{pictures: 100, blocks: 200, block: func(n int, u *Unit) { u.PTS += time.Duration(n%7) * time.Millisecond }}, verdict.AVDesync, 0, 0.1, 0, math.NaN()},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := highest(c.source.scores(t), c.defect)
			if got.Value < c.low || got.Value > c.high {
				t.Fatalf("%s scores %.3f (%v at %v), want %v..%v", c.defect, got.Value, got.Reading, got.PTS, c.low, c.high)
			}
			if got.Value > 0 && !math.IsNaN(c.reading) && (got.PTS != c.at || math.Abs(got.Reading-c.reading) > 1) {
				t.Errorf("%s at %v reads %.1f, want %.1f at %v", c.defect, got.PTS, got.Reading, c.reading, c.at)
			}
		})
	}
}

// After damage the score holds a verdict, but begins none, until a keyframe.
func TestDamageSpreadsToTheNextKeyframe(t *testing.T) {
	scores := source{pictures: 60, blocks: 120, picture: func(n int, u *Unit) {
		if n == 40 {
			u.Evidence.CorruptPackets = 1
		}
	}}.scores(t)
	for _, s := range scores {
		if s.Defect != verdict.DecodeError || s.PTS == 40*testFrame {
			continue
		}
		want := 0.0
		if s.PTS > 40*testFrame && s.PTS < 50*testFrame && s.Duration == testFrame {
			want = taintedScore
		}
		if s.Value != want {
			t.Errorf("at %v: %v, want %v", s.PTS, s.Value, want)
		}
	}
}

func TestUndeclaredTracksArePassedOver(t *testing.T) {
	b := newTestBitstream(t)
	if got := b.Observe(nil, Unit{Track: 7, Duration: block}); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := b.End(nil, 7, frame.Evidence{RefusedPackets: 1}); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func FuzzBitstream(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		b := newTestBitstream(t)
		rng := rand.New(rand.NewPCG(seed, 1))
		var scores []verdict.Score
		for range 100 {
			any := func() time.Duration { return time.Duration(rng.Uint64()) >> rng.IntN(64) }
			scores = b.Observe(scores, Unit{
				Track: rng.IntN(3), PTS: any(), Duration: any(), Keyframe: rng.IntN(5) == 0,
				Samples: rng.IntN(1 << 20), SampleRate: rng.IntN(200000) - 5,
				Onsets:   []Onset{{At: any(), Within: any(), Strength: math.Float64frombits(rng.Uint64())}}[:rng.IntN(2)],
				Evidence: frame.Evidence{CorruptPackets: rng.IntN(2), RefusedPackets: rng.IntN(2), DecodeErrors: frame.DecodeError(rng.IntN(32)), Gap: any(), Jump: any(), FormatChanged: rng.IntN(9) == 0},
			})
		}
		scores = b.End(scores, pictures, frame.Evidence{CorruptPackets: 1})
		for _, s := range b.End(scores, sound, frame.Evidence{}) {
			if !(s.Value >= 0 && s.Value <= 1) || math.IsNaN(s.Reading) || math.IsInf(s.Reading, 0) || s.Duration <= 0 {
				t.Fatalf("%+v", s)
			}
		}
	})
}
