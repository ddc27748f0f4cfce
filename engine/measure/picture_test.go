package measure

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

const testFrame = 40 * time.Millisecond

// clip is a scene as it is watched.
type clip struct {
	scene      scene
	frames     int
	interlaced bool
	pts        func(n int) time.Duration // nil: steady 25 a second
}

func allPictureDetectors() []Detector {
	var out []Detector
	for _, name := range PictureMeasures() {
		out = append(out, Detector{Name: name, Measure: name, Defects: []verdict.Defect{verdict.Defect(name)}})
	}
	return out
}

// watch gives the scores of a clip from all closed forms.
func watch(t *testing.T, c clip) []verdict.Score {
	t.Helper()
	s, err := NewPicture(allPictureDetectors())
	if err != nil {
		t.Fatal(err)
	}
	var scores []verdict.Score
	var previous *drawing
	for n := range c.frames {
		d := c.scene(n)
		f := FrameInfo{PTS: time.Duration(n) * testFrame, Duration: testFrame, Index: int64(n), Interlaced: c.interlaced}
		if c.pts != nil {
			f.PTS = c.pts(n)
		}
		scores = s.Observe(scores, f, measureOf(d, previous))
		previous = d
	}
	return scores
}

// found gives the stretches in pictures, "from-to", in which a defect scored 0.5
// or more; up to a quarter of a second below that does not end one.
func found(scores []verdict.Score, defect verdict.Defect) string {
	var out []string
	var start, end time.Duration
	open := false
	flush := func() {
		if open {
			out = append(out, fmt.Sprintf("%d-%d", start/testFrame, (end+testFrame/2)/testFrame))
		}
		open = false
	}
	for _, s := range scores {
		if s.Defect != defect || s.Value < 0.5 {
			continue
		}
		if open && s.PTS-end > 250*time.Millisecond {
			flush()
		}
		if !open {
			open, start = true, s.PTS
		}
		end = s.PTS + s.Duration
	}
	flush()
	return strings.Join(out, " ")
}

