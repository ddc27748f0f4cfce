package models

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Every fault is told with its line, its field and what to do.
func TestBadManifests(t *testing.T) {
	for _, c := range []struct{ name, base, old, new, want string }{
		{"unknown field", "gloom", "summary:", "sumary:", "detector.yaml:3: sumary: unknown field: did you mean summary?"},
		{"unknown field deep inside", "bright", "min_scores: 2", "min_score: 2", "detector.yaml:30: outputs[0].rule.min_score: unknown field: did you mean min_scores?"},
		{"unknown field like none", "gloom", "input: sound", "input: sound\nzzzzzzzz: 1", "detector.yaml:5: zzzzzzzz: unknown field: the fields here are name, version,"},
		{"missing field", "gloom", "input: sound\n", "", "input: it is missing"},
		{"missing field deep inside", "gloom", "clear: 0, ", "", "detector.yaml:12: outputs[0].rule.clear: it is missing"},
		{"twice", "gloom", "version: 0.1.0", "version: 0.1.0\nversion: 0.1.1", "detector.yaml:3: it is not YAML: mapping key \"version\" already defined"},
		{"name of the folder", "gloom", "name: gloom", "name: gloomy", `name: "gloomy" is not the name of the folder, "gloom": they must be the same`},
		{"name", "gloom", "name: gloom", "name: Gloom!", `name: "Gloom!" is no name: use a-z, 0-9 and _`},
		{"version", "gloom", "0.1.0", "0.1", "version: text is needed: write it in quotes"},
		{"version in quotes", "gloom", "0.1.0", `"0.1"`, `version: "0.1" is no semantic version: write it as 1.2.3`},
		{"leading zero", "gloom", "0.1.0", "0.01.0", "no semantic version"},
		{"empty summary", "gloom", "summary: Sound that is quiet; a closed form of the tests.", "summary: ''", "summary: it is empty"},
		{"input", "gloom", "input: sound", "input: smell", `detector.yaml:4: input: "smell" is none of picture, sound, bitstream, clock`},
		{"measure and network", "bright", "input: picture", "input: picture\nmeasure: level", "measure: a detector has either a measure or a network"},
		{"neither", "gloom", "measure: level\n", "", "measure: a detector has either a measure or a network"},
		{"measure's name", "gloom", "measure: level", "measure: Level", "measure: \"Level\" is no name"},
		{"params of a network", "bright", "input: picture", "input: picture\nparams: {a: 1}", "params: they belong to a measure"},
		{"param is text", "gloom", "floor_dbfs: -60", "floor_dbfs: low", "detector.yaml:7: params.floor_dbfs: a number is needed"},
		{"param is no number", "gloom", "floor_dbfs: -60", "floor_dbfs: .nan", "params.floor_dbfs: a number is needed"},
		{"param is infinite", "gloom", "floor_dbfs: -60", "floor_dbfs: -.inf", "params.floor_dbfs: a number is needed"},
		{"params are a list", "gloom", "params:\n  floor_dbfs: -60\n  span_db: 6.5", "params: [1, 2]", "params: fields are needed here"},
		{"defect", "gloom", "defect: hum", "defect: humm", `outputs[1].defect: "humm" is no defect: did you mean hum?`},
		{"defect like none", "gloom", "defect: hum", "defect: melancholy", "the defects are black, freeze,"},
		{"defect twice", "gloom", "defect: hum", "defect: silence", `outputs[1].defect: "silence" is there twice`},
		{"unit", "gloom", "unit: dBFS\n    rule:\n", "unit: ' '\n    rule:\n", "outputs[1].unit: it is empty"},
		{"rule", "gloom", "raise: 1,", "raise: 1.5,", "detector.yaml:12: outputs[0].rule: raise 1.5 is not in (0, 1]"},
		{"rule's numbers", "gloom", "raise: 1, clear: 0", "raise: 0.5, clear: 0.7", "outputs[0].rule: clear 0.7 is not in [0, raise]"},
		{"negative time", "gloom", "hold: 0s", "hold: -1s", "hold -1s is negative"},
		{"time without unit", "gloom", "hold: 0s", "hold: 3", "outputs[1].rule.hold: a time with its unit is needed, such as 500ms"},
		{"time of words", "gloom", "hold: 0s", "hold: soon", "outputs[1].rule.hold: a time with its unit is needed"},
		{"outputs are text", "gloom", "provenance: None.", "provenance: [None]", "provenance: text is needed"},
		{"fusion without a network", "gloom", "unit: dBFS\n    rule:\n", "unit: dBFS\n    fusion: {bias: 0, network: 1, damaged: 2}\n    rule:\n", "outputs[1].fusion: it joins the score of a network with hints"},
		{"fusion's weights", "bright", "outputs:\n  - ", "outputs:\n  - fusion: {bias: 99, network: 0, damaged: 2}\n    ", "outputs[0].fusion.network: 0: without the network's own word"},
		{"network of the clock", "bright", "input: picture", "input: clock", `network: a network takes pictures or sound, the input is "clock"`},
		{"picture network for sound", "bright", "input: picture", "input: sound", `network.tensor.dtype: "u8" is none of f32`},
		{"one score for two defects", "bright", "outputs:", "outputs:\n" + also("hum", ""), `network.score: "score" is the score of two defects: each has an output of its own`},
		{"own scores alone", "bright", "outputs:\n  - defect: overexposed", "outputs:\n  - defect: overexposed\n    score: a", "network.score: every defect names a score of its own: leave it out"},
		{"a map for nobody", "bright", "outputs:\n  - defect: overexposed", "outputs:\n  - defect: overexposed\n    score: a", "network.map: it is about the defect whose score is network.score, and there is none"},
		{"no score", "bright", "  score: score\n", "", "network.score: it is empty"},
		{"score of a closed form", "gloom", "defect: hum", "defect: hum\n    score: hum", "outputs[1].score: it names an output of a network, and there is none"},
		{"score is empty space", "bright", "outputs:", "outputs:\n" + also("hum", "' '"), "outputs[0].score: it is empty"},
		{"score is the map", "bright", "outputs:", "outputs:\n" + also("hum", "map"), `outputs[0].score: "map" is the map's output: name another`},
		{"many scores", "bright", "outputs:", "outputs:\n" + alsoMany(16), "outputs: there are 17, a network scores 16 defects at most"},
		{"rate of pictures", "bright", "align: 16", "align: 16\n    rate: 32000", "network.tensor.rate: it belongs to sound"},
		{"window of pictures", "bright", "align: 16", "align: 16\n    window: 32000", "network.tensor.window: it belongs to sound"},
		{"sound of bytes", "crackle", "dtype: f32", "dtype: u8", `network.tensor.dtype: "u8" is none of f32`},
		{"sound mixed", "crackle", "channels: each", "channels: mono", `network.tensor.channels: "mono" is none of each, mix`},
		{"sound without a rate", "crackle", "    rate: 32000\n", "", "network.tensor.rate: 0 Hz is not in 8000..192000"},
		{"rate", "crackle", "rate: 32000", "rate: 44100.5", "network.tensor.rate: a whole number is needed"},
		{"sound without a window", "crackle", "    window: 40960\n", "", "network.tensor.window: 0 samples are not in 1..1920000, which is a minute"},
		{"a long window", "crackle", "window: 40960", "window: 1920001", "network.tensor.window: 1920001 samples are not in"},
		{"a window's batch", "crackle", "window: 40960", "window: 1920000", "network.batch.max_size: a batch of 64 takes 491520000 bytes"},
		{"gaps between windows", "crackle", "every: 1s", "every: 1.3s", "network.sampling.every: 1.3s is longer than the window of 40960 samples at 32000 Hz"},
		{"a fraction of a sample", "crackle", "every: 1s", "every: 1000001us", "network.sampling.every: 1.000001s is no whole number of samples at 32000 Hz"},
		{"suspicious sound", "crackle", "every: 1s", "every: 1s\n    suspicious: 1s", "network.sampling.suspicious: all sound is heard"},
		{"sound with a map", "crackle", "score: click", "score: click\n  map: m\n  map_threshold: 1", "network.map: sound has no map"},
		{"sound in half precision", "crackle", "  tensor:", "  half: {file: b.onnx, sha256: x}\n  tensor:", "network.half: sound is heard on the CPU"},
		{"sound with a size", "crackle", "channels: each", "channels: each\n    resize: area", "network.tensor: resize, align, width,"},
		{"hash", "bright", "sha256: ", "sha256: x", "network.sha256: "},
		{"file", "bright", "file: bright.onnx", "file: bright.pt", "network.file: \"bright.pt\" is no file beside the manifest"},
		{"hidden file", "bright", "file: bright.onnx", "file: .onnx", "is no file beside the manifest"},
		{"half's hash", "bright", "  tensor:", "  half: {file: b.onnx, sha256: x}\n  tensor:", "network.half.sha256: \"x\" is no SHA-256 sum"},
		{"half's file", "bright", "  tensor:", "  half: {file: ../b.onnx, sha256: x}\n  tensor:", "network.half.file: \"../b.onnx\" is no file beside the manifest"},
		{"half is the whole", "bright", "  tensor:", "  half: {file: bright.onnx, sha256: x}\n  tensor:", "network.half.file: it is the network's own file"},
		{"half of a half", "bright", "  tensor:", "  half: {file: b.onnx}\n  tensor:", "network.half.sha256: it is missing"},
		{"half with more", "bright", "  tensor:", "  half: {file: b.onnx, sha256: x, dtype: f16}\n  tensor:", "network.half.dtype: unknown field"},
		{"half is text", "bright", "  tensor:", "  half: b.onnx\n  tensor:", "network.half: fields are needed here"},
		{"dtype", "bright", "dtype: u8", "dtype: uint8", `network.tensor.dtype: "uint8" is none of u8, f32, f16`},
		{"channels", "bright", "channels: luma", "channels: bgr", `network.tensor.channels: "bgr" is none of luma, rgb`},
		{"resize", "bright", "resize: none", "resize: bicubic", `network.tensor.resize: "bicubic" is none of none, area, bilinear`},
		{"align", "bright", "align: 16", "align: 24", "network.tensor.align: 24 is no power of two in 1..256"},
		{"no align", "bright", "    align: 16\n", "", "network.tensor.align: 0 is no power of two"},
		{"align is negative", "bright", "align: 16", "align: -16", "is no power of two"},
		{"size with resize none", "bright", "align: 16", "align: 16\n    width: 64", "network.tensor.width: with resize none"},
		{"letterbox with resize none", "bright", "align: 16", "align: 16\n    letterbox: true", "network.tensor.letterbox"},
		{"no size", "bright", "resize: none\n    align: 16", "resize: area", "network.tensor.width: 0 is not in 1..8192"},
		{"align with area", "bright", "resize: none", "resize: area", "network.tensor.align: it belongs to resize none"},
		{"huge size", "bright", "resize: none\n    align: 16", "resize: area\n    width: 99999\n    height: 5", "network.tensor.width: 99999 is not in 1..8192"},
		{"huge batch", "bright", "resize: none\n    align: 16", "resize: area\n    width: 8192\n    height: 8192\n    channels: rgb", "mapping key"},
		{"batch bytes", "bright", "channels: luma\n    resize: none\n    align: 16", "channels: rgb\n    resize: area\n    width: 8192\n    height: 8192", "network.batch.max_size: a batch of 4 takes 805306368 bytes, 268435456 are the most"},
		{"pad without letterbox", "bright", "resize: none\n    align: 16", "resize: area\n    width: 8\n    height: 8\n    pad: 4", "network.tensor.pad: it belongs to letterbox"},
		{"pad", "bright", "resize: none\n    align: 16", "resize: area\n    width: 8\n    height: 8\n    letterbox: true\n    pad: 300", "network.tensor.pad: 300 is not in 0..255"},
		{"mean of bytes", "bright", "align: 16", "align: 16\n    mean: [0.5, 0.5, 0.5]", "network.tensor.mean: a u8 tensor holds the samples as they are"},
		{"long list", "bright", "align: 16", "align: 16\n    mean: [0.5, 0.5, 0.5, 0.5]", "network.tensor.mean: the list has 4 entries, 3 are the most"},
		{"negative std", "bright", "dtype: u8", "dtype: f32\n    std: [1, -1]", "network.tensor.std[1]: -1 is negative"},
		{"list of words", "bright", "align: 16", "align: 16\n    std: [x]", "network.tensor.std[0]: a number is needed"},
		{"fraction", "bright", "align: 16", "align: 16.5", "network.tensor.align: a whole number is needed"},
		{"large number", "bright", "max_size: 4", "max_size: 99999999999999999999", "network.batch.max_size: a whole number is needed"},
		{"truth", "bright", "align: 16", "align: 16\n    letterbox: yes please", "network.tensor.letterbox: true or false is needed"},
		{"map is the score", "bright", "map: map", "map: score", `network.score: "score" is the map's output`},
		{"no threshold", "bright", "  map_threshold: 0.5\n", "", "network.map_threshold: 0: with a map it is in (0, 1]"},
		{"threshold without map", "bright", "  map: map\n", "", "network.map_threshold: 0.5: with a map"},
		{"never", "bright", "every: 500ms", "every: 0", "network.sampling.every: 0s is not in (0, 1h0m0s]"},
		{"suspicious", "bright", "suspicious: 40ms", "suspicious: 4s", "network.sampling.suspicious: 4s is not in [0, every]"},
		{"batch", "bright", "max_size: 4", "max_size: 65", "network.batch.max_size: 65 is not in 1..64"},
		{"patience", "bright", "every: ", "patience: 1ms\n    every: ", "network.sampling.patience: 1ms is not in [every, "},
		{"batch of the CPU", "bright", "max_size: 4", "max_size: 4\n    max_size_cpu: 5", "network.batch.max_size_cpu: 5 is not in 1..max_size"},
		{"delay", "bright", "max_queue_delay: 5ms", "max_queue_delay: 5s", "network.batch.max_queue_delay: 5s is not in [0, 1s]"},
		{"network is text", "bright", "network:", "network: none\nnot_network:", "network: fields are needed here"},
		{"anchor", "gloom", "measure: level", "measure: &a level", "detector.yaml:5: anchors, aliases and merges are not taken"},
		{"alias", "gloom", "measure: level", "measure: *a", "anchors, aliases and merges"},
		{"merge", "gloom", "measure: level", "<<: {measure: level}", "anchors, aliases and merges"},
		{"tag", "gloom", "measure: level", "measure: !!str level", "tags, directives and complex keys"},
		{"complex key", "gloom", "measure: level", "? measure\n: level", "tags, directives and complex keys"},
		{"terminal codes", "gloom", "provenance: None.", `provenance: "\e[2J"`, "provenance: it has letters that cannot be printed"},
		{"terminal codes in a field", "gloom", "provenance: None.", `provenance: None.` + "\n" + `"\e[2J": 1`, "\ufffd[2J: unknown field"},
		{"param's name", "gloom", "span_db: 6.5", "Span: 6.5", `params: "Span" is no name`},
		{"two documents", "gloom", "provenance: None.", "provenance: None.\n---\nname: b", "it holds 2 documents"},
		{"tabs", "gloom", "  - defect: hum", "\t- defect: hum", "it is not YAML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := string(manifest(t, c.base))
			changed := strings.Replace(text, c.old, c.new, 1)
			if changed == text {
				t.Fatalf("%q is not in the manifest", c.old)
			}
			m, r := parse([]byte(changed))
			r.check(&m, c.base)
			if r.err() == nil || !strings.Contains(r.err().Error(), c.want) {
				t.Errorf("error %v, want %q", r.err(), c.want)
			}
		})
	}
}

