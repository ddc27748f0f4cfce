package api

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// folder puts the manifest of a shipped detector into a directory of detectors,
// with changes: old and new text by turns.
func folder(t testing.TB, dir, path, shipped string, changes ...string) {
	t.Helper()
	text := string(read(t, filepath.Join("../../models", shipped, "detector.yaml")))
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("%s has no %q", shipped, changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	if err := os.MkdirAll(filepath.Join(dir, path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, path, "detector.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (h *house) load(path string, shadow bool) (*streamvetv1.Detector, error) {
	r, err := h.detectors().LoadDetector(within(h.t), &streamvetv1.LoadDetectorRequest{Path: path, Shadow: shadow})
	return r.GetDetector(), err
}

// list gives the detectors in a line each.
func (h *house) list() string {
	h.t.Helper()
	r, err := h.detectors().ListDetectors(within(h.t), &streamvetv1.ListDetectorsRequest{})
	if err != nil {
		h.t.Fatal(err)
	}
	var lines []string
	for _, d := range r.GetDetectors() {
		line := d.GetName() + " " + d.GetVersion()
		if d.GetShadow() {
			line += " shadow"
		}
		lines = append(lines, line)
	}
	for _, f := range r.GetRefused() {
		lines = append(lines, "refused "+f.GetPath())
	}
	return strings.Join(lines, ", ")
}

func TestDetectorsComeAndGo(t *testing.T) {
	dir := t.TempDir()
	folder(t, dir, "staging/black", "black", "version: "+version(t, "black"), "version: 9.0.0")
	folder(t, dir, "freeze", "freeze")
	folder(t, dir, "bad", "noise", "raise:", "rise:")
	folder(t, dir, "silly", "black", "name: black", "name: silly", "measure: black", "measure: nothing")
	h := open(t, options{folder: dir})
	step := func(what string, err error, want string) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := h.list(); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	step("at first", nil, "black "+version(t, "black"))
	d, err := h.load("staging/black", true)
	step("a shadow", err, "black "+version(t, "black")+", black 9.0.0 shadow")
	if !d.GetShadow() || d.GetPath() != "staging/black" || d.GetLoaded() == nil || d.GetInput() != streamvetv1.DetectorInput_DETECTOR_INPUT_PICTURE ||
		len(d.GetOutputs()) != 1 || d.GetOutputs()[0].GetRule().GetRaise() != 0.5 || d.GetOutputs()[0].GetRule().MinScores == nil {
		t.Errorf("loaded: %v", d)
	}
	_, err = h.load("freeze", false)
	step("another", err, "black "+version(t, "black")+", black 9.0.0 shadow, freeze "+version(t, "freeze"))
	_, err = h.load("staging/black", false)
	step("in its place", err, "black 9.0.0, freeze "+version(t, "freeze"))
	unload := func(name string, shadow bool) error {
		_, err := h.detectors().UnloadDetector(within(t), &streamvetv1.UnloadDetectorRequest{Name: name, Shadow: shadow})
		return err
	}
	wantError(t, unload("black", true), codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_SHADOW)
	wantError(t, unload("blur", false), codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN)
	step("unload", unload("freeze", false), "black 9.0.0")
	wantError(t, unload("black", false), codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_LAST)
	for path, c := range map[string]struct {
		shadow bool
		code   codes.Code
		reason streamvetv1.ErrorReason
	}{
		"bad":    {false, codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_DETECTOR},
		"silly":  {false, codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_DETECTOR},
		"none":   {false, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN},
		"freeze": {true, codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_SHADOW},
		"../x":   {false, codes.InvalidArgument, 0},
	} {
		_, err := h.load(path, c.shadow)
		wantError(t, err, c.code, c.reason)
	}
	_, err = h.load("bad", false)
	if !strings.Contains(err.Error(), "rise") {
		t.Errorf("its fault is not told: %v", err)
	}
	step("what runs goes on", nil, "black 9.0.0")
}

func version(t testing.TB, name string) string {
	t.Helper()
	return shipped(t, name)[0].Version
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	folder(t, dir, "black", "black", "version: "+version(t, "black"), "version: 2.0.0")
	folder(t, dir, "freeze", "freeze", "raise:", "rise:")
	h := open(t, options{detectors: []string{"black", "freeze", "dark"}, folder: dir, keep: []string{"black", "freeze", "silence"}})
	r, err := h.detectors().ReloadDetectors(within(t), &streamvetv1.ReloadDetectorsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.GetLoaded(), " ") + "|" + strings.Join(r.GetUnloaded(), " "); got != "black silence|dark" {
		t.Errorf("loaded and unloaded: %s", got)
	}
	if len(r.GetRefused()) != 1 || r.GetRefused()[0].GetPath() != "freeze" || !strings.Contains(r.GetRefused()[0].GetReason(), "rise") {
		t.Errorf("refused: %v", r.GetRefused())
	}
	want := "black 2.0.0, freeze " + version(t, "freeze") + ", silence " + version(t, "silence") + ", refused freeze"
	if got := h.list(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if r, err := h.detectors().ReloadDetectors(within(t), &streamvetv1.ReloadDetectorsRequest{}); err != nil || len(r.GetLoaded())+len(r.GetUnloaded()) > 0 {
		t.Errorf("again: %v, %v", r, err)
	}
}

// A source that asked for a detector that was not there fails, and starts when it comes.
func TestASourceWaitsForItsDetector(t *testing.T) {
	dir := t.TempDir()
	folder(t, dir, "freeze", "freeze")
	h := open(t, options{folder: dir})
	h.add(&streamvetv1.SourceConfig{Name: "film", Url: "file://" + blackAfter(t, h.files, "1"), Detection: &streamvetv1.Detection{Include: []string{"freeze"}}})
	if s := h.await("film", failed); !strings.Contains(s.GetStatus().GetReason(), "freeze") {
		t.Errorf("it says %v", s.GetStatus())
	}
	if _, err := h.load("freeze", false); err != nil {
		t.Fatal(err)
	}
	if s := h.await("film", ended); s.GetStatus().GetReason() != "" || s.GetStatus().GetFrames() != 150 {
		t.Errorf("it says %v", s.GetStatus())
	}
}

// A shadow that sees less: what the detector alone finds is told, and the tally adds up.
func TestCompareShadow(t *testing.T) {
	dir := t.TempDir()
	folder(t, dir, "black", "black", "version: "+version(t, "black"), "version: 2.0.0", "min_duration: 400ms", "min_duration: 5s")
	h := open(t, options{folder: dir})
	_, err := h.compare().Recv()
	wantError(t, err, codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_SHADOW)
	if _, err := h.load("black", true); err != nil {
		t.Fatal(err)
	}
	c := h.compare()
	if r, err := c.Recv(); err != nil || r.GetTally().GetScores() != 0 { // it looks on by now
		t.Fatalf("%v, %v", r, err)
	}
	h.add(&streamvetv1.SourceConfig{Name: "film", Url: "file://" + blackAfter(t, h.files, "1")})
	for {
		r, err := c.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if v := r.GetOnlyCurrent(); v != nil {
			if v.GetDetectorVersion() != version(t, "black") || v.GetStart().AsDuration() != time.Second || v.GetSource() != "film" {
				t.Errorf("it alone found %v", v)
			}
			break
		}
		if r.GetTally() == nil {
			t.Errorf("the shadow alone found %v", r)
		}
	}
	h.await("film", ended)
	if _, err := h.detectors().UnloadDetector(within(t), &streamvetv1.UnloadDetectorRequest{Name: "black", Shadow: true}); err != nil {
		t.Fatal(err)
	}
	var last *streamvetv1.ShadowTally
	for {
		r, err := c.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		last = r.GetTally()
	}
	if last.GetCurrentVersion() != version(t, "black") || last.GetShadowVersion() != "2.0.0" || last.GetScores() != 150 || last.GetMaxDifference() != 0 ||
		last.GetSeen().AsDuration() != 6*time.Second || last.GetBoth() != 0 || last.GetOnlyCurrent() != 1 || last.GetOnlyShadow() != 0 {
		t.Errorf("the tally is %v", last)
	}
}

func (h *house) compare() interface {
	Recv() (*streamvetv1.CompareShadowResponse, error)
} {
	h.t.Helper()
	c, err := h.detectors().CompareShadow(within(h.t), &streamvetv1.CompareShadowRequest{Name: "black", TallyEvery: durationpb.New(time.Second)})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}