func TestPictureScores(t *testing.T) {
	moving, fast, standing := camera(2, 1), camera(4, 1), camera(0, 1)
	dropped := func(n int) time.Duration { // 3 of every 12 pictures are left out from picture 30 on
		if n >= 30 {
			n += 3 * ((n - 30) / 9)
		}
		return time.Duration(n) * testFrame
	}
	every := func(n, k int) bool { return n%k == 0 }
	cases := []struct {
		name   string
		clip   clip
		defect verdict.Defect
		want   string
	}{
		{"black", clip{scene: moving.change(20, 40, fill(16)), frames: 50}, verdict.Black, "20-40"},
		{"noisy black", clip{scene: moving.change(20, 40, fill(18)).change(20, 40, grain(3)), frames: 50}, verdict.Black, "20-40"},
		{"black with a subtitle", clip{scene: moving.change(20, 40, fill(16)).change(20, 40, paint(80, 90, 110, 96, 235)), frames: 50}, verdict.Black, "20-40"},
		{"a title on black", clip{scene: moving.change(20, 40, fill(16)).change(20, 40, paint(80, 50, 110, 56, 235)), frames: 50}, verdict.Black, ""},
		{"night scene", clip{scene: moving.change(20, 40, levels(func(y float64) float64 { return 16 + (y-16)*0.25 })), frames: 50}, verdict.Black, ""},
		{"black with a picture in the corner", clip{scene: moving.change(20, 40, paint(0, 0, 150, 108, 16)), frames: 50}, verdict.Black, ""},

		{"freeze", clip{scene: moving.held(20, 45).refined(21), frames: 60}, verdict.Freeze, "21-45"},
		{"freeze with a keyframe in it", clip{scene: moving.held(20, 50).change(35, 60, grain(1.5)).show(func(n int) int {
			if n > 35 && n < 50 {
				return 35
			}
			return n
		}), frames: 60}, verdict.Freeze, "21-50"},
		{"short freeze", clip{scene: moving.held(20, 30), frames: 50}, verdict.Freeze, ""},
		{"a camera that stands still", clip{scene: standing, frames: 60}, verdict.Freeze, ""},
		{"freeze of all but a small thing that moves", clip{scene: func(n int) *drawing {
			d := moving.held(20, 45)(n)
			paint(40+n, 50, 48+n, 58, 230)(d)
			return d
		}, frames: 60}, verdict.Freeze, ""},
		{"a page with a cursor", clip{scene: page, frames: 80}, verdict.Freeze, ""},
		{"slides", clip{scene: camera(6, 1).show(func(n int) int { return n / 25 * 25 }), frames: 100}, verdict.Freeze, ""},
		{"a pan that slows down, rests and goes on", clip{scene: camera(1, 0).show(func(n int) int {
			if n > 40 {
				n = min(n, 70) - 30
			}
			x := float64(n) / 40
			return int(90 * x * x * (3 - 2*x))
		}), frames: 70}, verdict.Freeze, ""},
		{"black is no freeze", clip{scene: moving.change(20, 45, fill(16)), frames: 60}, verdict.Freeze, ""},
		{"half the rate is no freeze", clip{scene: moving.show(func(n int) int { return n / 2 * 2 }), frames: 60}, verdict.Freeze, ""},

		{"stutter", clip{scene: moving.show(func(n int) int {
			if n > 40 && n%10 < 4 {
				return n / 10 * 10
			}
			return n
		}), frames: 90}, verdict.Stutter, "41-90"},
		{"every eighth picture is a repeat, suddenly", clip{scene: moving.show(func(n int) int {
			if n > 40 && every(n, 8) {
				return n - 1
			}
			return n
		}), frames: 100}, verdict.Stutter, "48-100"},
		{"pictures are missing", clip{scene: moving, frames: 70, pts: dropped}, verdict.Stutter, "39-82"},
		{"half a second and more is missing", clip{scene: moving, frames: 60, pts: func(n int) time.Duration {
			if n >= 40 {
				n += 16
			}
			return time.Duration(n) * testFrame
		}}, verdict.Stutter, "40-56"},
		{"a run of repeats", clip{scene: moving.held(40, 45), frames: 80}, verdict.Stutter, "41-45"},
		{"a run of repeats under grain", clip{scene: fast.held(40, 45).change(0, 80, grain(1.5)), frames: 80}, verdict.Stutter, "41-45"},
		{"a freeze under grain", clip{scene: fast.held(40, 60).change(0, 80, grain(1.5)), frames: 80}, verdict.Freeze, "41-60"},
		{"a camera that stops, under grain", clip{scene: fast.show(func(n int) int { return min(n, 40) }).change(0, 80, grain(1.5)), frames: 80}, verdict.Freeze, ""},
		{"a camera that stops for a while, under grain", clip{scene: moving.show(func(n int) int {
			return min(n, 40) + max(n-60, 0)
		}).change(0, 90, grain(1.5)), frames: 90}, verdict.Freeze, ""},
		{"the last picture is late", clip{scene: moving, frames: 60, pts: func(n int) time.Duration {
			return time.Duration(n+n/59*4) * testFrame
		}}, verdict.Stutter, ""},
		{"a run of repeats before a cut", clip{scene: moving.held(40, 45).change(45, 80, levels(func(y float64) float64 { return 251 - y })), frames: 80}, verdict.Stutter, "41-45"},
		{"one repeat", clip{scene: moving.held(40, 42), frames: 60}, verdict.Stutter, ""},
		{"2:3 pulldown", clip{scene: moving.show(func(n int) int { return n * 4 / 5 }), frames: 90}, verdict.Stutter, ""},
		{"half the rate", clip{scene: moving.show(func(n int) int { return n / 2 * 2 }), frames: 90}, verdict.Stutter, ""},
		{"a still scene in coding noise", clip{scene: standing.held(20, 24), frames: 60}, verdict.Stutter, ""},

		{"dark", clip{scene: moving.change(10, 30, levels(func(y float64) float64 { return 16 + (y-16)*0.15 })), frames: 40}, verdict.Dark, "10-30"},
		// Luma up to 30 is more than black, and as dark as can be.
		{"next to black", clip{scene: moving.change(10, 30, levels(func(y float64) float64 { return min(16+(y-16)*0.07, 31) })), frames: 40}, verdict.Dark, "10-30"},
		{"dim with a lamp", clip{scene: moving.change(10, 30, levels(func(y float64) float64 { return 16 + (y-16)*0.15 })).change(10, 30, paint(20, 20, 50, 50, 200)), frames: 40}, verdict.Dark, ""},
		{"a scene at a third of its light", clip{scene: moving.change(10, 40, levels(func(y float64) float64 { return 16 + (y-16)*0.3 })), frames: 50}, verdict.Dark, "10-40"},
		{"a scene that loses 90 levels", clip{scene: moving.change(20, 50, levels(func(y float64) float64 { return y - 90 })), frames: 60}, verdict.Dark, "20-50"},
		{"a scene that loses 30 levels", clip{scene: moving.change(20, 50, levels(func(y float64) float64 { return y - 30 })), frames: 60}, verdict.Dark, ""},
		{"a cut to a dim scene with a lamp", clip{scene: moving.change(20, 50, levels(func(y float64) float64 { return 16 + (235-y)*0.15 })).change(20, 50, paint(20, 20, 50, 50, 200)), frames: 60}, verdict.Dark, ""},
		{"black is not dark", clip{scene: moving.change(10, 30, fill(16)), frames: 40}, verdict.Dark, ""},
		{"overexposed", clip{scene: moving.change(10, 30, levels(func(y float64) float64 { return 16 + (y-16)*3 })), frames: 40}, verdict.Overexposed, "10-30"},
		{"a scene that gains 90 levels", clip{scene: moving.change(20, 50, levels(func(y float64) float64 { return y + 90 })), frames: 60}, verdict.Overexposed, "20-50"},
		{"a page is not overexposed", clip{scene: page, frames: 30}, verdict.Overexposed, ""},
		{"solid colour", clip{scene: moving.change(10, 30, fill(120)).change(10, 30, grain(2)), frames: 40}, verdict.SolidColor, "10-30"},
		{"a buffer that was never filled is a colour", clip{scene: moving.change(10, 30, empty), frames: 40}, verdict.SolidColor, "10-30"},
		{"and not black", clip{scene: moving.change(10, 30, empty), frames: 40}, verdict.Black, ""},
		{"clear sky with a gradient", clip{scene: func(int) *drawing {
			d := newDrawing(sceneWidth, sceneHeight)
			for i := range d.y {
				d.y[i] = uint8(140 + i/d.w/4)
			}
			return d
		}, frames: 20}, verdict.SolidColor, ""},
		{"colour bars", clip{scene: moving.change(10, 30, bars75), frames: 40}, verdict.ColorBars, "10-30"},
		{"a camera has no bars", clip{scene: moving, frames: 20}, verdict.ColorBars, ""},

		{"letterbox", clip{scene: moving.change(25, 50, paint(0, 0, 192, 14, 16)).change(25, 50, paint(0, 94, 192, 108, 16)), frames: 70}, verdict.LetterboxChange, "25-50"},
		{"letterbox from the start", clip{scene: moving.change(0, 70, paint(0, 0, 192, 14, 16)), frames: 70}, verdict.LetterboxChange, ""},
		{"a fade is no letterbox", clip{scene: moving.change(25, 50, fill(16)), frames: 70}, verdict.LetterboxChange, ""},

		{"combing", clip{scene: camera(8, 1).woven(1), frames: 20}, verdict.Combing, "1-20"},
		{"combing that is flagged", clip{scene: camera(8, 1).woven(1), frames: 20, interlaced: true}, verdict.Combing, ""},
		{"texture is no combing", clip{scene: camera(8, 6), frames: 20}, verdict.Combing, ""},

		{"flashes at 6 Hz", clip{scene: flashing(moving, 2, 1), frames: 75}, verdict.Flash, "16-75"},
		{"flashes at 2.5 Hz", clip{scene: flashing(moving, 5, 1), frames: 75}, verdict.Flash, ""},
		{"flashes of a small lamp", clip{scene: flashing(moving, 2, 0.3), frames: 75}, verdict.Flash, ""},

		{"blocks", clip{scene: moving.change(10, 30, blocky(0.7)), frames: 40}, verdict.Blockiness, "10-30"},
		{"faint blocks", clip{scene: moving.change(10, 30, blocky(0.1)), frames: 40}, verdict.Blockiness, ""},
		{"noise", clip{scene: moving.change(10, 30, grain(20)), frames: 40}, verdict.Noise, "10-30"},
		{"film grain", clip{scene: moving.change(10, 30, grain(4)), frames: 40}, verdict.Noise, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := found(watch(t, c.clip), c.defect); got != c.want {
				t.Errorf("%s found in pictures %q, want %q", c.defect, got, c.want)
			}
		})
	}
}

