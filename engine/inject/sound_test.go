package inject

import (
	"math"
	"testing"
)

func spoilSound(t *testing.T, defects ...string) (before, after []float32, truth Truth) {
	t.Helper()
	out, truth := spoil(t, clip(t), "out.mkv", lossless, defects...)
	before, after = samples(t, clip(t)), samples(t, out)
	if len(before) != 4*clipHz*2 || len(after) != len(before) {
		t.Fatalf("%d samples before, %d after", len(before), len(after))
	}
	return before, after, truth
}

// TestSoundIsChangedExactlyWhereTheTruthSays runs every kind of sound defect and
// compares all samples.
func TestSoundIsChangedExactlyWhereTheTruthSays(t *testing.T) {
	for _, k := range soundKinds() {
		t.Run(k.Name, func(t *testing.T) {
			if k.Name == "codec_damage" { // tested by itself
				return
			}
			before, after, truth := spoilSound(t, k.Name+"@1.5-2.25")
			inside := make([]bool, len(before)/2)
			for _, e := range truth.Defects {
				if e.Defect != k.Defect || e.Invisible || *e.StartSample < 72000 || *e.EndSample > 108000 {
					t.Errorf("truth %+v", e)
				}
				for i := *e.StartSample; i < *e.EndSample; i++ {
					inside[i] = true
				}
			}
			if k.spots == nil && (len(truth.Defects) != 1 || truth.Defects[0].Start != 1.5 || truth.Defects[0].End != 2.25) {
				t.Errorf("truth %+v", truth.Defects)
			}
			changed, covered := 0, 0
			for i := range inside {
				differs := before[2*i] != after[2*i] || before[2*i+1] != after[2*i+1]
				if differs && !inside[i] {
					t.Fatalf("sample %d is changed, outside of the truth", i)
				}
				if differs {
					changed++
				}
				if inside[i] {
					covered++
				}
			}
			if changed < covered*9/10 {
				t.Errorf("only %d of %d samples are changed", changed, covered)
			}
		})
	}
}

func TestSilenceIsZero(t *testing.T) {
	_, after, _ := spoilSound(t, "silence@1-2")
	for i := clipHz * 2; i < 2*clipHz*2; i++ {
		if after[i] != 0 {
			t.Fatalf("sample %d is %v", i/2, after[i])
		}
	}
}

func TestClippingCutsAtTheCeiling(t *testing.T) {
	before, after, truth := spoilSound(t, "clipping:gain=12,ceiling=-1@1-2", "clipping:gain=0.1@3-3.5")
	ceiling, cut := gainOf(-1), 0
	for i := clipHz * 2; i < 2*clipHz*2; i++ {
		want := min(max(before[i]*gainOf(12), -ceiling), ceiling)
		if after[i] != want {
			t.Fatalf("sample %d is %v, want %v", i/2, after[i], want)
		}
		if want == ceiling || want == -ceiling {
			cut++
		}
	}
	if cut < 10000 {
		t.Errorf("only %d samples are cut", cut)
	}
	if truth.Defects[0].Invisible || !truth.Defects[1].Invisible {
		t.Error("only the second clipping cuts nothing off and leaves no mark")
	}
}

func TestPhaseTurnsOneChannel(t *testing.T) {
	before, after, _ := spoilSound(t, "phase:channel=2@1-2")
	for i := clipHz; i < 2*clipHz; i++ {
		if after[2*i] != before[2*i] || after[2*i+1] != -before[2*i+1] {
			t.Fatalf("sample %d: %v, %v", i, after[2*i], after[2*i+1])
		}
	}
}

func TestLevelChangesByItsGain(t *testing.T) {
	before, after, truth := spoilSound(t, "level:gain=-20@1-2")
	if r := float64(after[2*clipHz+100] / before[2*clipHz+100]); math.Abs(r-0.1) > 1e-6 || truth.Defects[0].Defect != "loudness" {
		t.Errorf("ratio %v, defect %s", r, truth.Defects[0].Defect)
	}
}

func TestSparseDefectsAreSpreadOverTheRange(t *testing.T) {
	_, _, truth := spoilSound(t, "dropout:ms=20,per_second=4@1-3")
	if len(truth.Defects) != 8 {
		t.Fatalf("%d dropouts, want 8", len(truth.Defects))
	}
	for i, e := range truth.Defects {
		if n := *e.EndSample - *e.StartSample; n != clipHz/50 {
			t.Errorf("dropout %d has %d samples", i, n)
		}
		if i > 0 && *e.StartSample <= *truth.Defects[i-1].EndSample {
			t.Errorf("dropout %d meets the one before", i)
		}
	}
	_, _, truth = spoilSound(t, "click@2")
	if len(truth.Defects) != 1 || *truth.Defects[0].StartSample != 2*clipHz {
		t.Errorf("one click: %+v", truth.Defects)
	}
}

// TestClickIsHeardWhenTheTruthSays finds the click in what the containers and
// lossy encoders make of it, on the file's own timeline.
func TestClickIsHeardWhenTheTruthSays(t *testing.T) {
	for _, name := range []string{"out.mp4", "out.mov", "out.mkv", "out.ts"} {
		t.Run(name, func(t *testing.T) {
			out, truth := spoil(t, clip(t), name, nil, "silence@0-end", "click:amplitude=1@2.5", "black@1-2")
			media := probeFile(t, out)
			loudest, at := float32(0), 0
			for i, v := range samples(t, out) {
				if v > loudest {
					loudest, at = v, i/2
				}
			}
			heard := media.Sound.Start - media.Start + float64(at)/clipHz
			click := truth.Defects[len(truth.Defects)-1]
			if click.Kind != "click" || math.Abs(heard-click.Start) > 0.002 {
				t.Errorf("%s is heard at %.4f s, the truth says %.4f s", click.Kind, heard, click.Start)
			}
			for i, p := range pictures(t, out) {
				if p.luma().row(90)[160] < 20 {
					shown := timestamps(t, out)[i] - media.Start
					if e := truth.Defects[1]; e.Kind != "black" || math.Abs(shown-e.Start) > 0.002 {
						t.Errorf("%s is shown at %.4f s, the truth says %.4f s", e.Kind, shown, e.Start)
					}
					break
				}
			}
		})
	}
}
