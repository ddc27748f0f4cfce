package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// brightManifest describes the networks of engine/infer/testdata, which are one idea with
// one fault each.
const brightManifest = `name: bright
version: 1.0.0
summary: Blocks that are too bright.
input: picture
network:
  file: bright.onnx
  sha256: SUM
  tensor: {name: luma, dtype: u8, channels: luma, resize: none, align: 16}
  score: score
  map: map
  map_threshold: 0.5
  sampling: {every: 500ms}
  batch: {max_size: 4, max_queue_delay: 5ms}
outputs:
  - defect: overexposed
    unit: share of the picture
    rule: {raise: 0.5, clear: 0.4, min_duration: 0s, hold: 1s}
provenance: Written by hand.
`

// ownDetector makes a folder called bright of one of those networks, after changes to the
// manifest: pairs of what is there and what shall be.
func ownDetector(t *testing.T, network string, changes ...string) string {
	t.Helper()
	onnx, err := os.ReadFile("../../engine/infer/testdata/" + network + ".onnx")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(append([]string{"SUM", fmt.Sprintf("%x", sha256.Sum256(onnx))}, changes...)...).Replace(brightManifest)
	dir := filepath.Join(t.TempDir(), "bright")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"bright.onnx": onnx, "detector.yaml": []byte(text)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// heard makes the manifest one of a network of sound.
func heard(score string) []string {
	return []string{"input: picture", "input: sound", "{name: luma, dtype: u8, channels: luma, resize: none, align: 16}",
		"{name: samples, dtype: f32, channels: each, rate: 32000, window: 40960}", "score: score\n  map: map\n  map_threshold: 0.5", "score: " + score,
		"every: 500ms", "every: 1s", "overexposed", "click"}
}

// Whatever is wrong with a network is a problem that names the field; what only looks
// strange is a note.
func TestVerifyTellsWhatIsWrongWithADetector(t *testing.T) {
	noMap := []string{"  map: map\n  map_threshold: 0.5\n", ""}
	for _, c := range []struct {
		name, network string
		changes       []string
		code          int
		says          []string
	}{
		{"good", "good", nil, exitClean, []string{"input  luma u8[?,1,?,?]", "output score f32[?] (the score of overexposed)", "output map f32[?,1,?,?] (the map)",
			"320x180:", "177x99:", "1920x1080:", "of one core a look", "batches   of 4: scores differ from those of each look alone by 0 at most", "can be served"}},
		{"convolutions", "conv", nil, exitClean, []string{"can be served"}},
		{"wrong sum", "good", []string{"sha256: ", "sha256: 0"}, exitDefects, []string{"detector.yaml:7: network.sha256: bright.onnx has 07ed1c16", "ran on    320x180", "cannot be served: 1 problem"}},
		{"all at once", "good", []string{"dtype: u8", "dtype: uint8", "raise: 0.5, clear: 0.4", "raise: 0.5, clear: 0.6", "overexposed", "overexposd", "provenance", "provenence"}, exitDefects,
			[]string{"detector.yaml:8: network.tensor.dtype: \"uint8\" is none of u8, f32, f16", "clear 0.6 is not in [0, raise]", "did you mean overexposed?", "did you mean provenance?",
				"input  luma u8[?,1,?,?]", "cannot be served: 4 problems"}},
		{"input's name", "input_name", nil, exitDefects, []string{`problem   network.tensor.name: the model has no input "luma", it has "picture"`, "input  picture u8[?,1,?,?]"}},
		{"types", "input_f32", []string{"score: score", "score: sore"}, exitDefects, []string{"problem   network.tensor.dtype: ", `problem   network.score: the model has no output "sore"`, "(not used)", "2 problems"}},
		{"a fixed batch", "fixed_n", nil, exitDefects, []string{"problem   network.batch: ", "export the model with a dynamic batch"}},
		{"a fixed size", "fixed_size", nil, exitDefects, []string{"network.tensor.height: ", "name its size in the manifest"}},
		{"a fixed size that is named", "fixed_size", []string{"resize: none, align: 16", "resize: area, width: 96, height: 64"}, exitClean, []string{"can be served"}},
		{"another rank", "score_f64", nil, exitDefects, []string{"network.score: the model's output \"score\" is f64[?]"}},
		{"a row for all", "lies_score", []string{"max_size: 4", "max_size: 3"}, exitDefects, []string{`network.score: output "score" of 3 rows is f32[1]`}},
		{"a map that grows", "lies_map", nil, exitDefects, []string{"it must not depend on the batch"}},
		{"one size alone", "one_size", nil, exitDefects, []string{"320x180: a network that does not look at these pictures", "a trial run of"}},
		{"values that are none", "nan", nil, exitDefects, []string{"the network gives values outside of 0..1, or none"}},
		{"weights elsewhere", "external", noMap, exitDefects, []string{"network.file: it is not a network that ONNX Runtime"}},
		{"more memory than there is", "huge", nil, exitDefects, []string{"320x180: a network that does not look at these pictures"}},
		{"steps that grow", "lies_steps", heard("many"), exitDefects, []string{"problem   network.score: "}},
		{"steps of another rank", "sound_rank", heard("largest"), exitDefects, []string{"network.score: the model's output \"largest\" is f32[?,1,?]"}},
		{"steps that do not fit", "sound", append([]string{"every: 500ms", "every: 990ms"}, heard("click")...), exitDefects, []string{"network.score: output \"click\" has 64 steps over a window"}},
		{"a fault while it runs", "deaf", heard("score"), exitDefects, []string{"48000 Hz, 2 channels: a detector has failed"}},
		{"looks that never meet", "good", []string{"min_duration: 0s, hold: 1s", "min_duration: 0s, min_scores: 2, hold: 100ms"}, exitClean,
			[]string{"note      outputs[0].rule.hold: 100ms is shorter than sampling.every, 500ms: two looks never meet, and nothing is ever raised"}},
		{"severity below raise", "good", []string{"hold: 1s", "hold: 1s, major: 0.4"}, exitClean, []string{"note      outputs[0].rule.major: 0.4 is not above raise"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			streamvet(t, "detectors", "verify", ownDetector(t, c.network, c.changes...)).want(t, c.code, c.says...)
		})
	}
}

func TestVerifyTakesClosedFormsAndSeveralFolders(t *testing.T) {
	good := streamvet(t, "detectors", "verify", "../../models/black", "../../models/silence", "../../models/decode_error", "../../models/stall", "../../models/block_corruption")
	good.want(t, exitClean, "black 0.", "320x180: 32 scores of black from 0.000 to 1.000", "silence 0.", "48000 Hz, 2 channels: ",
		"note      it speaks of live sources alone", "half      scores differ")
	if n := strings.Count(good.out, "This detector can be served."); n != 5 {
		t.Errorf("%d of 5 detectors can be served: %v", n, good)
	}
	// Networks hear sound in windows, and score several defects.
	streamvet(t, "detectors", "verify", "../../models/testdata/good/crackle").want(t, exitClean, "input  samples f32[?,1,?]",
		"output click f32[?,?] (the score of click)", "output loud f32[?,?] (the score of clipping)", "output peak f32[?] (not used)",
		"48000 Hz, 2 channels: 300 scores of click", "48000 Hz, 2 channels, 0.3 s: 15 scores", "batches   of 12: scores differ", "can be served")
	// A folder of folders stands for them; a measure that there is not is found by the engine.
	both := streamvet(t, "detectors", "verify", "../../models/testdata/good")
	both.want(t, exitDefects, "bright 1.2.3", "can be served", "gloom 0.1.0", `problem   measure: no such closed form: "level"`)
}

func TestVerifyOnBadFolders(t *testing.T) {
	empty := t.TempDir()
	notYAML := ownDetector(t, "good")
	if err := os.WriteFile(filepath.Join(notYAML, "detector.yaml"), []byte("name: [\x1b[31m"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := ownDetector(t, "good")
	if err := os.WriteFile(filepath.Join(text, "bright.onnx"), []byte("not a network"), 0o644); err != nil {
		t.Fatal(err)
	}
	stall, err := os.ReadFile("../../models/stall/detector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	misspelt := filepath.Join(t.TempDir(), "stall")
	if err := os.Mkdir(misspelt, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(misspelt, "detector.yaml"), []byte(strings.Replace(string(stall), "seconds:", "secnds:", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"a parameter that is none", []string{misspelt}, exitDefects, []string{`problem   closed form "stall" has no parameter "secnds" (it has: seconds)`}},
		{"none named", nil, exitTrouble, []string{"name at least one folder"}},
		{"a flag that is none", []string{"--fast"}, exitTrouble, []string{"--help tells"}},
		{"nowhere", []string{"/nowhere"}, exitTrouble, []string{"/nowhere: no such file or directory"}},
		{"a file", []string{"verify_test.go"}, exitTrouble, []string{"not a directory"}},
		{"nothing in it", []string{empty}, exitTrouble, []string{"a detector is a folder with a detector.yaml"}},
		{"not YAML", []string{notYAML}, exitDefects, []string{"it is not YAML", "cannot be served"}},
		{"not ONNX", []string{text}, exitDefects, []string{"network.sha256", "network.file: it is not a network that ONNX Runtime"}},
		{"trouble goes before what is wrong", []string{text, "/nowhere"}, exitTrouble, []string{"cannot be served", "/nowhere"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := streamvet(t, append([]string{"detectors", "verify"}, c.args...)...)
			o.want(t, c.code, c.says...)
			if strings.ContainsRune(o.out+o.err, '\x1b') {
				t.Errorf("what a terminal would obey got through: %q", o.out+o.err)
			}
		})
	}
	t.Setenv("STREAMVET_ORT_LIB", "/nowhere/libonnxruntime.so")
	streamvet(t, "detectors", "verify", ownDetector(t, "good")).want(t, exitTrouble, "/nowhere/libonnxruntime.so")
}

func TestVerifyAsJSON(t *testing.T) {
	o := streamvet(t, "detectors", "verify", "--json", ownDetector(t, "good"), ownDetector(t, "input_name"))
	o.want(t, exitDefects)
	lines := strings.Split(strings.TrimSpace(o.out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %v", len(lines), o)
	}
	var good, bad verification
	for i, v := range []*verification{&good, &bad} {
		if err := json.Unmarshal([]byte(lines[i]), v); err != nil {
			t.Fatal(err)
		}
	}
	if !good.Served || good.Name != "bright" || len(good.Problems) != 0 || len(good.Runs) != len(trialSizes) || good.Batch.Rows != 4 ||
		good.Network.Inputs[0] != "luma u8[?,1,?,?]" || good.Runs[0].Scores["overexposed"].Count != 32 {
		t.Errorf("good: %s", lines[0])
	}
	if bad.Served || len(bad.Problems) != 1 || bad.Problems[0].Field != "network.tensor.name" || len(bad.Runs) != 0 {
		t.Errorf("bad: %s", lines[1])
	}
}

// trialSizes are those of engine/trial.
var trialSizes = []string{"320x180", "177x99", "540x960", "1280x720", "1920x1080"}
