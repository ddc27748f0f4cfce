package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/eval"
)

// someSet is a set of two clips: black, silence and noise, made by the private ffmpeg.
func someSet(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(clips, "set")
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	a := clip(t, "set-a.mkv", "-f lavfi -i testsrc2=size=320x180:rate=25:duration=6 -f lavfi -i anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:duration=6:seed=1"+encoded)
	b := clip(t, "set-b.mkv", "-f lavfi -i mandelbrot=size=321x181:rate=30 -t 6"+encoded)
	o := streamvet(t, "inject", "--set", dir, "--encoder", "mpeg4", "--kinds", "black,silence,noise:4,codec_damage:4", "-j", "2", a, b)
	o.want(t, exitClean, "items of 2 clips, 2 of them clean controls", "streamvet eval")
	return dir
}

func reportOf(t testing.TB, o outcome) eval.Report {
	t.Helper()
	var r eval.Report
	if err := json.Unmarshal([]byte(o.out), &r); err != nil {
		t.Fatalf("%v: %v", err, o)
	}
	return r
}

func defectOf(t testing.TB, r eval.Report, name string) eval.DefectReport {
	t.Helper()
	for _, d := range r.Defects {
		if string(d.Output.Defect) == name {
			return d
		}
	}
	t.Fatalf("no report of %s", name)
	return eval.DefectReport{}
}

func TestEvalMeasuresASet(t *testing.T) {
	o := streamvet(t, "eval", "--json", "--without", "block_corruption", "--draws", "20", someSet(t))
	o.want(t, exitClean)
	r := reportOf(t, o)
	if r.Items != 2+2+1+2+1 || r.Clean.Items != 2 || r.Groups != 2 {
		t.Errorf("%d items, %d clean, %d groups", r.Items, r.Clean.Items, r.Groups)
	}
	for name, injected := range map[string]int64{"black": 2, "silence": 1, "noise": 2} {
		d := defectOf(t, r, name)
		if d.All.Events.Injected != injected || d.All.Events.Found != injected || d.All.Units.AUC == nil || d.All.Units.AUC.Value < .95 || d.FalseAlarms.PerHour == nil {
			t.Errorf("%s: %+v", name, d.All)
		}
	}
	if d := defectOf(t, r, "hum"); d.All.Units.AUC != nil || d.All.Events.F1 != nil || len(d.Notes) == 0 {
		t.Errorf("nothing of hum was injected: %+v", d)
	}
	if d := defectOf(t, r, "codec_damage"); !strings.Contains(strings.Join(d.Notes, ""), "no detector") {
		t.Errorf("nothing finds damaged sound: %+v", d)
	}
}

func TestEvalPrintsTablesAndAPage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "eval.html")
	o := streamvet(t, "eval", "--only", "black,silence,noise", "--report", page, someSet(t))
	o.want(t, exitClean, "AUC", "R@1%", "false/h", "black", "2/2", "False alarms: ", "h of clean material", "Said of what was injected", "Not measured:")
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<!doctype html>", "How well the detectors find", `id="d0"`, `class="matrix"`, "ROC", "black"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, bad := range []string{"http://", "https://", "src=\"/", "<script", "ZgotmplZ"} {
		if strings.Contains(string(html), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

// Damage that met nothing leaves a copy of the control: it makes no clean hours.
func TestEvalLeavesOutWhatWasNotTouched(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "set")
	// One byte in four million, of a hundredth of that: whatever the encoder makes of it.
	a := clip(t, "small.mkv", "-f lavfi -i testsrc=size=64x48:rate=25:duration=4"+encoded)
	streamvet(t, "inject", "--set", dir, "--encoder", "mpeg2video", "--kinds", "stream_noise:1", a).want(t, exitClean, "hits nothing")
	o := streamvet(t, "eval", "--json", "--only", "black", dir)
	o.want(t, exitClean, "met nothing: left out")
	if r := reportOf(t, o); r.Items != 1 || r.Clean.Items != 1 {
		t.Errorf("%d items, %d clean", r.Items, r.Clean.Items)
	}
}