// flashing alternates between dark and bright every half pictures, over a middle
// part of side times width and height, from picture 10 on.
func flashing(s scene, half int, side float64) scene {
	return func(n int) *drawing {
		d := s(n)
		level := uint8(30)
		if n/half%2 == 1 {
			level = 220
		}
		w, h := int(side*float64(d.w)), int(side*float64(d.h))
		paint((d.w-w)/2, (d.h-h)/2, (d.w+w)/2, (d.h+h)/2, level)(d)
		return d
	}
}

// A healthy moving picture gives no score of 0.5 from any closed form.
func TestCleanPictureIsQuiet(t *testing.T) {
	for name, s := range map[string]scene{"pan": camera(3, 1), "grainy pan": camera(1, 4), "still": camera(0, 1.5), "page": page} {
		for _, score := range watch(t, clip{scene: s, frames: 60}) {
			if score.Value >= 0.5 {
				t.Errorf("%s: %s scores %.2f (%.3f) at %v", name, score.Defect, score.Value, score.Reading, score.PTS)
			}
		}
	}
}

// Scores of one output come in time order, and leave no time out for longer than
// a form may hold them back.
func TestScoresAreInOrder(t *testing.T) {
	last := map[verdict.Defect]time.Duration{}
	for _, s := range watch(t, clip{scene: camera(2, 1).held(20, 50), frames: 80}) {
		if s.PTS < last[s.Defect] {
			t.Fatalf("%s at %v comes after %v", s.Defect, s.PTS, last[s.Defect])
		}
		if s.PTS > last[s.Defect] {
			t.Fatalf("%s leaves out %v..%v", s.Defect, last[s.Defect], s.PTS)
		}
		last[s.Defect] = s.PTS + s.Duration
	}
	for d, end := range last {
		if end != 80*testFrame {
			t.Errorf("%s ends at %v", d, end)
		}
	}
}

