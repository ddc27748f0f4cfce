package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	_ "image/jpeg" // of evidence
	"io"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// page is what the template draws.
type page struct {
	Title, Version, Made string
	Style                template.CSS
	Script               template.JS
	Inputs               []input
}

type input struct {
	ID, Name     string
	Trouble      string // why it could not be vetted
	Status       string // what was found, in a word or two
	Defects      int
	Unshown      int
	Stopped      bool
	Facts        []fact
	Ticks        []tick
	Lanes        []lane // the overview: one row a defect that was found
	Verdicts     []finding
	Waves        []wave
	Lines, Quiet []line
}

type fact struct{ Name, Value string }

type lane struct {
	Defect string
	Bars   []bar
}

// bar is one verdict on a time axis.
type bar struct {
	Link, Severity, Label string
	Left, Width           float64 // percent
}

type finding struct {
	ID, Defect, Severity, Start, End, Length, Reading, Detector string
	Track                                                       int
	Score                                                       string
	Picture                                                     template.URL
	Tall                                                        bool // the picture is higher than wide
	Region                                                      *box
	Sound                                                       *snippet // where there is no picture
}

// snippet is the sound around a verdict.
type snippet struct {
	Path        template.HTMLAttr
	Left, Width float64 // of the verdict, percent
}

// box is a region in percent of the picture.
type box struct{ Left, Top, Width, Height float64 }

type wave struct {
	Title    string
	Path     template.HTMLAttr
	Loudness template.HTMLAttr // "" without readings
}

type line struct {
	Title, Summary, Peak string
	Path                 template.HTMLAttr
	Raise, Clear         float64 // as y of the chart
	RaiseAt, ClearAt     string
	Bars                 []bar
}

// Style is the style of the page, for pages that look like it.
func Style() string { return pageStyle }

// Write draws the page. All recorders must have ended.
func Write(w io.Writer, version string, recorders []*Recorder) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	p := page{Version: version, Made: time.Now().Format("2006-01-02 15:04 MST"), Style: template.CSS(pageStyle), Script: template.JS(pageScript)}
	var names []string
	for i, r := range recorders {
		in := r.input(i)
		names = append(names, in.Name)
		p.Inputs = append(p.Inputs, in)
	}
	p.Title = strings.Join(names, ", ")
	return t.Execute(w, p)
}

func (r *Recorder) input(i int) input {
	s := scale{0, r.length()}
	in := input{
		ID: fmt.Sprintf("input%d", i+1), Name: Legible(path.Base(r.url)),
		Defects: len(r.verdicts) + r.unshown, Unshown: r.unshown, Stopped: r.summary.Stopped,
		Ticks: s.ticks(), Facts: r.facts(),
	}
	switch in.Defects {
	case 0:
		in.Status = "Nothing found"
	case 1:
		in.Status = "1 defect"
	default:
		in.Status = fmt.Sprintf("%d defects", in.Defects)
	}
	if r.err != nil {
		in.Trouble = Legible(r.err.Error())
	}
	bars := map[lineKey][]bar{}
	byDefect := map[string][]bar{}
	for n, v := range r.inOrder() {
		f := r.finding(fmt.Sprintf("%s-v%d", in.ID, n+1), v)
		in.Verdicts = append(in.Verdicts, f)
		start, end := v.Start.AsDuration(), v.End.AsDuration()
		b := bar{Link: f.ID, Severity: f.Severity, Label: f.Defect + " " + f.Start, Left: s.percent(start), Width: max(s.percent(end)-s.percent(start), 0.2)}
		k := lineKey{int(v.Track), v.Detector, verdict.Defect(v.Defect)}
		bars[k] = append(bars[k], b)
		byDefect[v.Defect] = append(byDefect[v.Defect], b)
	}
	for _, d := range verdict.Defects() {
		if bs := byDefect[string(d)]; bs != nil {
			in.Lanes = append(in.Lanes, lane{string(d), bs})
		}
	}
	in.Waves = r.wavesOf(s)
	for _, k := range r.sortedLines() {
		l := r.line(s, k, bars[k])
		if len(l.Bars) > 0 {
			in.Lines = append(in.Lines, l)
		} else {
			in.Quiet = append(in.Quiet, l)
		}
	}
	return in
}

func (r *Recorder) finding(id string, v *streamvetv1.Verdict) finding {
	start, end := v.Start.AsDuration(), v.End.AsDuration()
	f := finding{
		ID: id, Defect: v.Defect, Severity: strings.ToLower(strings.TrimPrefix(v.Severity.String(), "SEVERITY_")),
		Start: Clock(start), End: Clock(end), Length: fmt.Sprintf("%.3g s", (end - start).Seconds()),
		Detector: Legible(v.Detector + " " + v.DetectorVersion), Track: int(v.Track), Score: fmt.Sprintf("%.2f", v.Score),
	}
	if v.Unit != "" && !math.IsNaN(v.Reading) && !math.IsInf(v.Reading, 0) {
		f.Reading = Reading(v.Reading, v.Unit)
	}
	if e := v.Evidence; e != nil && (e.MediaType == "image/jpeg" || e.MediaType == "image/png") {
		f.Picture = template.URL("data:" + e.MediaType + ";base64," + base64.StdEncoding.EncodeToString(e.Data))
		if c, _, err := image.DecodeConfig(bytes.NewReader(e.Data)); err == nil {
			f.Tall = c.Height > c.Width
		}
		if g := v.Region; g != nil {
			f.Region = &box{100 * g.X, 100 * g.Y, 100 * g.Width, 100 * g.Height}
		}
	} else {
		f.Sound = r.snippet(int(v.Track), start, end)
	}
	return f
}

// snippet draws the sound around [start, end) of a track; nil where the page
// keeps none, or too coarse a picture of it.
func (r *Recorder) snippet(track int, start, end time.Duration) *snippet {
	wave := r.waves[track]
	if wave == nil {
		return nil
	}
	around := max((end-start)/4, 250*time.Millisecond)
	s := scale{max(start-around, 0), end - start + 2*around}
	if s.length < 20*wave.width {
		return nil
	}
	return &snippet{s.wave(wave), s.percent(start), max(s.percent(end)-s.percent(start), 0.5)}
}

func (r *Recorder) wavesOf(s scale) []wave {
	var tracks []int
	for t := range r.waves {
		tracks = append(tracks, t)
	}
	slices.Sort(tracks)
	var ws []wave
	for _, t := range tracks {
		w := wave{Title: fmt.Sprintf("Sound of track %d", t), Path: s.wave(r.waves[t])}
		if l := r.loudness[t]; l != nil {
			w.Loudness = s.steps(l, -50, 0)
		}
		ws = append(ws, w)
	}
	return ws
}

func (r *Recorder) line(s scale, k lineKey, bars []bar) line {
	l := line{
		Title: string(k.defect), Path: s.steps(r.lines[k], 0, 1), Peak: fmt.Sprintf("%.2f", r.lines[k].peak()), Bars: bars,
	}
	if string(k.defect) != k.detector {
		l.Title += " by " + k.detector
	}
	l.Title += fmt.Sprintf(", track %d", k.track)
	for _, d := range r.detectors {
		if d.Name != k.detector {
			continue
		}
		l.Summary = d.Summary
		for _, o := range d.Outputs {
			if o.Defect == k.defect {
				l.Raise, l.Clear = 100-100*o.Rule.Raise, 100-100*o.Rule.Clear
				l.RaiseAt, l.ClearAt = fmt.Sprintf("%.2f", o.Rule.Raise), fmt.Sprintf("%.2f", o.Rule.Clear)
			}
		}
	}
	return l
}
