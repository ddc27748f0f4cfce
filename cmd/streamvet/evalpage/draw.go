package evalpage

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine/eval"
	"github.com/streamvet/streamvet/engine/verdict"
)

// Plots are drawn in a box of 100 by 100; words stand outside of it.
type plot struct {
	Title, Across, Up, Label string
	Units, Windows           template.HTMLAttr // paths
	Diagonal                 bool
}

func rocPlot(d eval.DefectReport) *plot {
	xy := func(p eval.Point) (float64, float64) { return p.FalsePositives, p.Recall }
	return &plot{
		Title: "ROC", Across: "false positives, 0 to 1", Up: "recall, 0 to 1", Diagonal: true,
		Label: fmt.Sprintf("Recall over false positives: area %s by pictures or 20 ms, %s by windows", number(d.All.Units.AUC), number(d.All.Windows.AUC)),
		Units: line(d.Curve, xy, true), Windows: line(d.WindowCurve, xy, true),
	}
}

func prPlot(d eval.DefectReport) *plot {
	xy := func(p eval.Point) (float64, float64) { return p.Recall, p.Precision }
	return &plot{
		Title: "Precision and recall", Across: "recall, 0 to 1", Up: "precision, 0 to 1",
		Label: fmt.Sprintf("Precision over recall: average precision %s by pictures or 20 ms, %s by windows", number(d.All.Units.AveragePrecision), number(d.All.Windows.AveragePrecision)),
		Units: line(d.Curve, xy, false), Windows: line(d.WindowCurve, xy, false),
	}
}

// line draws points; fromOrigin begins the line at 0, 0.
func line(points []eval.Point, xy func(eval.Point) (x, y float64), fromOrigin bool) template.HTMLAttr {
	var b strings.Builder
	b.WriteString(`d="`)
	for i, p := range points {
		x, y := xy(p)
		if i == 0 && fromOrigin {
			b.WriteString("M0 100")
		}
		step := byte('L')
		if i == 0 && !fromOrigin {
			step = 'M'
		}
		fmt.Fprintf(&b, "%c%.2f %.2f", step, 100*x, 100-100*y)
	}
	b.WriteByte('"')
	return template.HTMLAttr(b.String())
}

// columns is the histogram of scores: defective upwards, clean downwards, each by
// the root of its share, so that few are seen beside many.
type columns struct {
	Label              string
	Positive, Negative template.HTMLAttr
}

func columnsOf(d eval.DefectReport) *columns {
	if d.Positives == nil && d.Negatives == nil {
		return nil
	}
	return &columns{
		Label:    fmt.Sprintf("Scores of %d defective units, up, and of %d clean ones, down", d.All.Units.Positives, d.All.Units.Negatives),
		Positive: bars(d.Positives, -1), Negative: bars(d.Negatives, 1),
	}
}

// bars draws counts from the middle upwards (-1) or downwards (1).
func bars(counts []int64, direction float64) template.HTMLAttr {
	total := int64(0)
	for _, n := range counts {
		total += n
	}
	var b strings.Builder
	b.WriteString(`d="`)
	for i, n := range counts {
		if n == 0 {
			continue
		}
		w := 100 / float64(len(counts))
		h := max(48*math.Sqrt(float64(n)/float64(total)), 0.7)
		fmt.Fprintf(&b, "M%.2f 50v%.2fh%.2fV50Z", float64(i)*w, direction*h, 0.9*w)
	}
	b.WriteByte('"')
	return template.HTMLAttr(b.String())
}

// example is one moment with its picture.
type example struct {
	What, Where, Time, Score string
	Picture                  template.URL
	Wave                     template.HTMLAttr
	Left, Width              float64 // of the moment on the wave, percent
}

func (p Page) examples(all []eval.Example) []example {
	var out []example
	for _, x := range all[:min(len(all), p.Examples)] {
		e := example{
			What: string(x.What), Where: report.Legible(path.Base(x.Media)), Score: fmt.Sprintf("%.2f", x.Score),
			Time: clock(x.Start) + " – " + clock(x.End),
		}
		if x.Kind != "" {
			e.What += " (" + x.Kind + ")"
		}
		if x.Level > 0 {
			e.What = strings.TrimSuffix(e.What, ")") + fmt.Sprintf(", level %d)", x.Level)
		}
		if p.Look != nil {
			if look, err := p.Look(x); err == nil {
				e.show(x, look)
			}
		}
		out = append(out, e)
	}
	return out
}

func clock(seconds float64) string {
	return report.Clock(time.Duration(seconds * float64(time.Second)))
}

func (e *example) show(x eval.Example, l Look) {
	if l.JPEG != nil {
		e.Picture = template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(l.JPEG))
	}
	if l.Wave == nil {
		return
	}
	var b strings.Builder
	b.WriteString(`d="`)
	w := 1000 / float64(len(l.Wave))
	for i, peak := range l.Wave {
		top, bottom := 50-50*float64(min(peak[1], 1)), 50-50*float64(max(peak[0], -1))
		fmt.Fprintf(&b, "M%.1f %.1fV%.1fH%.1fV%.1fZ", float64(i)*w, top, max(bottom, top+0.8), float64(i+1)*w, top)
	}
	b.WriteByte('"')
	e.Wave = template.HTMLAttr(b.String())
	e.Left = 100 * (x.Start - l.WaveStart) / l.WaveLength
	e.Width = max(100*(x.End-x.Start)/l.WaveLength, 0.5)
}

// matrixRow is what was said of one kind of injection.
type matrixRow struct {
	Kind  string
	Items int
	Cells []matrixCell
}

type matrixCell struct {
	Share, Role string
	Shade       float64 // percent
}

// matrix puts the cells under the defects that were said at all.
func matrix(rows []eval.CrossRow) (names []string, out []matrixRow) {
	var order []verdict.Defect
	for _, d := range verdict.Defects() {
		if slices.ContainsFunc(rows, func(r eval.CrossRow) bool {
			return slices.ContainsFunc(r.Cells, func(c eval.CrossCell) bool { return c.Defect == d })
		}) {
			order = append(order, d)
			names = append(names, string(d))
		}
	}
	for _, r := range rows {
		m := matrixRow{Kind: r.Kind, Items: r.Items, Cells: make([]matrixCell, len(order))}
		for _, c := range r.Cells {
			m.Cells[slices.Index(order, c.Defect)] = matrixCell{fmt.Sprintf("%.0f", 100*c.Share), c.Role, math.Round(15 + 75*c.Share)}
		}
		out = append(out, m)
	}
	return names, out
}
