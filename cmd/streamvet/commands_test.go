package main

import (
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
)

func TestHelpTeaches(t *testing.T) {
	for _, c := range []struct {
		args string
		says []string
	}{
		{"--help", []string{"Usage: streamvet COMMAND", "vet", "inject", "detectors", "version", "streamvet vet film.mp4"}},
		{"help", []string{"Usage: streamvet COMMAND"}},
		{"vet --help", []string{"Examples:", "streamvet vet film.mp4", "Exit code: 0", "--json", "--scores", "--report", "--truth", "--only", "--models", "--timeout"}},
		{"help vet", []string{"Usage: streamvet vet"}},
		{"vet -h", []string{"Usage: streamvet vet"}},
		{"inject --help", []string{"Examples:", "--defect black@3-4", "--truth", "--seed", "--set", "Exit code: 0"}},
		{"eval --help", []string{"Usage: streamvet eval", "Examples:", "streamvet inject --set", "Mann-Whitney", "Exit code: 0", "--json", "--report", "--cache"}},
		{"detectors --help", []string{"Usage: streamvet detectors", "Examples:", "streamvet detectors black", "detectors verify", "--models"}},
		{"detectors verify --help", []string{"Usage: streamvet detectors verify", "Examples:", "models/README.md", "--json", "Exit code: 0"}},
		{"version --help", []string{"Usage: streamvet version"}},
	} {
		o := streamvet(t, strings.Fields(c.args)...)
		o.want(t, exitClean, c.says...)
		if o.err != "" {
			t.Errorf("%s: stderr has %q", c.args, o.err)
		}
		for line := range strings.Lines(o.out) {
			if len(strings.TrimRight(line, "\n")) > helpWidth {
				t.Errorf("%s: a line of %d characters: %s", c.args, len(line), line)
			}
		}
	}
}

func TestDetectorsAreListed(t *testing.T) {
	o := streamvet(t, "detectors")
	o.want(t, exitClean, "DETECTOR", "VERSION", "INPUT", "RAISED FROM")
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(o.out) {
		rows[strings.Fields(line)[0]] = line
	}
	for _, d := range set.Detectors() {
		row := rows[d.Name]
		for _, want := range []string{d.Version, d.Input, d.Summary} {
			if !strings.Contains(row, want) {
				t.Errorf("%s: no %q in %q", d.Name, want, row)
			}
		}
		full := streamvet(t, "detectors", d.Name)
		full.want(t, exitClean, d.Name+" "+d.Version, "raised from", "from  ")
		if d.Network != nil {
			full.want(t, exitClean, d.Network.SHA256, "batches")
		}
	}
}

// Whatever the README promises to find has a detector in the program.
func TestEveryDefectHasADetector(t *testing.T) {
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	has := map[verdict.Defect]bool{}
	for _, d := range set.Detectors() {
		for _, o := range d.Outputs {
			has[o.Defect] = true
		}
	}
	const shipped = `black freeze stutter dark overexposed solid_color color_bars letterbox_change combing flash blockiness compression upscaling blur noise banding block_corruption
		silence clipping loudness true_peak phase dead_channel dc_offset hum click dropout audio_stutter
		decode_error timestamp_jump format_change missing_track av_desync`
	for _, d := range strings.Fields(shipped) {
		if !has[verdict.Defect(d)] {
			t.Errorf("nothing finds %s", d)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		streamvet(t, arg).want(t, exitClean, "streamvet", "go1.", "libavcodec", "libavformat", "onnxruntime", "1.29.0", "device", "github.com/asticode/go-astiav", "v0.39.0")
	}
	t.Setenv("STREAMVET_ORT_LIB", "/nowhere/libonnxruntime.so")
	streamvet(t, "version").want(t, exitTrouble, "not usable", "/nowhere/libonnxruntime.so", "libavcodec")
}
