package inject

import (
	"math"
	"path/filepath"
	"slices"
	"testing"
)

// spoilPictures injects without loss and gives the pictures before and after.
func spoilPictures(t *testing.T, defects ...string) (before, after []*Picture, truth Truth) {
	t.Helper()
	out, truth := spoil(t, clip(t), "out.mkv", lossless, defects...)
	before, after = pictures(t, clip(t)), pictures(t, out)
	if len(before) != clipFrames || len(after) != clipFrames || truth.Frames != clipFrames {
		t.Fatalf("%d pictures before, %d after, %d in the truth, want %d", len(before), len(after), truth.Frames, clipFrames)
	}
	return before, after, truth
}

// TestPicturesAreChangedExactlyWhereTheTruthSays runs every kind of picture
// defect and compares each picture with the same one before.
func TestPicturesAreChangedExactlyWhereTheTruthSays(t *testing.T) {
	for _, k := range pictureKinds() {
		t.Run(k.Name, func(t *testing.T) {
			if k.removed != nil && k.picture == nil || k.substitute != nil {
				return // tested by themselves
			}
			before, after, truth := spoilPictures(t, k.Name+"@1.2-60f")
			if len(truth.Defects) != 1 {
				t.Fatalf("%d entries, want 1", len(truth.Defects))
			}
			e := truth.Defects[0]
			if e.Defect != k.DefectOf(Params(e.Params), 1.2) || *e.StartFrame != 30 || *e.EndFrame != 60 || e.Start != 1.2 || e.End != 2.4 || e.Invisible {
				t.Fatalf("truth %+v", e)
			}
			for i := range before {
				inside := i >= 30 && i < 60
				switch {
				case e.Frames != nil:
					inside = slices.Contains(e.Frames, int64(i))
				case k.Name == "freeze" && i == 30: // the picture that stands still is itself
					inside = false
				}
				if changed := !before[i].equal(after[i]); changed != inside {
					t.Errorf("picture %d: changed is %v, want %v", i, changed, inside)
				}
			}
		})
	}
}

func TestBlackIsBlack(t *testing.T) {
	_, after, _ := spoilPictures(t, "black@1-2")
	want := newPicture(320, 180)
	want.fillColor(16, 128, 128)
	for i := 25; i < 50; i++ {
		if !after[i].equal(want) {
			t.Errorf("picture %d is not black", i)
		}
	}
}

func TestFreezeHoldsThePictureAtStart(t *testing.T) {
	before, after, _ := spoilPictures(t, "freeze@1-2")
	for i := 25; i < 50; i++ {
		if !after[i].equal(before[25]) {
			t.Errorf("picture %d is not picture 25", i)
		}
	}
}

func TestStutterRepeatsThePictureBefore(t *testing.T) {
	before, after, truth := spoilPictures(t, "stutter:repeat=2,every=5@20f-33f")
	want := []int64{20, 21, 25, 26, 30, 31}
	if got := truth.Defects[0].Frames; !slices.Equal(got, want) {
		t.Fatalf("frames %v, want %v", got, want)
	}
	shows := map[int]int{20: 19, 21: 19, 25: 24, 26: 24, 30: 29, 31: 29}
	for i := range after {
		from, hit := shows[i]
		if !hit {
			from = i
		}
		if !after[i].equal(before[from]) {
			t.Errorf("picture %d does not show picture %d", i, from)
		}
	}
}

func TestDroppedPicturesLeaveAHole(t *testing.T) {
	for _, name := range []string{"out.mkv", "out.mp4", "out.ts"} {
		out, truth := spoil(t, clip(t), name, nil, "stutter:drop=3,every=10@40f-60f")
		e := truth.Defects[0]
		if want := []int64{40, 41, 42, 50, 51, 52}; !slices.Equal(e.Frames, want) || truth.Frames != clipFrames {
			t.Fatalf("frames %v of %d, want %v of %d", e.Frames, truth.Frames, want, clipFrames)
		}
		var want []float64
		for i := range clipFrames {
			if !slices.Contains(e.Frames, int64(i)) {
				want = append(want, truth.PictureStart+float64(i)/clipFPS)
			}
		}
		stamps, start := timestamps(t, out), probeFile(t, out).Start
		for i := range stamps {
			stamps[i] -= start
		}
		if !slices.EqualFunc(stamps, want, func(a, b float64) bool { return math.Abs(a-b) < 0.002 }) {
			t.Errorf("%s: timestamps %v, want %v", name, stamps, want)
		}
	}
}