// A network that hears sound is judged on all of it, in steps of 20 ms, and each of
// its defects has a row; one that looks at some pictures is judged on those.
func TestEvalTakesEachDefectOfANetwork(t *testing.T) {
	mine := t.TempDir()
	if err := os.CopyFS(mine, os.DirFS("../../models/testdata/good")); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(mine, "crackle", "detector.yaml")
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "defect: clipping", "defect: silence", 1))
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
	o := streamvet(t, "eval", "--json", "--models", mine, "--only", "crackle,bright", "--draws", "20", someSet(t))
	o.want(t, exitClean)
	r := reportOf(t, o)
	silence, bright := defectOf(t, r, "silence"), defectOf(t, r, "overexposed")
	if defectOf(t, r, "click").Output.Sampled || silence.Output.Sampled || !bright.Output.Sampled {
		t.Errorf("sampled: %v, %v", silence.Output, bright.Output)
	}
	// It takes silence for the opposite of what it is, and on the grid all the same: the
	// item of 6 s and its clean control, less what is too near to count.
	if u := silence.All.Units; u.Positives < 25 || u.Negatives < 300 || u.Positives+u.Negatives > 600 || u.AUC == nil || u.AUC.Value > .1 {
		t.Errorf("units of silence: %+v", u)
	}
}

