package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// verdictsOf reads lines of JSON as strictly as protojson does: an unknown
// field is an error.
func verdictsOf(t testing.TB, out string) []*streamvetv1.Verdict {
	t.Helper()
	var vs []*streamvetv1.Verdict
	for line := range strings.Lines(out) {
		v := &streamvetv1.Verdict{}
		if err := protojson.Unmarshal([]byte(line), v); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		vs = append(vs, v)
	}
	return vs
}

func TestJSON(t *testing.T) {
	o := streamvet(t, "vet", "--json", bad(t))
	o.want(t, exitDefects)
	if !strings.Contains(o.err, "defects in 0:04.000") {
		t.Errorf("the summary belongs to stderr: %s", o.err)
	}
	open := map[string]*streamvetv1.Verdict{}
	for i, v := range verdictsOf(t, o.out) {
		before, known := open[v.Id]
		switch {
		case v.Id == "" || v.Source != bad(t) || v.Defect == "" || v.Detector == "" || v.DetectorVersion == "" || v.Unit == "",
			v.Severity == streamvetv1.Severity_SEVERITY_UNSPECIFIED, v.Start == nil || v.End == nil || v.Peak == nil || v.Time == nil,
			v.Score <= 0 || v.Score > 1:
			t.Errorf("line %d lacks a field: %v", i, v)
		case v.State == streamvetv1.State_STATE_RAISED && known, v.State == streamvetv1.State_STATE_UPDATED && !known,
			v.State == streamvetv1.State_STATE_CLEARED && !known, v.State == streamvetv1.State_STATE_UNSPECIFIED:
			t.Errorf("line %d: %v after %v", i, v, before)
		case v.End.AsDuration() < v.Start.AsDuration():
			t.Errorf("line %d ends before it starts: %v", i, v)
		}
		open[v.Id] = v
	}
	for id, v := range open {
		if v.State != streamvetv1.State_STATE_CLEARED {
			t.Errorf("%s was never cleared", id)
		}
	}
	// The words on the wire, as anybody's program reads them.
	var raised map[string]any
	for line := range strings.Lines(o.out) {
		if strings.Contains(line, `"defect":"black"`) && strings.Contains(line, "STATE_RAISED") {
			if err := json.Unmarshal([]byte(line), &raised); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, k := range []string{"id", "source", "defect", "state", "severity", "start", "end", "score", "peak", "reading", "unit", "detector", "detectorVersion", "evidence", "time"} {
		if raised[k] == nil {
			t.Errorf("no %q in %v", k, raised)
		}
	}
	if raised["start"] != "1s" {
		t.Errorf("black starts at %v", raised["start"])
	}
}

// scoreLine is a line of --scores.
type scoreLine struct {
	Source, Detector, Defect        string
	Track                           int
	Start, Duration, Score, Reading *float64
}

func TestScores(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scores.jsonl")
	streamvet(t, "vet", "--quiet", "--scores", path, bad(t)).want(t, exitDefects)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]int{}
	last := map[string]float64{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var s scoreLine
		d := json.NewDecoder(strings.NewReader(lines.Text()))
		d.DisallowUnknownFields()
		if err := d.Decode(&s); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		if s.Source != bad(t) || s.Start == nil || s.Duration == nil || s.Score == nil || s.Reading == nil || *s.Score < 0 || *s.Score > 1 || *s.Start < 0 {
			t.Fatalf("line %s", lines.Text())
		}
		k := fmt.Sprintf("%d/%s/%s", s.Track, s.Detector, s.Defect)
		if *s.Start < last[k] {
			t.Errorf("%s goes back to %v", k, *s.Start)
		}
		last[k] = *s.Start
		seen[s.Detector]++
	}
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range set.Detectors() {
		if want := d.Input != "clock"; (seen[d.Name] > 0) != want { // a file has no pace
			t.Errorf("%d scores of %s", seen[d.Name], d.Name)
		}
	}
	if n := seen["black"]; n != 100 {
		t.Errorf("%d scores of black for 100 pictures", n)
	}
}

func TestReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	streamvet(t, "vet", "-q", "--report", path, bad(t), filepath.Join(t.TempDir(), "absent.mp4")).want(t, exitTrouble)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<!doctype html>", "bad.mkv", ">black<", ">silence<", "data:image/jpeg;base64,", "Could not be vetted", "absent.mp4", "</html>"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in the page of %d bytes", want, len(b))
		}
	}
	streamvet(t, "vet", "-q", "--only", "black", "--report", path, good(t)).want(t, exitClean)
	if b, _ = os.ReadFile(path); !strings.Contains(string(b), "Nothing found") || strings.Contains(string(b), "bad.mkv") || !strings.HasSuffix(string(b), "</html>\n") {
		t.Errorf("a report that is written again is the new one alone; %d bytes", len(b))
	}
}