func TestSuspicion(t *testing.T) {
	s, _ := NewPicture(nil)
	clean := &frame.Measures{Pixels: 1 << 16, Blocks: 256, HasPrevious: 1, SAD: 2 << 16, BlockDiffMax: 3000}
	observe := func(m frame.Measures, f FrameInfo) float64 {
		s.Observe(nil, f, &m)
		return s.Suspicion().Level()
	}
	for n := range 20 {
		if got := observe(*clean, FrameInfo{PTS: time.Duration(n) * testFrame, Keyframe: n == 0}); got >= 0.5 {
			t.Fatalf("picture %d of a clean track: suspicion %.2f", n, got)
		}
	}
	blocks := *clean
	blocks.EdgeBlocks = 20
	if got := observe(blocks, FrameInfo{}); got < 0.5 {
		t.Errorf("block edges appear: suspicion %.2f", got)
	}
	jolt := *clean
	jolt.SAD *= 10
	if got := observe(jolt, FrameInfo{}); got < 0.5 {
		t.Errorf("a jolt that is no cut: suspicion %.2f", got)
	}
	broken := FrameInfo{Evidence: frame.Evidence{RefusedPackets: 1}}
	if got := observe(*clean, broken); got < 0.5 {
		t.Errorf("a refused packet: suspicion %.2f", got)
	}
	if got := observe(*clean, FrameInfo{}); got < 0.5 {
		t.Errorf("after a refused packet, before a keyframe: suspicion %.2f", got)
	}
	if got := observe(*clean, FrameInfo{Keyframe: true}); got < 0.5 {
		t.Errorf("at a keyframe that comes so soon that it may be what is damaged: suspicion %.2f", got)
	}
	for range ahead {
		observe(*clean, FrameInfo{})
	}
	if got := observe(*clean, FrameInfo{Keyframe: true}); got >= 0.5 {
		t.Errorf("at the next keyframe: suspicion %.2f", got)
	}
}