// What is missed or wrongly said comes with a picture, or its sound.
func TestEvalShowsTheWorst(t *testing.T) {
	page := filepath.Join(t.TempDir(), "eval.html")
	mine := filepath.Join(t.TempDir(), "mine")
	blind := filepath.Join(mine, "noise")
	if err := os.MkdirAll(blind, 0o755); err != nil {
		t.Fatal(err)
	}
	manifest := "name: noise\nversion: 9.0.0\nsummary: Sees nothing.\ninput: picture\nmeasure: noise\nparams:\n  sigma: 8\noutputs:\n  - defect: noise\n    unit: levels\n    rule: {raise: 0.5, clear: 0.4, min_duration: 1000s, hold: 0s}\nprovenance: a test\n"
	if err := os.WriteFile(filepath.Join(blind, "detector.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	o := streamvet(t, "eval", "--models", mine, "--only", "noise", "--kinds", "noise", "--report", page, someSet(t))
	o.want(t, exitClean, "0/2")
	html, _ := os.ReadFile(page)
	if !strings.Contains(string(html), "Worst misses") || !strings.Contains(string(html), "data:image/jpeg;base64,") {
		t.Error("there is no picture of a miss")
	}
}

// Truths beside their clips, clean folders, single files, and what is odd in them.
func TestEvalTakesTruthsFoldersAndFiles(t *testing.T) {
	dir := t.TempDir()
	spoiled, truth := filepath.Join(dir, "bad.mkv"), filepath.Join(dir, "bad.json")
	streamvet(t, "inject", good(t), "-o", spoiled, "--truth", truth, "--encoder", "mpeg4", "--defect", "black@1-2", "--defect", "silence@2-3.5").want(t, exitClean)
	for name, args := range map[string]string{
		"mute.mkv":  "-f lavfi -i testsrc2=size=161x91:rate=25:duration=2 -c:v ffv1",
		"ten.mkv":   "-f lavfi -i testsrc2=size=160x90:rate=25:duration=2,format=yuv420p10le -c:v ffv1",
		"short.mkv": "-f lavfi -i testsrc2=size=160x90:rate=25:duration=0.2 -c:v mpeg4",
		"sound.wav": "-f lavfi -i anoisesrc=amplitude=0.1:duration=2",
	} {
		if err := os.Rename(clip(t, "odd-"+name, args), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	o := streamvet(t, "eval", "--json", "--without", "block_corruption", dir)
	o.want(t, exitClean)
	r := reportOf(t, o)
	if r.Items != 5 || r.Clean.Items != 4 || defectOf(t, r, "black").All.Events.Found != 1 || defectOf(t, r, "silence").All.Events.Found != 1 {
		t.Errorf("%d items, %d clean; %+v", r.Items, r.Clean.Items, defectOf(t, r, "black").All)
	}
	one := reportOf(t, streamvet(t, "eval", "--json", "--only", "black", truth))
	if one.Items != 1 || one.Clean.FalseAlarms.PerHour != nil || defectOf(t, one, "black").All.Events.Found != 1 {
		t.Errorf("%+v", one)
	}
	streamvet(t, "eval", "--only", "black", good(t)).want(t, exitClean, "1 item clean", "0 in", "nothing of it was injected")
}

func TestEvalSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	spoiled, truth := filepath.Join(dir, "bad.mkv"), filepath.Join(dir, "bad.json")
	streamvet(t, "inject", good(t), "-o", spoiled, "--truth", truth, "--encoder", "mpeg4", "--defect", "black@1-2").want(t, exitClean)
	if err := os.Rename(spoiled, filepath.Join(dir, "away.mkv")); err != nil {
		t.Fatal(err)
	}
	streamvet(t, "eval", truth).want(t, exitTrouble, "its media file", "bad.mkv")
	other, err := os.ReadFile(clip(t, "other.mkv", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=9 -c:v mpeg4"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(spoiled, other, 0o600); err != nil {
		t.Fatal(err)
	}
	streamvet(t, "eval", "--only", "black", truth).want(t, exitTrouble, "the truth is of another file", "160x90, not 320x180", "the file has none", "9.00 s, not 4.", "1 item of 1 could not be measured")
	streamvet(t, "vet", "--only", "black", "--truth", truth, spoiled).want(t, exitTrouble, "the truth is of another file", "160x90, not 320x180")
	noMedia := t.TempDir()
	for want, args := range map[string][]string{
		"name a set":                {"eval"},
		"nothing to measure on":     {"eval", noMedia},
		"no such file":              {"eval", "/nowhere"},
		"must be at least 1":        {"eval", "-j", "0", "x"},
		"did you mean noise":        {"eval", "--kinds", "nois", "x"},
		"there is no detector":      {"eval", "--only", "nois", good(t)},
		"none of auto":              {"eval", "--color", "red", "x"},
		"exclude each other":        {"eval", "--only", "black", "--without", "blur", "x"},
		"writing to it would destr": {"eval", "--report", good(t), good(t)},
		"unknown flag":              {"eval", "--nonsense"},
		"is made and wanted":        {"eval", "--collections", "elsewhere", someSet(t)},
		"do not go with it":         {"inject", "--set", "x", "--defect", "black@1", "y"},
		"name the clips, folders":   {"inject", "--set", "x"},
		"the kinds are black":       {"inject", "--set", filepath.Join(noMedia, "s"), "--kinds", "zzzzzzzz", good(t)},
	} {
		streamvet(t, args...).want(t, exitTrouble, want)
	}
}

func TestEvalGoesOnFromItsCache(t *testing.T) {
	set, cache := someSet(t), filepath.Join(t.TempDir(), "cache")
	args := []string{"eval", "--json", "--only", "black,noise", "--draws", "10", "-j", "1", "--cache", cache, set}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o := streamvetWith(ctx, nil, args...); o.code != exitInterrupted || !strings.Contains(o.err, "goes on from here") {
		t.Errorf("%v", o)
	}
	first := streamvet(t, args...)
	first.want(t, exitClean)
	kept, _ := filepath.Glob(filepath.Join(cache, "*.json"))
	if len(kept) != reportOf(t, first).Items {
		t.Errorf("%d results are kept of %d items", len(kept), reportOf(t, first).Items)
	}
	// Results that are there are taken: one that is changed shows in the report.
	for _, path := range kept {
		data, _ := os.ReadFile(path)
		if err := os.WriteFile(path, []byte(strings.Replace(string(data), `"seconds":`, `"seconds":1000`, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	second := streamvet(t, args...)
	if a, b := reportOf(t, first), reportOf(t, second); b.Clean.Hours < 10*a.Clean.Hours || a.Items != b.Items {
		t.Errorf("%v h, then %v h", a.Clean.Hours, b.Clean.Hours)
	}
	// Other detectors make other results.
	third := streamvet(t, "eval", "--json", "--only", "black", "--draws", "10", "--cache", cache, set)
	if a, b := reportOf(t, first), reportOf(t, third); b.Clean.Hours != a.Clean.Hours {
		t.Errorf("%v h, not %v h", b.Clean.Hours, a.Clean.Hours)
	}
	// A result that is no result is measured again.
	if err := os.WriteFile(kept[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	streamvet(t, args...).want(t, exitClean)
}
