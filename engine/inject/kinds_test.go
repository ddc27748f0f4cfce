package inject

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/verdict"
)

// TestEveryLevelOfEveryKindCanBePutIn runs them all on one clip.
func TestEveryLevelOfEveryKindCanBePutIn(t *testing.T) {
	var all []string
	for _, k := range Kinds() {
		if k.Medium != Pictures && k.Medium != Sound {
			continue
		}
		for i := range k.Levels {
			where := "1-2"
			if k.pictures != nil {
				where = "1"
			}
			all = append(all, k.Name+":level="+string(rune('1'+i))+"@"+where)
		}
	}
	if len(all) < 60 {
		t.Fatalf("only %d levels", len(all))
	}
	// frame_drop takes pictures away from under the others: each run has one at most.
	isDrop := func(s string) bool { return len(s) > 10 && s[:10] == "frame_drop" }
	drops := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !isDrop(s) })
	all = slices.DeleteFunc(all, isDrop)
	_, truth := spoil(t, clip(t), "out.mkv", nil, append(all, drops[0])...)
	levels := map[string]int{}
	for _, e := range truth.Defects {
		levels[e.Kind] |= 1 << e.Level
	}
	for _, k := range Kinds() {
		if want := 1<<(len(k.Levels)+1) - 2; (k.Medium == Pictures || k.Medium == Sound) && k.Name != "frame_drop" && levels[k.Name] != want && len(k.Levels) > 0 {
			t.Errorf("%s: levels %b are in the truth, want %b", k.Name, levels[k.Name], want)
		}
	}
}

// meanSquare is the mean squared difference of two pictures' luma.
func meanSquare(a, b *Picture) float64 {
	sum := 0.0
	for i, v := range a.luma().data {
		d := float64(v) - float64(b.luma().data[i])
		sum += d * d
	}
	return sum / float64(len(a.luma().data))
}

func TestCompressionGetsCoarserByLevel(t *testing.T) {
	last := 0.0
	for _, qp := range []string{"20", "32", "39"} {
		before, after, truth := spoilPictures(t, "compression:qp="+qp+"@1-2")
		e := truth.Defects[0]
		if e.Defect != verdict.Compression || *e.StartFrame != 25 || *e.EndFrame != 50 || e.Invisible {
			t.Fatalf("truth %+v", e)
		}
		sum := 0.0
		for i := range before {
			if inside := i >= 25 && i < 50; inside {
				sum += meanSquare(before[i], after[i])
			} else if !before[i].equal(after[i]) {
				t.Errorf("picture %d is changed", i)
			}
		}
		if sum < 1.2*last {
			t.Errorf("qp %s: squared error %.1f, %.1f before", qp, sum, last)
		}
		last = sum
	}
}

// A clip may be shorter than its container says: what lies behind is warned of.
func TestReplacementsBehindTheEndAreWarnedOf(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short.mkv")
	ffmpeg(t, "-i", clip(t), "-t", "2", "-map", "0:v", "-c", "copy", filepath.Join(filepath.Dir(short), "v.mkv"))
	ffmpeg(t, "-i", filepath.Join(filepath.Dir(short), "v.mkv"), "-i", clip(t), "-map", "0:v", "-map", "1:a", "-c", "copy", short)
	job := Job{In: short, Out: filepath.Join(t.TempDir(), "out.mkv"), Quality: -1, Specs: specs(t, "compression:qp=35@3-3.5", "codec_damage@1-2")}
	r, err := Run(t.Context(), tools(t), job)
	if err != nil || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "ends before it") {
		t.Errorf("%v, warnings %q", err, r.Warnings)
	}
}

func TestCompressionByMPEGStopsWhereItsQuantiserEnds(t *testing.T) {
	if _, err := coarseQuality("mpeg4", Params{"qp": 42}); err == nil {
		t.Error("a quantiser of 40 is none in MPEG")
	}
	for qp, want := range map[float64]string{4: "1", 16: "2", 28: "8", 39: "29"} {
		if got, err := coarseQuality("mpeg2video", Params{"qp": qp}); err != nil || got[1] != want {
			t.Errorf("qp %g: %v, %v; want %s", qp, got, err, want)
		}
	}
}

