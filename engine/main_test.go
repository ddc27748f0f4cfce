package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(tests(m)) }

// environment is what make setup provides; tests fail without it, and say so.
func environment(t testing.TB, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set: run the tests with make test", name)
	}
	return v
}

// clip makes media with the private ffmpeg and gives its path.
func clip(t testing.TB, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.Command(environment(t, "STREAMVET_FFMPEG"), append(append([]string{"-v", "error", "-y"}, args...), path)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return path
}

// spoiled is 6 s of moving picture and sound: black from 2 to 3 s, silent from 1 to 4 s.
func spoiled(t testing.TB) string {
	return clip(t, "spoiled.mkv",
		"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6",
		"-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:duration=6",
		"-vf", "drawbox=color=black:t=fill:enable='gte(t,2)*lt(t,3)'",
		"-af", "volume=0:enable='gte(t,1)*lt(t,4)'",
		"-c:v", "mpeg4", "-q:v", "3", "-c:a", "flac", "-ac", "2")
}

// notebook is a sink that writes everything down.
type notebook struct {
	mu       sync.Mutex
	busy     bool
	overlaps int // calls at the same time: there must be none
	verdicts []*streamvetv1.Verdict
	scores   int
	peaks    int
	last     map[string]verdict.Score
}

func (n *notebook) enter() func() {
	n.mu.Lock()
	if n.busy {
		n.overlaps++
	}
	n.busy = true
	n.mu.Unlock()
	return func() {
		n.mu.Lock()
		n.busy = false
		n.mu.Unlock()
	}
}

func (n *notebook) Verdict(v *streamvetv1.Verdict) {
	defer n.enter()()
	n.verdicts = append(n.verdicts, v)
}

func (n *notebook) Scores(_ int, s []verdict.Score) {
	defer n.enter()()
	n.scores += len(s)
	if n.last == nil {
		n.last = map[string]verdict.Score{}
	}
	for _, x := range s {
		n.last[x.Detector] = x
	}
}

func (n *notebook) Waveform(_ int, p []sound.Peak) {
	defer n.enter()()
	n.peaks += len(p)
}

// of gives the verdicts of a defect in a state.
func (n *notebook) of(d verdict.Defect, s streamvetv1.State) []*streamvetv1.Verdict {
	var vs []*streamvetv1.Verdict
	for _, v := range n.verdicts {
		if v.Defect == string(d) && v.State == s {
			vs = append(vs, v)
		}
	}
	return vs
}

// shipped gives the shipped detectors of these names.
func shipped(t testing.TB, names ...string) []models.Detector {
	t.Helper()
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	ds, err := set.Choose(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// openAll opens an engine with every shipped detector.
func openAll(t testing.TB) *Engine {
	t.Helper()
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	return openWith(t, set.Detectors())
}

// openWith opens an engine on the CPU.
func openWith(t testing.TB, ds []models.Detector) *Engine {
	t.Helper()
	return openDevice(t, "cpu", ds)
}

func openDevice(t testing.TB, device string, ds []models.Detector) *Engine {
	t.Helper()
	e, err := Open(Config{Detectors: ds, Device: device, ORTLibrary: environment(t, "STREAMVET_ORT_LIB"), DecoderThreads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close engine: %v", err)
		}
	})
	return e
}
