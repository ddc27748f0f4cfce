package inject

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/verdict"
)

// someTruth is 10 s at 25/s and 48 kHz with the pictures 20 ms late.
func someTruth() Truth {
	t := Truth{Version: TruthVersion, Source: "in.mp4", Media: "out.ts", Width: 64, Height: 48, FPS: 25, FrameRate: "25", Frames: 250,
		PictureStart: 0.02, SoundStart: 0.02, SampleRate: 48000, Channels: 2, Duration: 10.02, Encoder: "x", Defects: []Entry{}}
	t.addPictures(Entry{Defect: verdict.Black, Kind: "black", Injection: 1}, span{25, 50})
	t.addSound(Entry{Defect: verdict.Silence, Kind: "silence", Injection: 2}, span{96000, 144000}, 480000)
	t.addPictures(Entry{Defect: verdict.Stutter, Kind: "stutter", Injection: 3, Frames: []int64{100, 104}}, span{100, 110})
	t.Damage = &Damage{Block: 16, Columns: 4, Rows: 3, Rule: DamageRule, Frames: []DamagedFrame{
		{Frame: 20, Hidden: Blocks{{0, 12}}}, {Frame: 30, Visible: true, Seen: Blocks{{2, 3}, {9, 1}}, Hidden: Blocks{{5, 1}}}, {Frame: 31, Stale: true}}}
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
		"version 3 is not known":              func(t *Truth) { t.Version = 3 },
		"do not make 64x48 pictures":          func(t *Truth) { t.Damage.Rows = 4 },
		"damaged frame 250 is out of order":   func(t *Truth) { t.Damage.Frames[1].Frame = 250 },
		"damaged frame 30 is out of order":    func(t *Truth) { t.Damage.Frames[0].Frame = 30 },
		"damaged frame 30: macroblock 12":     func(t *Truth) { t.Damage.Frames[1].Seen = Blocks{{10, 3}} },
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

func TestDamagedFramesAreText(t *testing.T) {
	truth := someTruth()
	data, err := truth.encode()
	if err != nil || !strings.Contains(string(data), `"30 visible seen 2+3,9+1 hidden 5+1"`) {
		t.Errorf("%v: %s", err, data)
	}
	again, err := ParseTruth(data)
	if err != nil || !reflect.DeepEqual(again.Damage, truth.Damage) {
		t.Errorf("%+v became %+v, %v", truth.Damage, again.Damage, err)
	}
	if n := again.Damage.Frames[1].Seen.Count(); n != 4 {
		t.Errorf("%d macroblocks are seen, want 4", n)
	}
	for text, want := range map[string]string{
		"":                            "want FRAME",
		"3":                           "want FRAME",
		"x visible":                   "no picture number",
		"-1 visible":                  "no picture number",
		"3 broken":                    "none of visible, hidden, stale",
		"3 visible seen":              "want FRAME",
		"3 visible seen 2":            "no run",
		"3 visible seen 2+0":          "no run",
		"3 visible seen 2+3,4+1":      "out of order",
		"3 visible seen 2+3,1+1":      "out of order",
		"3 visible sean 2+3":          "none of seen, hidden",
		"3 visible seen 2+1 seen 9+1": "comes twice",
	} {
		var f DamagedFrame
		if err := f.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestTheFirstVersionIsReadToo(t *testing.T) {
	old := someTruth()
	old.Version, old.Damage = 1, nil
	data, _ := old.encode()
	if _, err := ParseTruth(data); err != nil {
		t.Error(err)
	}
}

func TestATruthOfAnotherFileIsRefusedWithWhatDiffers(t *testing.T) {
	truth := someTruth()
	truth.MediaBytes = 1000
	fits := Facts{Width: 64, Height: 48, Rate: Rate{25, 1}, SampleRate: 48000, Channels: 2, Duration: 10.1, Bytes: 1000}
	if err := truth.Fit(fits); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Facts){
		"pictures are 64x64, not 64x48":      func(f *Facts) { f.Height = 64 },
		"30 pictures a second, not 25":       func(f *Facts) { f.Rate = Rate{30, 1} },
		"has 250 pictures, the file has non": func(f *Facts) { f.Width, f.Height = 0, 0 },
		"the file has none":                  func(f *Facts) { f.SampleRate = 0 },
		"44100 Hz x 2, not 48000 Hz x 2":     func(f *Facts) { f.SampleRate = 44100 },
		"48000 Hz x 1, not":                  func(f *Facts) { f.Channels = 1 },
		"lasts 12.00 s, not 10.02 s":         func(f *Facts) { f.Duration = 12 },
		"1001 bytes, not 1000":               func(f *Facts) { f.Bytes = 1001 },
	} {
		facts := fits
		change(&facts)
		if err := truth.Fit(facts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if err := truth.Fit(Facts{Width: 1, Height: 1, SampleRate: 1}); err == nil || strings.Count(err.Error(), ";") != 1 {
		t.Errorf("not all is said: %v", err)
	}
	silent := truth
	silent.SampleRate, silent.Defects = 0, nil
	if err := silent.Fit(fits); err == nil || !strings.Contains(err.Error(), "has no sound") {
		t.Errorf("error %v", err)
	}
}

func FuzzDamagedFrame(f *testing.F) {
	f.Add("30 visible seen 2+3,9+1 hidden 5+1")
	f.Add("7 stale")
	f.Fuzz(func(t *testing.T, text string) {
		var frame, again DamagedFrame
		if frame.UnmarshalText([]byte(text)) != nil {
			return
		}
		out, err := frame.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalText(out); err != nil || !reflect.DeepEqual(frame, again) {
			t.Fatalf("%q became %q, %v", text, out, err)
		}
	})
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
