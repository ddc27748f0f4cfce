// Package evalpage draws what an evaluation came to as a page of HTML that needs
// nothing else: no network, no other file.
package evalpage

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine/eval"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

// Page is what is drawn.
type Page struct {
	Report   eval.Report
	Version  string
	Inputs   []string
	Troubles []string // items that could not be measured
	// Examples is how many of the worst misses and false alarms of each defect are shown.
	Examples int
	// Look takes a picture of an example; nil: the page has none. One that cannot be
	// taken is left out.
	Look func(eval.Example) (Look, error)
}

// Look is the picture of an example, or the lowest and highest samples of the
// sound around it.
type Look struct {
	JPEG                  []byte
	Wave                  [][2]float32
	WaveStart, WaveLength float64 // seconds
}

// view is the page as the template wants it.
type view struct {
	Title, Version, Made string
	Style                template.CSS
	Page                 Page
	Rows                 []row
	Notes                []string
	Sections             []section
	Columns              []string // of the matrix
	Matrix               []matrixRow
}

// Write draws the page.
func (p Page) Write(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{"number": number, "short": short, "lag": lag, "rate": rate, "hours": hours}).Parse(pageText)
	if err != nil {
		return err
	}
	v := view{Title: "Evaluation", Version: p.Version, Made: time.Now().Format("2006-01-02 15:04 MST"), Style: template.CSS(report.Style() + pageStyle), Page: p}
	for n, d := range p.Report.Defects {
		for _, note := range d.Notes {
			v.Notes = append(v.Notes, fmt.Sprintf("%s: %s", d.Output.Defect, note))
		}
		if d.Output.Detector == "" || d.All.Items == 0 && d.FalseAlarms.Alarms == 0 {
			continue
		}
		s := p.section(fmt.Sprintf("d%d", n), d)
		v.Sections = append(v.Sections, s)
		if d.All.Items > 0 {
			v.Rows = append(v.Rows, row{ID: s.ID, Name: s.Name, Slice: d.All, FalseAlarms: d.FalseAlarms})
		}
	}
	v.Columns, v.Matrix = matrix(p.Report.Cross)
	return t.Execute(w, v)
}

// row is a line of a table.
type row struct {
	ID, Name    string
	Slice       eval.Slice
	FalseAlarms eval.AlarmRate
}

// section is one defect in full.
type section struct {
	ID, Name string
	Defect   eval.DefectReport
	Levels   []row
	Sources  []row
	ROC, PR  *plot
	Columns  *columns
	Misses   []example
	Alarms   []example
}

func (p Page) section(id string, d eval.DefectReport) section {
	s := section{ID: id, Name: string(d.Output.Defect), Defect: d}
	if d.Output.Detector != s.Name {
		s.Name += " by " + d.Output.Detector
	}
	if len(d.Levels) > 1 {
		for _, l := range d.Levels {
			s.Levels = append(s.Levels, row{Name: levelName(l), Slice: l})
		}
	}
	if len(d.Collections) > 1 {
		for _, c := range d.Collections {
			s.Sources = append(s.Sources, row{Name: report.Legible(c.Collection), Slice: c})
		}
	}
	if d.Curve != nil {
		s.ROC, s.PR = rocPlot(d), prPlot(d)
	}
	s.Columns = columnsOf(d)
	s.Misses, s.Alarms = p.examples(d.WorstMisses), p.examples(d.WorstAlarms)
	return s
}

func levelName(s eval.Slice) string {
	if s.Level == 0 {
		return s.Kind
	}
	return fmt.Sprintf("%s, level %d", s.Kind, s.Level)
}

// number is a value with its interval.
func number(n *eval.Number) string {
	switch {
	case n == nil:
		return "–"
	case n.Interval == nil:
		return fmt.Sprintf("%.3f", n.Value)
	}
	return fmt.Sprintf("%.3f (%.2f–%.2f)", n.Value, n.Interval.Low, n.Interval.High)
}

func short(n *eval.Number) string {
	if n == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f", n.Value)
}

// lag is an error of onset or end.
func lag(l *eval.Lag) string {
	if l == nil {
		return "–"
	}
	out := fmt.Sprintf("%+.0f / %.0f ms", l.MedianMS, l.P90MS)
	if l.P90Frames > 0 {
		out += fmt.Sprintf(" (%+.1f / %.1f frames)", l.MedianFrames, l.P90Frames)
	}
	return out
}

func rate(a eval.AlarmRate) string {
	if a.PerHour == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f (%.1f–%.1f)", a.PerHour.Value, a.PerHour.Interval.Low, a.PerHour.Interval.High)
}

func hours(h float64) string { return fmt.Sprintf("%.3g", h) }
