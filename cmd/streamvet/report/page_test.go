package report

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// drawn is the page of some recorders, which must be whole.
func drawn(t testing.TB, rs ...*Recorder) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, "v1.2.3", rs); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	checkWhole(t, page)
	return page
}

var (
	ids     = regexp.MustCompile(` id="([^"]+)"`)
	links   = regexp.MustCompile(` href="#([^"]+)"`)
	outside = regexp.MustCompile(`(?i)(src|href)="(https?:)?//|url\(|@import`)
)

// checkWhole holds what is true of every page.
func checkWhole(t testing.TB, page string) {
	t.Helper()
	if !strings.HasPrefix(strings.TrimSpace(page), "<!doctype html>") || !strings.HasSuffix(strings.TrimSpace(page), "</html>") {
		t.Error("the page is not whole")
	}
	known := map[string]bool{}
	for _, m := range ids.FindAllStringSubmatch(page, -1) {
		if known[m[1]] {
			t.Errorf("the id %s is there twice", m[1])
		}
		known[m[1]] = true
	}
	for _, m := range links.FindAllStringSubmatch(page, -1) {
		if !known[m[1]] {
			t.Errorf("a link leads nowhere: #%s", m[1])
		}
	}
	if m := outside.FindString(page); m != "" {
		t.Errorf("the page needs something else: %s", m)
	}
	for _, bad := range []string{"ZgotmplZ", "NaN", "+Inf", "-Inf", "&lt;nil&gt;", "%!"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, tag := range []string{"div", "section", "article", "figure", "svg", "ol", "li", "a", "dl", "details", "p", "span"} {
		opened, closed := len(regexp.MustCompile("<"+tag+"[ >]").FindAllString(page, -1)), strings.Count(page, "</"+tag+">")
		if opened != closed {
			t.Errorf("<%s> is opened %d times and closed %d times", tag, opened, closed)
		}
	}
}

// jpegOf is a small picture.
func jpegOf(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// recorded is a minute of an input with scores of every detector, sound, and
// the given verdicts.
func recorded(t testing.TB, url string, vs ...*streamvetv1.Verdict) *Recorder {
	r := NewRecorder(url, shipped(t))
	for at := time.Duration(0); at < time.Minute; at += 40 * time.Millisecond {
		var scores []verdict.Score
		for _, d := range r.detectors {
			for _, o := range d.Outputs {
				scores = append(scores, verdict.Score{Detector: d.Name, Defect: o.Defect, PTS: at, Duration: 40 * time.Millisecond, Value: 0.1, Reading: -23})
			}
		}
		r.Scores(0, scores)
		loud := float32(math.Abs(math.Sin(at.Seconds())))
		r.Waveform(1, []sound.Peak{{PTS: at, Duration: 40 * time.Millisecond, Min: -loud, Max: loud}})
	}
	for _, v := range vs {
		r.Verdict(v)
	}
	r.End(engine.Summary{
		Progress: engine.Progress{Position: time.Minute, Frames: 1500, Elapsed: 10 * time.Second, Raised: len(vs)},
		Info: media.Info{Container: "matroska,webm", Duration: time.Minute, Tracks: []media.TrackInfo{
			{Index: 0, Kind: media.KindVideo, Codec: "h264", Width: 1920, Height: 1080, FrameRateNum: 25, FrameRateDen: 1},
			{Index: 1, Kind: media.KindAudio, Codec: "aac", SampleRate: 48000, Layout: "stereo"},
		}},
	}, nil)
	return r
}

func TestPageOfACleanInput(t *testing.T) {
	page := drawn(t, recorded(t, "/films/good.mkv"))
	for _, want := range []string{"Nothing found", "good.mkv", "1920x1080", "6.0 times real time", "lines of scores with nothing found"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page, `class="findings"`) {
		t.Error("a list of findings without any")
	}
}

func TestPageShowsVerdicts(t *testing.T) {
	v := record(1, streamvetv1.State_STATE_CLEARED, 10*time.Second, 12500*time.Millisecond)
	v.Evidence = &streamvetv1.Evidence{At: durationpb.New(10 * time.Second), MediaType: "image/jpeg", Data: jpegOf(t, 320, 180)}
	v.Region = &streamvetv1.Region{X: 0.25, Y: 0.5, Width: 0.125, Height: 0.25}
	page := drawn(t, recorded(t, "film.mkv", v, record(2, streamvetv1.State_STATE_CLEARED, 30*time.Second, 31*time.Second)))
	for _, want := range []string{
		"2 defects", "0:10.000", "0:12.500", "2.5 s", "score 0.75", "99 % of the picture", "major", "black 0.1.0",
		`src="data:image/jpeg;base64,/9j/`, "left:25%;top:50%;width:12.5%;height:25%",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
}

// Evidence that is no picture of ours is not put into the page.
func TestPageTakesPicturesOnly(t *testing.T) {
	v := record(1, streamvetv1.State_STATE_CLEARED, 0, time.Second)
	v.Evidence = &streamvetv1.Evidence{MediaType: `text/html,<script>alert(1)</script>`, Data: []byte("x")}
	if page := drawn(t, recorded(t, "film.mkv", v)); strings.Contains(page, "alert(1)") || strings.Contains(page, "text/html") {
		t.Error("evidence of another type is in the page")
	}
}

func TestPageOfWhatFailed(t *testing.T) {
	failed := NewRecorder("/films/gone.mp4", shipped(t))
	failed.End(engine.Summary{}, errors.New("open /films/gone.mp4: file does not exist: check the name"))
	half := recorded(t, "http://example.org/live.ts", record(1, streamvetv1.State_STATE_CLEARED, 0, time.Second))
	half.End(half.summary, errors.New("nothing came for too long"))
	page := drawn(t, failed, half, recorded(t, "good.mkv"))
	for _, want := range []string{
		"Could not be vetted", "check the name", "1 found before that", "nothing came for too long", "Nothing found",
		`aria-label="Inputs"`, "gone.mp4, live.ts, good.mkv",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestPageOfThousandsOfVerdicts(t *testing.T) {
	var vs []*streamvetv1.Verdict
	for i := range 1500 {
		at := time.Duration(i) * 40 * time.Millisecond
		vs = append(vs, record(i, streamvetv1.State_STATE_RAISED, at, at+20*time.Millisecond))
	}
	page := drawn(t, recorded(t, "film.mkv", vs...))
	if !strings.Contains(page, "1500 defects") || !strings.Contains(page, "500 more are not shown") {
		t.Error("those that are not shown are not counted")
	}
	if len(page) > 4<<20 {
		t.Errorf("%d bytes", len(page))
	}
}

// Hostile names, addresses and tags of a file are text in the page.
func TestPageEscapes(t *testing.T) {
	const attack = `"><script>alert(1)</script><img src=x onerror=alert(2)>'` + "\x00\x1b[2J\u202e"
	v := record(1, streamvetv1.State_STATE_CLEARED, time.Second, 2*time.Second)
	v.Id, v.Unit, v.DetectorVersion = attack, attack, attack
	r := recorded(t, "https://example.org/"+attack, v)
	r.summary.Info.Container = attack
	r.summary.Info.Tracks[0].Codec, r.summary.Info.Tracks[1].Language = attack, attack
	failed := NewRecorder("javascript:alert(3)//"+attack, nil)
	failed.End(engine.Summary{}, errors.New(attack))
	page := drawn(t, r, failed)
	if n := strings.Count(page, "<script>"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	for _, bad := range []string{"<img src=x", "onerror=alert(2)>'", `href="javascript:`, "\x00", "\x1b"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q is in the page", bad)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error("the name is not in the page at all")
	}
}

// An input of nothing has no axis to divide by.
func TestPageOfOddInputs(t *testing.T) {
	empty := NewRecorder("", nil)
	empty.End(engine.Summary{}, nil)
	odd := NewRecorder("odd", nil)
	odd.Scores(3, []verdict.Score{{Detector: "x", Defect: "y", Value: math.NaN(), Reading: math.Inf(-1)}, {Detector: "x", Defect: verdict.Loudness, Reading: math.Inf(-1)}})
	odd.Waveform(3, []sound.Peak{{Min: float32(math.NaN()), Max: float32(math.Inf(1))}})
	odd.Verdict(&streamvetv1.Verdict{Id: "bare"})
	odd.End(engine.Summary{Progress: engine.Progress{Position: time.Hour * 100000}, Stopped: true}, nil)
	if page := drawn(t, empty, odd); !strings.Contains(page, "(stopped early)") {
		t.Error("it does not say that it was stopped")
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		length      time.Duration
		first, last string
	}{
		{time.Second, "0:00", "0:00.8"},
		{4 * time.Second, "0:00", "0:03.5"},
		{time.Minute, "0:00", "0:50"},
		{90 * time.Minute, "0:00", "1:15:00"},
		{10 * time.Hour, "0:00", "8:00:00"},
		{1000 * time.Hour, "0:00", ""},
	} {
		ts := scale{0, c.length}.ticks()
		if len(ts) < 3 || len(ts) > 12 || ts[0].Label != c.first || c.last != "" && ts[len(ts)-1].Label != c.last {
			t.Errorf("%v: %v", c.length, ts)
		}
		for _, k := range ts {
			if k.At < 0 || k.At > 97 {
				t.Errorf("%v: a label at %v %%", c.length, k.At)
			}
		}
	}
}

// failing is a writer that takes nothing.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteTellsWhatFails(t *testing.T) {
	if err := Write(failing{}, "", []*Recorder{recorded(t, "x")}); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
}