func TestFreezeOfAFewPictures(t *testing.T) {
	before, after, truth := spoilPictures(t, "freeze:frames=4@1", "freeze:frames=16@2")
	short, long := truth.Defects[0], truth.Defects[1]
	if short.Defect != verdict.Stutter || long.Defect != verdict.Freeze || *short.EndFrame != 30 || *long.EndFrame != 67 {
		t.Errorf("truth %+v", truth.Defects)
	}
	for i, p := range after {
		want := before[i]
		switch {
		case i >= 25 && i < 30:
			want = before[25]
		case i >= 50 && i < 67:
			want = before[50]
		}
		if !p.equal(want) {
			t.Errorf("picture %d is another one", i)
		}
	}
}

func TestFramesAreDropped(t *testing.T) {
	out, truth := spoil(t, clip(t), "out.mkv", nil, "frame_drop:frames=8@1")
	if e := truth.Defects[0]; e.Defect != verdict.Stutter || *e.StartFrame != 25 || *e.EndFrame != 33 || e.Invisible {
		t.Errorf("truth %+v", e)
	}
	stamps := timestamps(t, out)
	if len(stamps) != clipFrames-8 || math.Abs(stamps[25]-stamps[24]-9.0/clipFPS) > 0.002 {
		t.Errorf("%d pictures, a hole of %.3f s", len(stamps), stamps[25]-stamps[24])
	}
}

// TestUpscalingLosesWhatIsFine: a flat picture stays; lines of one pixel go.
func TestUpscalingLosesWhatIsFine(t *testing.T) {
	for _, cubic := range []float64{0, 1} {
		p := newPicture(64, 48)
		p.fillColor(90, 100, 150)
		flat := p.clone()
		edit := upscaling(pictureContext{params: Params{"factor": 2.5, "cubic": cubic}})
		edit(p, 0)
		if !p.equal(flat) {
			t.Error("a flat picture is changed")
		}
		for y := 0; y < 48; y += 2 {
			fill(p.luma().row(y), 130)
		}
		edit(p, 0)
		for i, v := range p.luma().data {
			if v < 95 || v > 125 {
				t.Fatalf("cubic %g: sample %d is %d: the lines are still there", cubic, i, v)
			}
		}
	}
}

func TestTapsOfAllScalesSumToOne(t *testing.T) {
	for name, taps := range map[string]tapsOf{"area": areaTaps, "linear": linearTaps, "cubic": cubicTaps} {
		for _, size := range [][2]int{{10, 3}, {3, 10}, {7, 7}, {1, 5}, {100, 33}} {
			if name == "area" && size[1] > size[0] {
				continue
			}
			for i := range size[1] {
				sum := float32(0)
				for _, tap := range taps(i, size[0], size[1]) {
					if tap.at < 0 || tap.at >= size[0] {
						t.Fatalf("%s: tap at %d of %d", name, tap.at, size[0])
					}
					sum += tap.weight
				}
				if math.Abs(float64(sum)-1) > 1e-5 {
					t.Errorf("%s %v: taps of %d sum to %v", name, size, i, sum)
				}
			}
		}
	}
}

func TestAudioStutterRepeatsThePieceBefore(t *testing.T) {
	before, after, truth := spoilSound(t, "audio_stutter:ms=50,repeats=3@2")
	piece := clipHz / 20
	if e := truth.Defects[0]; e.Defect != verdict.AudioStutter || *e.StartSample != 2*clipHz || *e.EndSample != int64(2*clipHz+3*piece) {
		t.Fatalf("truth %+v", e)
	}
	for i := range 3 * piece {
		from := 2*clipHz - piece + i%piece
		if after[2*(2*clipHz+i)] != before[2*from] {
			t.Fatalf("sample %d is not sample %d", 2*clipHz+i, from)
		}
	}
}

func TestSoundOfAnotherMoment(t *testing.T) {
	for ms, late := range map[string]int{"200": clipHz / 5, "-200": -clipHz / 5} {
		before, after, truth := spoilSound(t, "av_offset:ms="+ms+"@1-2")
		if e := truth.Defects[0]; e.Defect != verdict.AVDesync || e.Start != 1 || e.End != 2 || e.Invisible {
			t.Errorf("truth %+v", e)
		}
		for i := clipHz; i < 2*clipHz; i++ {
			if after[2*i] != before[2*(i-late)] {
				t.Fatalf("%s ms: sample %d is not sample %d", ms, i, i-late)
			}
		}
	}
	if _, _, truth := spoilSound(t, "av_offset:ms=100@1-2", "av_offset:ms=-40@3-end"); !truth.Defects[0].Invisible || !truth.Defects[1].Invisible {
		t.Errorf("nobody notices these: %+v", truth.Defects)
	}
	_, after, _ := spoilSound(t, "av_offset:ms=500@0-1")
	if after[0] != 0 || after[2*(clipHz/2)-1] != 0 || after[2*(clipHz/2)+101] == 0 {
		t.Error("before the clip there is silence")
	}
}