// also is one more output in a manifest.
func also(defect, score string) string {
	line := "  - {defect: " + defect + ", unit: u, rule: {raise: 1, clear: 1, min_duration: 0s, hold: 0s}"
	if score != "" {
		line += ", score: " + score
	}
	return line + "}"
}

func alsoMany(n int) string {
	var lines []string
	for i, d := range verdict.Defects()[:n] {
		lines = append(lines, also(string(d), fmt.Sprintf("s%d", i)))
	}
	return strings.Join(lines, "\n")
}

func TestNoManifest(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"empty":     {"", "it is empty"},
		"comment":   {"# nothing\n", "it is empty"},
		"null":      {"~", "it is empty"},
		"text":      {"just some words", "fields are needed here"},
		"list":      {"- a\n- b\n", "fields are needed here"},
		"binary":    {"\x7fELF\x02\x01\x01\x00\x00", "detector.yaml"},
		"not utf-8": {"name: \xff\xfe", "detector.yaml"},
		"words":     {strings.Repeat("a: [1]\n", 2000), "more than 4096 words"},
		"open":      {"name: [", "it is not YAML"},
	} {
		m, r := parse([]byte(c.data))
		r.check(&m, "x")
		if r.err() == nil || !strings.Contains(r.err().Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, r.err(), c.want)
		}
	}
}