// broken is a writer that takes n bytes and then fails.
type broken struct{ left int }

var errBroken = errors.New("the printer is on fire")

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

// What cannot be written is told, and the exit code says so.
func TestOutputThatFails(t *testing.T) {
	for _, args := range [][]string{
		{"vet", "--only", "black", bad(t)},
		{"vet", "--only", "black", "--json", bad(t)},
		{"vet", "--only", "black", good(t)}, // nothing but the summary
		{"detectors"}, {"detectors", "black"}, {"version"}, {"--help"}, {"vet", "--help"}, {"inject", "--list"},
	} {
		var errs buffer
		code := run(t.Context(), args, &broken{20}, &errs)
		if code != exitTrouble || !strings.Contains(errs.String(), errBroken.Error()) {
			t.Errorf("%v: exit %d, says %q", args, code, errs.String())
		}
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	for _, flag := range []string{"--scores", "--report"} {
		streamvet(t, "vet", "--only", "black", flag, "/dev/full", bad(t)).want(t, exitTrouble, "write /dev/full", "no space left on device", "bad.mkv: 1 defect")
	}
	t.Setenv("STREAMVET_ORT_LIB", "/nowhere/libonnxruntime.so")
	streamvet(t, "vet", "--models", networkDir(t), "--report", "/dev/full", good(t)).want(t, exitTrouble)
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Errorf("the device was taken away: %v", err)
	}
}

// Names are bytes, and may be hostile; what is printed is text.
func TestNames(t *testing.T) {
	same := func(b []byte) []byte { return b }
	latin1 := changed(t, bad(t), "caf\xe9.mkv", same)
	o := streamvet(t, "vet", "-q", "--json", "--only", "black", "--scores", filepath.Join(t.TempDir(), "s"), latin1)
	o.want(t, exitDefects)
	if vs := verdictsOf(t, o.out); len(vs) < 2 || !strings.HasSuffix(vs[0].Source, "caf\uFFFD.mkv") {
		t.Errorf("%v", o)
	}
	escape := changed(t, bad(t), "x\x1b]0;owned\x07\x1b[2Jy.mkv", same)
	for _, args := range [][]string{{escape}, {escape, good(t)}, {escape + ".none"}} {
		o := streamvet(t, append([]string{"vet", "--only", "black"}, args...)...)
		if s := o.String(); strings.ContainsAny(s, "\x1b\x07") || !strings.Contains(s, "owned") {
			t.Errorf("what a terminal obeys is printed: %q", s)
		}
	}
}

func TestPasswordsAreNotTold(t *testing.T) {
	s := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(bad(t)))))
	defer s.Close()
	address := strings.Replace(s.URL, "http://", "http://someone:hush@", 1)
	page, scores := filepath.Join(t.TempDir(), "page.html"), filepath.Join(t.TempDir(), "scores")
	for _, args := range [][]string{
		{"--json", "--scores", scores, "--report", page, address + "/bad.mkv"},
		{address + "/bad.mkv", address + "/none.mkv"},
		{"-v", address + "/none.mkv"},
	} {
		o := streamvet(t, append([]string{"vet", "--only", "black"}, args...)...)
		all := []string{o.String()}
		for _, f := range []string{page, scores} {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(b))
		}
		if i := slices.IndexFunc(all, func(s string) bool { return strings.Contains(s, "hush") }); i >= 0 {
			t.Errorf("%v: the password is told in %d:\n%s", args, i, o)
		}
		if !strings.Contains(all[0], "someone") {
			t.Errorf("the address without its password is told: %v", o)
		}
	}
}

// That there is no GPU is told in a few words; the remedy is for who asks.
func TestWhyThereIsNoGPU(t *testing.T) {
	const driver = "device: there is no NVIDIA driver here (libcuda.so.1: not found). Remedy: install it"
	for _, c := range []struct {
		fallback string
		verbose  bool
		want     string
	}{
		{driver, false, "there is no NVIDIA driver here (-v tells more)"},
		{driver, true, "there is no NVIDIA driver here (libcuda.so.1: not found). Remedy: install it"},
		{"open engine: it is busy", false, "open engine: it is busy"},
	} {
		p := &printer{fallback: c.fallback, options: vetOptions{verbose: c.verbose}}
		if got := p.whyNoGPU(); got != c.want {
			t.Errorf("%q: %q, want %q", c.fallback, got, c.want)
		}
	}
}