func TestDefectsOnTheSamePicturesAreAppliedInOrder(t *testing.T) {
	_, after, truth := spoilPictures(t, "black@1-2", "noise:sigma=10@1-2", "black:luma=40@1.6-2")
	if len(truth.Defects) != 3 {
		t.Fatalf("%d entries, want 3", len(truth.Defects))
	}
	if v := after[30].luma().data; slices.Min(v) == slices.Max(v) {
		t.Error("there is no noise on the black picture")
	}
	if v := after[45].luma().data; slices.Min(v) != 40 || slices.Max(v) != 40 {
		t.Error("the last defect does not cover the ones before")
	}
}

func TestNoiseHasItsSigma(t *testing.T) {
	_, after, _ := spoilPictures(t, "solid_color:y=128@0-end", "noise:sigma=12@1-2")
	var sum, squares float64
	data := after[30].luma().data
	for _, v := range data {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	mean := sum / float64(len(data))
	if sigma := math.Sqrt(squares/float64(len(data)) - mean*mean); math.Abs(mean-128) > 0.5 || math.Abs(sigma-12) > 0.5 {
		t.Errorf("mean %.2f, sigma %.2f; want 128 and 12", mean, sigma)
	}
	if after[30].equal(after[31]) {
		t.Error("two pictures have the same noise")
	}
}

// TestBlurIsGaussian blurs a step and compares with the error function.
func TestBlurIsGaussian(t *testing.T) {
	p := newPicture(200, 20)
	p.fillColor(50, 128, 128)
	for y := range p.Height {
		fill(p.luma().row(y)[100:], 200)
	}
	blur(pictureContext{params: Params{"sigma": 6}, width: 200, height: 20})(p, 0)
	for x, v := range p.luma().row(10) {
		want := 50 + 150*0.5*(1+math.Erf((float64(x)-99.5)/(6*math.Sqrt2)))
		if math.Abs(float64(v)-want) > 1.2 {
			t.Errorf("column %d is %d, want %.1f", x, v, want)
		}
	}
}

func TestFlashHasItsRate(t *testing.T) {
	_, after, _ := spoilPictures(t, "flash:rate=5,area=0.25@1-2")
	rises := 0
	for i := 25; i < 50; i++ {
		middle := after[i].luma().row(90)[160]
		if middle != 235 && middle != 16 {
			t.Fatalf("picture %d has %d in its middle", i, middle)
		}
		if middle == 235 && (i == 25 || after[i-1].luma().row(90)[160] == 16) {
			rises++
		}
	}
	if rises != 5 {
		t.Errorf("%d flashes in a second, want 5", rises)
	}
}

// TestUsualEncoding checks what comes through the encoders that are chosen with
// every program that is here, and with the set-up's own alone.
func TestUsualEncoding(t *testing.T) {
	all := tools(t)
	for _, test := range []struct {
		name     string
		programs []string
	}{
		{"out.mp4", all.Programs}, {"out.ts", all.Programs}, {"out.mkv", all.Programs}, {"out.mov", all.Programs},
		{"own.mp4", all.Programs[:1]}, {"own.ts", all.Programs[:1]}, {"own.mkv", all.Programs[:1]},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), test.name)
			job := Job{In: clip(t), Out: out, Quality: -1, Specs: specs(t, "black@1-2", "freeze@3-end", "silence@2-3")}
			result, err := Run(t.Context(), Tools{test.programs, all.Probe}, job)
			if err != nil {
				t.Fatal(err)
			}
			checkUsual(t, out, result.Truth)
		})
	}
}

func checkUsual(t *testing.T, out string, truth Truth) {
	t.Helper()
	before, after := pictures(t, clip(t)), pictures(t, out)
	if len(after) != clipFrames || truth.Frames != clipFrames {
		t.Fatalf("%d pictures, %d in the truth, want %d", len(after), truth.Frames, clipFrames)
	}
	black := newPicture(320, 180)
	black.fillColor(16, 128, 128)
	for i, p := range after {
		want := before[i]
		switch {
		case i >= 25 && i < 50:
			want = black
		case i >= 75:
			want = before[75]
		}
		if d := meanDifference(p, want); d > 3 {
			t.Errorf("picture %d differs by %.1f levels on average", i, d)
		}
	}
	loudest, sound := float32(0), samples(t, out)
	first := int((truth.SoundStart+2.05)*clipHz) * 2
	for _, v := range sound[first : first+clipHz*9/10*2] {
		loudest = max(loudest, v)
	}
	if loudest > 1e-4 {
		t.Errorf("the silence has a sample of %v", loudest)
	}
}