// One mistake gives one line, and all mistakes are told at once.
func TestFaultsAreToldOnceAndTogether(t *testing.T) {
	text := strings.NewReplacer("raise: 1,", "raize: 1,", "input: sound", "input: [sound]", "0.1.0", "1").Replace(string(manifest(t, "gloom")))
	m, r := parse([]byte(text))
	r.check(&m, "gloom")
	got := strings.Split(r.err().Error(), "\n")
	want := []string{
		"detector.yaml:2: version: text is needed: write it in quotes if it looks like something else",
		"detector.yaml:4: input: text is needed: write it in quotes if it looks like something else",
		"detector.yaml:12: outputs[0].rule.raize: unknown field: did you mean raise?",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	m, r = parse([]byte(strings.Repeat("a", 10) + ": 1\n" + manyFields(60)))
	r.check(&m, "x")
	if len(r.errs) != maxFindings {
		t.Errorf("%d faults are told of a file of garbage, want %d", len(r.errs), maxFindings)
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("q", i+1) + "z: 1\n")
	}
	return b.String()
}

// Small files that are made to take long or much.
func TestHostileYAML(t *testing.T) {
	for name, data := range map[string]string{
		"brackets":    strings.Repeat("[", maxManifestBytes),
		"braces":      strings.Repeat("{a: ", maxManifestBytes/4),
		"pairs":       strings.Repeat("[]", maxManifestBytes/2),
		"dashes":      strings.Repeat("- ", maxManifestBytes/2),
		"colons":      strings.Repeat("a: ", maxManifestBytes/3),
		"questions":   strings.Repeat("? ", maxManifestBytes/2),
		"quotes":      strings.Repeat("'", maxManifestBytes),
		"a quote":     "name: \"" + strings.Repeat("a", maxManifestBytes-8),
		"pipes":       strings.Repeat("|\n", maxManifestBytes/2),
		"block":       "name: |\n" + strings.Repeat("  a\n", maxManifestBytes/5),
		"comments":    strings.Repeat("#\n", maxManifestBytes/2),
		"spaces":      strings.Repeat(" ", maxManifestBytes),
		"newlines":    strings.Repeat("\n", maxManifestBytes),
		"indentation": staircase(maxManifestBytes),
		"some depth":  strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
		"some braces": strings.Repeat("{a: ", 1000) + strings.Repeat("}", 1000),
		"laughs":      "a: &a [1,1,1,1]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n",
		"a long word": strings.Repeat("a", maxManifestBytes-3) + ": 1",
	} {
		t.Run(name, func(t *testing.T) {
			m, r := parse([]byte(data))
			r.check(&m, "x")
			if r.err() == nil {
				t.Error("it was taken")
			} else if text := r.err().Error(); len(text) > 8000 || text != legible(text, len(text)) {
				t.Errorf("the error is %d bytes long, or cannot be printed: %.200q", len(text), text)
			}
		})
	}
}

