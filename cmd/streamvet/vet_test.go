package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/models"
)

func TestExitCodes(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.mp4")
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"nothing found", []string{"--only", "black,freeze,silence", good(t)}, exitClean, []string{"good.mkv: clean in 0:04.000", "100 frames"}},
		{"defects found", []string{"--only", "black,freeze,silence", bad(t)}, exitDefects,
			[]string{"! raised  black", "- cleared black", "after 1.00 s, track 0", "bad.mkv: 2 defects in 0:04.000", "found: black 1, silence 1"}},
		{"not there", []string{"--only", "black", absent}, exitTrouble, []string{"could not be vetted", absent, "check the name"}},
		{"clean, and one not there", []string{"--only", "black", good(t), absent}, exitTrouble, []string{"good.mkv: clean", "could not be vetted"}},
		{"defects, and one not there", []string{"--only", "black", absent, bad(t)}, exitTrouble, []string{"bad.mkv: 1 defect in", "could not be vetted"}},
		{"quiet", []string{"--only", "black", "--quiet", absent}, exitTrouble, []string{"check the name"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			streamvet(t, append([]string{"vet"}, c.args...)...).want(t, c.code, c.says...)
		})
	}
}

// Each sound track is vetted for itself, and verdicts say which one it is.
func TestSeveralTracks(t *testing.T) {
	path := clip(t, "tracks.mkv", picture4s+" "+sound4s+" "+sound4s+" -map 0 -map 1 -map 2 -filter:a:1 volume=0:enable='gte(t,1)*lt(t,3)' -metadata:s:a:0 language=eng -metadata:s:a:1 language=fra"+encoded)
	o := streamvet(t, "vet", "--only", "silence", path)
	o.want(t, exitDefects, "track 1: audio flac 48000 Hz stereo language eng", "track 2: audio flac 48000 Hz stereo language fra", "found: silence 1")
	if !strings.Contains(o.out, "dBFS RMS, track 2\n") || strings.Contains(o.out, "dBFS RMS, track 1\n") {
		t.Error(o)
	}
}

// All detectors at their shipped thresholds, in one run over several inputs.
func TestSideBySide(t *testing.T) {
	garbage := written(t, "garbage.mp4", []byte(strings.Repeat("this is no film. ", 3000)))
	o := streamvet(t, "vet", bad(t), garbage, good(t), bad(t))
	o.want(t, exitTrouble, "garbage.mp4: not in a media format that streamvet knows", "bad.mkv: ", "good.mkv: ")
	raised := map[string]int{}
	for line := range strings.Lines(o.out) {
		if f := strings.Fields(line); len(f) > 4 && f[2] == "!" {
			raised[f[0]+" "+f[4]]++
		}
	}
	if raised["bad.mkv black"] != 2 || raised["bad.mkv silence"] != 2 || raised["good.mkv black"]+raised["good.mkv silence"] > 0 {
		t.Errorf("raised: %v\n%v", raised, o)
	}
}