func TestNewPictureRefuses(t *testing.T) {
	black := []verdict.Defect{verdict.Black}
	cases := map[string]struct {
		d    Detector
		want string
	}{
		"unknown form":      {Detector{Name: "x", Measure: "blakc", Defects: black}, "known: black, "},
		"unknown parameter": {Detector{Name: "x", Measure: "black", Params: map[string]float64{"levle": 1}, Defects: black}, "it has: share, tolerance"},
		"out of bounds":     {Detector{Name: "x", Measure: "black", Params: map[string]float64{"share": 2}, Defects: black}, "share is 2, not in [0.5, 1]"},
		"not a number":      {Detector{Name: "x", Measure: "black", Params: map[string]float64{"share": math.NaN()}, Defects: black}, "share is NaN"},
		"two defects":       {Detector{Name: "x", Measure: "black", Defects: []verdict.Defect{verdict.Black, verdict.Dark}}, "exactly one defect"},
	}
	for name, c := range cases {
		_, err := NewPicture([]Detector{c.d})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "detector x") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewPicture([]Detector{cases["unknown form"].d}); !errors.Is(err, ErrUnknownMeasure) {
		t.Errorf("an unknown form is not ErrUnknownMeasure: %v", err)
	}
}

// In the steady state Observe allocates nothing.
func TestObserveAllocatesNothing(t *testing.T) {
	s, _ := NewPicture(allPictureDetectors())
	s2 := camera(2, 1)
	a, b := s2(0), s2(1)
	m := measureOf(b, a)
	dst := make([]verdict.Score, 0, 64)
	n := 0
	if got := testing.AllocsPerRun(200, func() {
		dst = s.Observe(dst[:0], FrameInfo{PTS: time.Duration(n) * testFrame, Duration: testFrame}, m)
		n++
	}); got != 0 {
		t.Errorf("%v allocations a picture", got)
	}
}

func BenchmarkObserve(b *testing.B) {
	s, _ := NewPicture(allPictureDetectors())
	s2 := camera(2, 1)
	m := measureOf(s2(1), s2(0))
	dst := make([]verdict.Score, 0, 64)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		dst = s.Observe(dst[:0], FrameInfo{PTS: time.Duration(n) * testFrame, Duration: testFrame}, m)
	}
}

// Whatever the measures say, scores stay within 0..1 and are numbers.
func FuzzObserve(f *testing.F) {
	f.Add(uint64(1), int64(40), uint8(3))
	f.Add(uint64(99), int64(-7), uint8(255))
	f.Fuzz(func(t *testing.T, seed uint64, step int64, flags uint8) {
		s, err := NewPicture(allPictureDetectors())
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(seed, 1))
		var pts time.Duration
		for range 60 {
			m := randomMeasures(rng)
			pts += time.Duration(step) * time.Millisecond
			info := FrameInfo{PTS: pts, Duration: time.Duration(rng.Int64N(1<<31)) - 1<<29, FullRange: flags&1 > 0, Interlaced: flags&2 > 0, Keyframe: rng.IntN(3) == 0}
			for _, score := range s.Observe(nil, info, m) {
				if !(score.Value >= 0 && score.Value <= 1) || math.IsNaN(score.Reading) || math.IsInf(score.Reading, 0) || score.Duration <= 0 {
					t.Fatalf("%+v", score)
				}
			}
			if v := s.Suspicion().Level(); !(v >= 0 && v <= 1) {
				t.Fatalf("suspicion %v", v)
			}
		}
	})
}