func staircase(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n-2*i-4; i++ {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// FuzzManifest holds that no file makes the reader fall over, and that one that
// is taken keeps what the rest of the engine relies on.
func FuzzManifest(f *testing.F) {
	f.Add(manifest(f, "bright"))
	f.Add(manifest(f, "gloom"))
	f.Add(manifest(f, "crackle"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("network: {tensor: {mean: [1, 2, 3, 4]}}"))
	f.Add([]byte("outputs:\n- rule: {raise: .nan}\n- \n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxManifestBytes {
			return
		}
		m, r := parse(data)
		r.check(&m, m.Name)
		if r.err() != nil {
			if text := r.err().Error(); text == "" || text != legible(text, len(text)) {
				t.Errorf("the error %q says nothing or cannot be printed", text)
			}
			return
		}
		for _, o := range m.Outputs {
			if err := o.Rule.Verdict().Validate(); err != nil || !o.Defect.Known() {
				t.Errorf("output %+v: %v", o, err)
			}
		}
		for name, p := range m.Params {
			if math.IsNaN(p) || math.IsInf(p, 0) {
				t.Errorf("%s is %v", name, p)
			}
		}
		if n := m.Network; n != nil {
			if s := n.Tensor.Shape(n.Batch.MaxSize, 1920, 1080); s.Elements() <= 0 || s.H%8 < 0 || n.Tensor.Type() == 0 {
				t.Errorf("tensor %v of %+v", s, n.Tensor)
			}
			if m.Input == "sound" && (n.Hop() < 1 || n.Hop() > n.Tensor.Window || n.Half != nil || n.Map != "") {
				t.Errorf("network of sound %+v", n)
			}
			for i := range m.Outputs {
				if name, _ := m.ScoreOf(i); name == "" || name == n.Map {
					t.Errorf("output %d has the score %q", i, name)
				}
			}
			if n.Sampling.Every <= 0 || n.Batch.MaxQueueDelay > time.Second || strings.ContainsAny(n.File, "/\\") {
				t.Errorf("network %+v", n)
			}
		}
	})
}
