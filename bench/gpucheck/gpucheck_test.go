package gpucheck

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/device/cuda/double"
)

// testClips makes a folder of clips and lets the double's decoder play them.
func testClips(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	data, err := filepath.Abs("../../engine/media/testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"codecs", "load", "tapes"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var clips []string
	for _, name := range []string{"h264.mp4", "h264-10.mkv", "hevc-10.mkv", "vp9.webm", "av1.mp4"} {
		to := filepath.Join(dir, "codecs", name)
		if err := os.Symlink(filepath.Join(data, name), to); err != nil {
			t.Fatal(err)
		}
		clips = append(clips, to)
	}
	for to, from := range map[string]string{"h264.mp4": "h264.mp4", "hevc.mkv": "hevc.mp4", "hevc10.mkv": "hevc-10.mkv"} {
		to = filepath.Join(dir, "load", to)
		out, err := exec.Command(os.Getenv("STREAMVET_FFMPEG"), "-v", "error", "-stream_loop", "9", "-i", filepath.Join(data, from), "-c", "copy", to).CombinedOutput()
		if err != nil {
			t.Fatalf("ffmpeg: %v: %s", err, out)
		}
		clips = append(clips, to)
	}
	tapes := filepath.Join(dir, "tapes")
	if err := double.Record(tapes, slices.DeleteFunc(clips, func(c string) bool { return filepath.Base(c) == "h264-10.mkv" })...); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STREAMVET_DOUBLE_TAPES", tapes)
	t.Setenv("STREAMVET_DOUBLE_SMALL", "1")
	return dir
}

func toolsHere(t *testing.T) (dir string) {
	t.Helper()
	dir, err := filepath.Abs("testdata/tools")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

// The whole check on the double, whose decoder plays what software decodes: all that
// does not depend on speed must hold.
func TestEverythingHoldsOnTheDouble(t *testing.T) {
	tools := toolsHere(t)
	var text strings.Builder
	r, err := Run(t.Context(), Options{
		Clips: testClips(t), Tests: filepath.Join(tools, "cuda.test"), ORTLibrary: os.Getenv("STREAMVET_ORT_LIB"),
		Quick: true, Scratch: t.TempDir(), Version: "of a test",
	}, &text)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(text.String())
	if !r.Holds {
		t.Error("something does not hold")
	}
	var names []string
	for _, s := range r.Steps {
		names = append(names, s.Name)
		if !slices.ContainsFunc(s.Findings, func(f Finding) bool { return f.Outcome == Pass || f.Value != nil }) {
			t.Errorf("the step %s found nothing", s.Name)
		}
	}
	if !slices.Equal(names, Steps()) {
		t.Errorf("the steps were %v", names)
	}
	if !r.Machine.Double || r.Machine.GPU != "streamvet test double" || r.Machine.CUDA == "" || len(r.Machine.Libraries) < 4 {
		t.Errorf("the machine: %+v", r.Machine)
	}
	for _, want := range []string{
		"PASS  h264.mp4: h264 160x90 4:2:0 8 bits by nvdec", "25 of 25 pictures as decoded in software",
		"h264-10.mkv: NVDEC does not decode it here", "PASS  hevc-10.mkv, networks at 16 bits", "memcheck: 2 tests passed, 0 failed",
		"PASS  the driver saw", "PASS  no picture crosses the bus (0 did)", "ncu, sv_measure_begin: 3.00 us a launch",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	savedAndRefused(t, r)
}

func savedAndRefused(t *testing.T, r *Report) {
	t.Helper()
	dir := t.TempDir()
	results := filepath.Join(dir, "bench", "results")
	if err := os.MkdirAll(results, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := r.save(filepath.Join(results, "x.json")); err == nil {
		t.Error("a report of the double is taken for a result")
	}
	path := filepath.Join(dir, "report.json")
	if err := r.save(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	var roofs []roof
	var bus crossing
	if !back.data("roofs", &roofs) || len(roofs) != 2 || roofs[0].VetFPS <= 0 {
		t.Errorf("the roofs in the file: %+v", roofs)
	}
	if !back.data("bus", &bus) || bus.Pictures <= 0 || bus.PCIe == nil || bus.ToHost["measures"].Bytes == 0 {
		t.Errorf("the bus in the file: %+v", bus)
	}
}

// A decoder that gives other pictures than software must be found out.
func TestWrongPicturesAreFound(t *testing.T) {
	clips := testClips(t)
	t.Setenv("STREAMVET_DOUBLE_TAPES", "") // now it plays a pattern
	r := run(t, Options{Clips: clips, Only: []string{"decode"}})
	var decoded []decodedClip
	if !r.data("decode", &decoded) || len(decoded) != 5 {
		t.Fatalf("decoded: %+v", decoded)
	}
	for _, d := range decoded {
		if wrong := d.Clip != "h264-10.mkv"; wrong != (d.Different == d.Pictures) || d.Pictures < 20 {
			t.Errorf("%+v", d)
		}
	}
}

func TestAStepThatDiesCostsItsOwnFindingsAlone(t *testing.T) {
	t.Setenv(spoilVariable, "decode=crash")
	r := run(t, Options{Clips: testClips(t), Only: []string{"decode", "memory"}})
	f := r.step("decode").Findings
	if len(f) != 1 || f[0].Outcome != Fail || !strings.Contains(f[0].What, "SIGSEGV: segmentation violation") {
		t.Errorf("of the step that crashed: %v", f)
	}
	if r.Holds || !slices.ContainsFunc(r.step("memory").Findings, func(f Finding) bool { return f.Outcome == Pass }) {
		t.Errorf("of the step after it: %v", r.step("memory").Findings)
	}
}

func TestAStepThatHangsIsEnded(t *testing.T) {
	t.Setenv(spoilVariable, "bus=hang")
	o := Options{Scratch: t.TempDir()}
	err := startChild(t.Context(), state{Step: "bus", Budget: 100_000_000, Options: o}, filepath.Join(o.Scratch, "log"), nil, func(event) {})
	if err == nil || !strings.Contains(err.Error(), "did not end within") {
		t.Errorf("the error is %v", err)
	}
}

// Without a GPU nothing else is tried.
func TestNoGPU(t *testing.T) {
	t.Setenv("STREAMVET_DOUBLE_NO_DEVICE", "1")
	r := run(t, Options{})
	if r.Holds || len(r.Steps) != 1 || len(r.Steps[0].Findings) != 1 || !strings.Contains(r.Steps[0].Findings[0].What, "finds no GPU. Remedy") {
		t.Errorf("the report: %+v", r)
	}
}

func TestUnknownStepsAreRefused(t *testing.T) {
	if _, err := Run(t.Context(), Options{Only: []string{"bus", "tram"}, Scratch: t.TempDir()}, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), `"tram"`) {
		t.Errorf("the error is %v", err)
	}
}

func run(t *testing.T, o Options) *Report {
	t.Helper()
	o.Quick, o.Scratch, o.ORTLibrary = true, t.TempDir(), os.Getenv("STREAMVET_ORT_LIB")
	var text strings.Builder
	r, err := Run(t.Context(), o, &text)
	t.Log(text.String())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What lies in bench/results was measured on hardware.
func TestResultsAreOfHardware(t *testing.T) {
	files, err := filepath.Glob("../results/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("results: %v, %v", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "test double") || strings.Contains(string(text), `"test_double": true`) {
			t.Errorf("%s is of the test double of the driver", f)
		}
	}
}