func TestWrongArguments(t *testing.T) {
	file := good(t)
	folder := t.TempDir()
	truth := written(t, "truth.json", []byte(`{"version": 1, "sauce": "x"}`))
	for _, c := range []struct {
		args string
		says []string
	}{
		{"vet", []string{"name at least one file or URL", "--help"}},
		{"vet --only black,blakc " + file, []string{`no detector "blakc"`, "black", "silence", "decode_error"}},
		{"vet --without noise,nosuch " + file, []string{`no detector "nosuch"`, "freeze"}},
		{"vet --only black --without noise " + file, []string{"exclude each other"}},
		{"vet --models " + folder + "/none " + file, []string{"there is no directory", "/none"}},
		{"vet --models " + folder + " " + file, []string{"detector.yaml"}},
		{"vet --truth " + truth + " " + file, []string{"sauce"}},
		{"vet --truth none.json " + file, []string{"none.json", "no such file"}},
		{"vet --truth x.json a b", []string{"exactly one input"}},
		{"vet --color blue " + file, []string{"auto, always, never"}},
		{"vet --timeout 0s " + file, []string{"--timeout"}},
		{"vet --timeout soon " + file, []string{"soon"}},
		{"vet --threads -1 " + file, []string{"threads"}},
		{"vet --device tpu " + file, []string{`"tpu"`, "auto, cuda, cuda:N"}},
		{"vet --sideways " + file, []string{"--sideways", "--help"}},
		{"vet --scores " + folder + "/no/where.jsonl " + file, []string{"where.jsonl", "no such file or directory"}},
		{"vet --report " + folder + "/no/where.html " + file, []string{"where.html", "no such file or directory"}},
		{"vet --report " + folder + " " + file, []string{"is a directory"}},
		{"detectors --models " + folder + "/none", []string{"there is no directory"}},
		{"detectors nosuch", []string{`no detector "nosuch"`, "black"}},
		{"version now", []string{"Usage: streamvet version"}},
		{"wet " + file, []string{`no command "wet"`, "vet", "inject", "detectors"}},
		{"", []string{"Usage: streamvet COMMAND"}},
		{"inject " + file, []string{"-o OUT"}},
	} {
		t.Run(c.args, func(t *testing.T) {
			o := streamvet(t, strings.Fields(c.args)...)
			o.want(t, exitTrouble, c.says...)
			if o.out != "" && !strings.HasPrefix(c.args, "version") {
				t.Errorf("an error belongs to stderr, stdout has:\n%s", o.out)
			}
		})
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A slip of the pen must not cost the film.
func TestOutputsSpareTheInputs(t *testing.T) {
	film := changed(t, good(t), "film.mkv", func(b []byte) []byte { return b })
	link := filepath.Join(t.TempDir(), "link.mkv")
	if err := os.Symlink(film, link); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"--report " + film, "--scores " + film, "--scores " + link, "--report file://" + film} {
		streamvet(t, append(append([]string{"vet", "--only", "black"}, strings.Fields(args)...), film)...).want(t, exitTrouble)
	}
	same := filepath.Join(t.TempDir(), "same.out")
	streamvet(t, "vet", "--only", "black", "--report", same, "--scores", same, film).want(t, exitTrouble, "same.out", "both")
	before, _ := os.Stat(good(t))
	if after, err := os.Stat(film); err != nil || after.Size() != before.Size() {
		t.Errorf("the film has %d bytes of %d left (%v)", after.Size(), before.Size(), err)
	}
}

// What was there stays when the work cannot begin.
func TestAnOldReportOutlivesABadStart(t *testing.T) {
	old := written(t, "old.html", []byte("last week's"))
	t.Setenv("STREAMVET_ORT_LIB", "/nowhere/libonnxruntime.so")
	streamvet(t, "vet", "--models", networkDir(t), "--report", old, good(t)).want(t, exitTrouble, "ONNX Runtime")
	if b, err := os.ReadFile(old); err != nil || string(b) != "last week's" {
		t.Errorf("the report is now %q (%v)", b, err)
	}
}

// networkDir is a folder of detectors with one network in it: it finds 8x8
// blocks that are too bright.
func networkDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "bright"), os.DirFS("../../models/testdata/good/bright")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A person's own detector runs beside the shipped ones, and instead of one of
// the same name.
func TestModels(t *testing.T) {
	white := clip(t, "white.mkv", picture4s+" -vf drawbox=color=black:t=fill,drawbox=x=192:y=64:w=64:h=32:color=white:t=fill -c:v mpeg4 -q:v 2")
	dir := networkDir(t)
	o := streamvet(t, "vet", "--json", "--quiet", "--models", dir, "--only", "bright", white)
	o.want(t, exitDefects)
	vs := verdictsOf(t, o.out)
	if len(vs) < 2 {
		t.Fatal(o)
	}
	v := vs[0]
	if v.Detector != "bright" || v.Defect != "overexposed" || v.DetectorVersion != "1.2.3-rc.1" || !strings.HasPrefix(v.ModelSha256, "07ed1c16") {
		t.Errorf("%v", v)
	}
	if r := v.Region; r == nil || r.X < 0.5 || r.X > 0.62 || r.X+r.Width < 0.78 || r.X+r.Width > 0.85 || r.Y < 0.3 || r.Y+r.Height > 0.6 {
		t.Errorf("the white box lies at 0.6-0.8 x 0.36-0.53, found at %v", r)
	}
	if v.Evidence == nil || v.Evidence.MediaType != "image/jpeg" {
		t.Errorf("evidence: %v", v.Evidence)
	}
	if err := os.CopyFS(filepath.Join(dir, "black"), os.DirFS("../../models/black")); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "black", "detector.yaml")
	b, _ := os.ReadFile(mine)
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range set.Detectors() {
		if d.Name == "black" {
			b = []byte(strings.Replace(string(b), "version: "+d.Version, "version: 77.0.0", 1))
		}
	}
	os.WriteFile(mine, b, 0o644)
	streamvet(t, "detectors", "--models", dir).want(t, exitClean, "black", "77.0.0", "network 07ed1c16a94f")
	streamvet(t, "vet", "--json", "-q", "--models", dir, "--only", "black", bad(t)).want(t, exitDefects, `"detectorVersion":"77.0.0"`)
}

