package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/engine/trial"
	"github.com/streamvet/streamvet/models"
)

// verification is what is known of a folder; it is also what --json prints.
type verification struct {
	Path     string       `json:"path"`
	Name     string       `json:"name,omitempty"`
	Version  string       `json:"version,omitempty"`
	Served   bool         `json:"served"` // it can be
	Problems []problem    `json:"problems"`
	Notes    []string     `json:"notes,omitempty"`
	Network  *networkFile `json:"network,omitempty"`
	Runs     []trialRun   `json:"runs,omitempty"`
	Batch    *compared    `json:"batch,omitempty"`
	Half     *compared    `json:"half,omitempty"`

	detector models.Detector
	onlySums bool // what is wrong with the manifest are sums alone: the rest can be tried
}

type problem struct {
	Line    int    `json:"line,omitempty"`
	Field   string `json:"field,omitempty"`
	Problem string `json:"problem"`
}

type networkFile struct {
	File    string   `json:"file"`
	Bytes   int      `json:"bytes"`
	Inputs  []string `json:"inputs"` // "luma u8[?,1,?,?]"
	Outputs []string `json:"outputs"`
}

type trialRun struct {
	Material string            `json:"material"`
	Looks    int64             `json:"looks,omitempty"`
	Scores   map[string]values `json:"scores"`
	LookMS   float64           `json:"look_ms,omitempty"`
	MemoryMB float64           `json:"memory_mb"`
}

type values struct {
	Count   int     `json:"count"`
	Lowest  float64 `json:"lowest"`
	Highest float64 `json:"highest"`
}

type compared struct {
	Rows           int     `json:"rows,omitempty"`
	Scores         int     `json:"scores"`
	MostDifference float64 `json:"most_difference"`
}

func (v *verification) takeFaults(faults []*models.Fault) {
	v.onlySums = len(faults) > 0
	for _, f := range faults {
		v.Problems = append(v.Problems, problem{f.Line, f.Field, report.Legible(f.Err.Error())})
		v.onlySums = v.onlySums && strings.HasSuffix(f.Field, ".sha256")
	}
}

func (v *verification) takeManifest(d models.Detector) {
	v.Name, v.Version = report.Legible(d.Name), report.Legible(d.Version)
	if d.Network != nil && len(d.ONNX) > 0 {
		v.Network = &networkFile{File: report.Legible(d.Network.File), Bytes: len(d.ONNX)}
	}
}

// runs tells whether the manifest is good enough to run the detector.
func (v *verification) runs() bool { return len(v.Problems) == 0 || v.onlySums }

func (v *verification) takeTrial(r *trial.Report) {
	for _, text := range r.Problems {
		v.Problems = append(v.Problems, v.place(text))
	}
	v.Notes = r.Notes
	if v.Network != nil {
		v.Network.Inputs, v.Network.Outputs = portTexts(r.Inputs), portTexts(r.Outputs)
	}
	for _, one := range r.Runs {
		j := trialRun{Material: one.Material, Looks: one.Looks, Scores: map[string]values{}, LookMS: one.Look.Seconds() * 1e3, MemoryMB: float64(one.Memory) / 1e6}
		for d, x := range one.Scores {
			j.Scores[string(d)] = values(x)
		}
		v.Runs = append(v.Runs, j)
	}
	v.Batch, v.Half = comparedOf(r.Batch), comparedOf(r.Half)
	v.Served = len(v.Problems) == 0
}

// place finds the field that a problem begins with.
func (v *verification) place(text string) problem {
	text = report.Legible(text)
	field, rest, ok := strings.Cut(text, ": ")
	if ok && manifestField.MatchString(field) {
		return problem{Field: field, Problem: rest}
	}
	return problem{Problem: text}
}

// manifestField is how errors of the engine name what they are about.
var manifestField = regexp.MustCompile(`^(measure|params|network|outputs)\b[a-z0-9_.\[\]]*$`)

func portTexts(ports []infer.Port) []string {
	texts := []string{}
	for _, p := range ports {
		texts = append(texts, report.Legible(p.String()))
	}
	return texts
}

func comparedOf(d *trial.Difference) *compared {
	if d == nil {
		return nil
	}
	return &compared{d.Rows, d.Scores, d.Most}
}

// text is the verification for people.
func (v *verification) text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "%s: %s\n", report.Legible(v.Path), v.headline())
	if n := v.Network; n != nil {
		line("network", "%s, %d bytes", n.File, n.Bytes)
		for _, p := range n.Inputs {
			line("", "input  %s", p)
		}
		for _, p := range n.Outputs {
			line("", "output %s%s", p, v.use(p))
		}
	}
	for _, r := range v.Runs {
		line("ran on", "%s", v.runText(r))
	}
	if c := v.Batch; c != nil {
		line("batches", "of %d: scores differ from those of each look alone by %.2g at most", c.Rows, c.MostDifference)
	}
	if c := v.Half; c != nil {
		line("half", "scores differ from the full network's by %.2g at most", c.MostDifference)
	}
	for _, n := range v.Notes {
		line("note", "%s", n)
	}
	for _, p := range v.Problems {
		line("problem", "%s", p)
	}
	if v.Served {
		b.WriteString("  This detector can be served.\n")
	} else {
		fmt.Fprintf(&b, "  This detector cannot be served: %s.\n", count(len(v.Problems), "problem"))
	}
	return b.String()
}

func (p problem) String() string {
	at := ""
	if p.Line > 0 {
		at = fmt.Sprintf("detector.yaml:%d: ", p.Line)
	}
	if p.Field != "" {
		at += p.Field + ": "
	}
	return at + p.Problem
}

func (v *verification) headline() string {
	if v.Name == "" {
		return "no detector"
	}
	d := v.detector
	kind := "a closed form, " + report.Legible(d.Measure)
	if d.Network != nil {
		kind = "a network"
	}
	var defects []string
	for _, o := range d.Outputs {
		defects = append(defects, report.Legible(string(o.Defect)))
	}
	return fmt.Sprintf("%s %s, %s, looks at: %s, scores: %s", v.Name, v.Version, kind, report.Legible(d.Input), strings.Join(defects, ", "))
}

// use says what an output is for; p begins with its name.
func (v *verification) use(p string) string {
	name, _, _ := strings.Cut(p, " ")
	if name == v.detector.Network.Map {
		return " (the map)"
	}
	for i, o := range v.detector.Outputs {
		if score, _ := v.detector.ScoreOf(i); score == name {
			return " (the score of " + report.Legible(string(o.Defect)) + ")"
		}
	}
	return " (not used)"
}

func (v *verification) runText(r trialRun) string {
	text := r.Material + ":"
	var defects []string
	for d := range r.Scores {
		defects = append(defects, d)
	}
	slices.Sort(defects)
	for _, d := range defects {
		x := r.Scores[d]
		text += fmt.Sprintf(" %s of %s from %.3f to %.3f,", count(x.Count, "score"), d, x.Lowest, x.Highest)
	}
	if len(defects) == 0 {
		text += " no scores,"
	}
	if r.Looks > 0 {
		text += fmt.Sprintf(" %v of one core a look,", time.Duration(r.LookMS*1e6).Round(time.Microsecond))
	}
	return text + fmt.Sprintf(" %.0f MB", r.MemoryMB)
}