func TestTimestampsOfTheSoundRunAway(t *testing.T) {
	for _, name := range []string{"out.mkv", "out.mp4", "out.ts"} {
		out, truth := spoil(t, clip(t), name, nil, "av_timestamps:ms=300@1-3")
		late := soundTimes(t, out)
		clean, _ := spoil(t, clip(t), name, func(j *Job) { j.Control = true }, "av_timestamps@1-3")
		usual := soundTimes(t, clean)
		if e := truth.Defects[0]; e.Defect != verdict.AVDesync || math.Abs(e.Start-(1+2*0.125/0.3)) > 0.05 || math.Abs(e.End-truth.Duration) > 0.05 {
			t.Errorf("%s: truth %+v of %.3f s", name, e, truth.Duration)
		}
		for i, want := range usual {
			want += 0.3 * min(max((want-usual[0]-1)/2, 0), 1)
			if i < len(late) && math.Abs(late[i]-want) > 0.03 {
				t.Errorf("%s: packet %d at %.3f s, want %.3f", name, i, late[i], want)
			}
		}
	}
}

// soundTimes are the times of the packets of sound, from the file's start.
func soundTimes(t *testing.T, path string) []float64 {
	t.Helper()
	out, err := runQuiet(t.Context(), tools(t).Probe, "-v", "error", "-select_streams", "a:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path)
	if err != nil {
		t.Fatal(err)
	}
	start := probeFile(t, path).Start
	var times []float64
	for line := range strings.Lines(string(out)) {
		times = append(times, number(strings.Trim(strings.TrimSpace(line), ","))-start)
	}
	return times
}

func TestCodecDamageIsWhereTheTruthSays(t *testing.T) {
	for _, codec := range []string{"1", "2"} {
		clean, _ := spoil(t, clip(t), "out.mkv", lossless, "level:gain=0@0-1")
		out, truth := spoil(t, clip(t), "out.mkv", lossless, "codec_damage:rate=0.1,codec="+codec+"@1-3")
		before, after := samples(t, clean), samples(t, out)
		if len(truth.Defects) == 0 || len(before) != len(after) {
			t.Fatalf("codec %s: no damage is heard; %d and %d samples", codec, len(before), len(after))
		}
		inside := make([]bool, len(after)/2)
		for _, e := range truth.Defects {
			if e.Defect != verdict.CodecDamage || e.Start < 1 || e.End > 3 || e.Invisible {
				t.Errorf("truth %+v", e)
			}
			for i := *e.StartSample; i < *e.EndSample; i++ {
				inside[i] = true
			}
		}
		// Coding alone changes little; outside of the range nothing changes.
		var quiet, loud, quietN, loudN float64
		for i, in := range inside {
			d := math.Pow(float64(after[2*i]-before[2*i]), 2)
			switch {
			case (i < clipHz || i >= 3*clipHz) && d != 0:
				t.Fatalf("sample %d is changed", i)
			case in:
				loud, loudN = loud+d, loudN+1
			case i >= clipHz && i < 3*clipHz:
				quiet, quietN = quiet+d, quietN+1
			}
		}
		if loud/loudN < 4*quiet/quietN {
			t.Errorf("codec %s: RMS of change %.4f where it is damaged, %.4f elsewhere", codec, math.Sqrt(loud/loudN), math.Sqrt(quiet/quietN))
		}
	}
}

// TestDamageByMacroblock holds the blocks of the truth against the pictures.
func TestDamageByMacroblock(t *testing.T) {
	out, truth := spoil(t, damageClip(t), "out.ts", nil, "packet_loss:rate=0.05@1-3")
	clean, _ := spoil(t, damageClip(t), "out.ts", func(j *Job) { j.Control = true }, "packet_loss@1-3")
	before, after := gridPictures(t, clean), gridPictures(t, out)
	if truth.Damage == nil || len(truth.Damage.Frames) == 0 {
		t.Fatal("no damage is written down")
	}
	damaged := map[int64]DamagedFrame{}
	for _, f := range truth.Damage.Frames {
		damaged[f.Frame] = f
	}
	seen := 0
	for n := range after {
		f, listed := damaged[int64(n)]
		if listed == before[n].equal(after[n]) {
			t.Errorf("picture %d: listed is %v", n, listed)
		}
		if f.Stale {
			continue
		}
		has := map[int]bool{}
		for _, runs := range []Blocks{f.Seen, f.Hidden} {
			for _, run := range runs {
				for b := run.Start; b < run.Start+run.Length; b++ {
					has[b] = true
				}
			}
		}
		seen += f.Seen.Count()
		for b := range truth.Damage.Columns * truth.Damage.Rows {
			differs := blockDifference(before[n], after[n], b%truth.Damage.Columns, b/truth.Damage.Columns) > noticeLevels
			if differs != has[b] {
				t.Fatalf("picture %d, macroblock %d: listed is %v", n, b, has[b])
			}
		}
		if f.Visible && f.Seen == nil {
			t.Errorf("picture %d is visibly damaged, and no block is", n)
		}
	}
	if seen == 0 {
		t.Error("no block is seen")
	}
}

func TestAControlIsTheSameEncodeWithoutTheDefect(t *testing.T) {
	out, truth := spoil(t, clip(t), "out.mkv", func(j *Job) { j.Control = true }, "black@1-2", "silence@1-2")
	again, _ := spoil(t, clip(t), "out.mkv", nil, "level:gain=0@1-1.1")
	a, _ := os.ReadFile(out)
	b, _ := os.ReadFile(again)
	if len(truth.Defects) != 0 || !slices.Equal(a, b) {
		t.Errorf("%d defects, %d and %d bytes", len(truth.Defects), len(a), len(b))
	}
}

func TestAStretchOfAClip(t *testing.T) {
	whole := pictures(t, clip(t))
	change := func(j *Job) { lossless(j); j.From, j.Length = 1, 2 }
	out, truth := spoil(t, clip(t), "out.mkv", change, "black@1-1.2", "silence@1-1.2")
	got := pictures(t, out)
	if truth.Frames != 50 || len(got) != 50 || truth.SourceStart != 1 || truth.Defects[0].Start != 1 {
		t.Fatalf("%d pictures, truth %+v", len(got), truth)
	}
	for i, p := range got {
		if inside := i >= 25 && i < 30; !inside && !p.equal(whole[25+i]) {
			t.Errorf("picture %d is not picture %d of the clip", i, 25+i)
		}
	}
	sound, all := samples(t, out), samples(t, clip(t))
	for i := range clipHz {
		if sound[2*i] != all[2*(clipHz+i)] {
			t.Fatalf("sample %d is not that of the stretch", i)
		}
	}
	small, truth := spoil(t, clip(t), "out.mkv", func(j *Job) { lossless(j); j.MaxHeight = 90 }, "black@1-1.2")
	if p := pictures(t, small)[0]; p.Width != 160 || p.Height != 90 || truth.Height != 90 {
		t.Errorf("%dx%d", p.Width, p.Height)
	}
	// Nothing can be sought in coded pictures without a container.
	bare := filepath.Join(t.TempDir(), "bare.m2v")
	ffmpeg(t, "-i", clip(t), "-map", "0:v", "-c:v", "mpeg2video", "-q:v", "2", bare)
	out, truth = spoil(t, bare, "out.mkv", func(j *Job) { j.Encoder = "ffv1"; j.From, j.Length = 1, 2 }, "black@1-1.2")
	got, whole = pictures(t, out), pictures(t, bare)
	if len(got) != 50 || truth.Frames != 50 || !got[0].equal(whole[25]) || !got[49].equal(whole[74]) {
		t.Errorf("%d pictures of the bare stream", len(got))
	}
	job := Job{In: clip(t), Out: filepath.Join(t.TempDir(), "out.mkv"), From: 5, Quality: -1, Specs: specs(t, "black@1-2")}
	if _, err := Run(t.Context(), tools(t), job); err == nil {
		t.Error("a stretch beyond the clip is taken")
	}
}