// On a picture that is to be turned, the region lies as the evidence is shown.
func TestRegionOfTurnedPictures(t *testing.T) {
	flat := clip(t, "flat.mp4", picture4s+" -vf drawbox=color=black:t=fill,drawbox=x=192:y=16:w=64:h=32:color=white:t=fill -c:v mpeg4 -q:v 2")
	dir := networkDir(t)
	for degrees := 0; degrees < 360; degrees += 90 {
		turned := clip(t, fmt.Sprintf("turned%d.mp4", degrees), fmt.Sprintf("-display_rotation %d -i %s -c copy", degrees, flat))
		vs := verdictsOf(t, streamvet(t, "vet", "--json", "-q", "--models", dir, "--only", "bright", turned).out)
		if len(vs) == 0 || vs[0].Region == nil || vs[0].Evidence == nil {
			t.Fatalf("%d degrees: %v", degrees, vs)
		}
		shown, err := jpeg.Decode(bytes.NewReader(vs[0].Evidence.Data))
		if err != nil {
			t.Fatal(err)
		}
		r, size := vs[0].Region, shown.Bounds().Size()
		luma := func(x, y float64) uint8 {
			return color.GrayModel.Convert(shown.At(int(x*float64(size.X)), int(y*float64(size.Y)))).(color.Gray).Y
		}
		if y := luma(r.X+r.Width/2, r.Y+r.Height/2); y < 200 || (degrees%180 == 0) != (size.X > size.Y) {
			t.Errorf("%d degrees: the white box is not in %v of the picture of %v; there the luma is %d", degrees, r, size, y)
		}
	}
}

// Ctrl-C in the middle of a file: what is open is cleared, and all is told.
func TestCancel(t *testing.T) {
	long := clip(t, "dark.mkv", "-f lavfi -i color=black:size=320x180:rate=25:duration=200 -c:v mpeg4")
	page := filepath.Join(t.TempDir(), "page.html")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := streamvetWith(ctx, func(text string) {
		if strings.Contains(text, "raised") {
			cancel()
		}
	}, "vet", "--only", "black", "--report", page, long)
	o.want(t, exitDefects, "! raised  black", "- cleared black", "(stopped early)", "found: black 1")
	if b, _ := os.ReadFile(page); !strings.Contains(string(b), "1 defect (stopped early)") {
		t.Error("the report does not say that it was stopped")
	}
	canceled, cancel2 := context.WithCancel(t.Context())
	cancel2()
	o = streamvetWith(canceled, nil, "vet", "--only", "black", "-j", "2", long, good(t), bad(t), bad(t), bad(t))
	o.want(t, exitTrouble, "5 inputs: stopped before opening")
	if strings.Count(o.err, "\n") > 1 || o.out != "" {
		t.Errorf("what was not begun needs one line: %v", o)
	}
}

// The signal itself, in a process of its own.
func TestInterrupt(t *testing.T) {
	long := clip(t, "dark.mkv", "-f lavfi -i color=black:size=320x180:rate=25:duration=200 -c:v mpeg4")
	cmd := exec.Command(os.Args[0], "vet", "--only", "black", long)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var out, errs buffer
	out.onWrite = func(text string) {
		if strings.Contains(text, "raised") {
			cmd.Process.Signal(os.Interrupt)
		}
	}
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Minute
	cmd.Run()
	outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}.want(t, exitDefects, "- cleared black", "(stopped early)")
}

// inject writes the truth, vet holds what it finds against it.
func TestTruth(t *testing.T) {
	dir := t.TempDir()
	spoiled, truth := filepath.Join(dir, "spoiled.mkv"), filepath.Join(dir, "truth.json")
	streamvet(t, "inject", good(t), "-o", spoiled, "--truth", truth,
		"--defect", "black@1-2", "--defect", "silence@2-3.5").want(t, exitClean, "black", "silence", "truth: "+truth)
	o := streamvet(t, "vet", "--only", "black,silence", "--truth", truth, spoiled)
	o.want(t, exitDefects, "Injected, and found:", "2 of 2 injected defects were found")
	o = streamvet(t, "vet", "--only", "black", "--truth", truth, spoiled)
	o.want(t, exitDefects, "missed", "1 of 2 injected defects were found")
	o = streamvet(t, "vet", "--json", "--only", "black,silence", "--truth", truth, spoiled)
	if !strings.Contains(o.err, "2 of 2") || len(verdictsOf(t, o.out)) < 4 {
		t.Errorf("with --json the comparison belongs to stderr: %v", o)
	}
	var entries struct{ Defects []json.RawMessage }
	b, err := os.ReadFile(truth)
	if err != nil || json.Unmarshal(b, &entries) != nil || len(entries.Defects) != 2 {
		t.Errorf("truth: %s (%v)", b, err)
	}
}
