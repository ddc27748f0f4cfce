package inject

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/verdict"
)

// someTruth is 10 s at 25/s and 48 kHz with the pictures 20 ms late.
func someTruth() Truth {
	t := Truth{Version: 1, Source: "in.mp4", Media: "out.ts", Width: 64, Height: 48, FPS: 25, FrameRate: "25", Frames: 250,
		PictureStart: 0.02, SoundStart: 0.02, SampleRate: 48000, Channels: 2, Duration: 10.02, Encoder: "x", Defects: []Entry{}}
	t.addPictures(Entry{Defect: verdict.Black, Kind: "black", Injection: 1}, span{25, 50})
	t.addSound(Entry{Defect: verdict.Silence, Kind: "silence", Injection: 2}, span{96000, 144000}, 480000)
	t.addPictures(Entry{Defect: verdict.Stutter, Kind: "stutter", Injection: 3, Frames: []int64{100, 104}}, span{100, 110})
	return t
}

func TestTruthGoesThroughAFile(t *testing.T) {
	want := someTruth()
	data, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "truth.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := LoadTruth(path)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := got.encode()
	if string(again) != string(data) || *got.Defects[1].StartSample != 96000 || got.Defects[0].Start != 1.02 {
		t.Errorf("%s\nbecame\n%s", data, again)
	}
}

func TestTruthThatDoesNotFitIsRefused(t *testing.T) {
	if err := someTruth().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Truth){
		"version 2 is not known":              func(t *Truth) { t.Version = 2 },
		"duration 0 is not positive":          func(t *Truth) { t.Duration = 0 },
		"duration NaN is not positive":        func(t *Truth) { t.Duration = math.NaN() },
		"a count is negative":                 func(t *Truth) { t.Channels = -1 },
		`frame_rate "0/1" is no rate`:         func(t *Truth) { t.FrameRate = "0/1" },
		"no such defect":                      func(t *Truth) { t.Defects[0].Defect = "blak" },
		"is no stretch of time":               func(t *Truth) { t.Defects[0].End = 1 },
		"after the media's end":               func(t *Truth) { t.Duration = 3 },
		"starts before the one in front":      func(t *Truth) { t.Defects[0], t.Defects[1] = t.Defects[1], t.Defects[0] },
		"a start without an end":              func(t *Truth) { t.Defects[0].EndFrame = nil },
		"it needs start_frame and end_frame":  func(t *Truth) { t.Defects[0].StartFrame, t.Defects[0].EndFrame = nil, nil },
		"not inside the media's 40":           func(t *Truth) { t.Frames = 40 },
		"104 is out of order":                 func(t *Truth) { t.Defects[2].Frames = []int64{105, 104} },
		"110 is out of order or out of range": func(t *Truth) { t.Defects[2].Frames = []int64{110} },
		"samples in media without sound":      func(t *Truth) { t.SampleRate = 0 },
		"seconds and grid disagree":           func(t *Truth) { t.Defects[1].Start += 0.001 },
		"grid disagree: the grid says [1, 2)": func(t *Truth) { t.PictureStart, t.Defects[0].Start = 0, 1.03 },
	} {
		truth := someTruth()
		change(&truth)
		if err := truth.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	for text, want := range map[string]string{
		"":                                 "EOF",
		"{}":                               "version 0",
		`{"version":1,"duration":1,"x":1}`: "unknown field",
		`{"version":1,"duration":1} {}`:    "more after the truth",
		`{"version":1,"duration":1,"defects":[{"defect":"black","start":0,"end":1}]}`: "it needs start_frame",
	} {
		if _, err := ParseTruth([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := LoadTruth("nowhere.json"); err == nil {
		t.Error("a file that is not there is loaded")
	}
}

func FuzzParseTruth(f *testing.F) {
	data, _ := someTruth().encode()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		truth, err := ParseTruth(data)
		if err != nil {
			return
		}
		if _, err := json.Marshal(truth); err != nil {
			t.Fatal(err)
		}
		Match(truth, nil, DefaultTolerance())
	})
}
