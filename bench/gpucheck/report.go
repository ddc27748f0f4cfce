package gpucheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Report is what a check found. It says on what, for results are worth nothing without.
type Report struct {
	Date    string       `json:"date"`
	Version string       `json:"version"`
	Quick   bool         `json:"quick"`
	Holds   bool         `json:"holds"` // no finding is Fail
	Machine Machine      `json:"machine"`
	Steps   []StepReport `json:"steps"`
}

// StepReport is what one step found.
type StepReport struct {
	Name     string    `json:"name"`
	Seconds  float64   `json:"seconds"`
	Findings []Finding `json:"findings"`
	// Data are the tables behind the findings.
	Data json.RawMessage `json:"data,omitempty"`
}

// Outcome of a finding.
type Outcome string

const (
	Pass Outcome = "pass"
	Fail Outcome = "fail"
	Note Outcome = "note" // a fact without a target
)

// Finding is one line of the report.
type Finding struct {
	Outcome Outcome `json:"outcome"`
	What    string  `json:"what"`
	// Value and Unit are of findings that are numbers, Target what it should be.
	Value  *float64 `json:"value,omitempty"`
	Unit   string   `json:"unit,omitempty"`
	Target string   `json:"target,omitempty"`
}

func (f Finding) String() string {
	text := f.What
	if f.Value != nil {
		text += ": " + strings.TrimSpace(number(*f.Value)+" "+f.Unit)
	}
	if f.Target != "" {
		text += " (" + f.Target + ")"
	}
	mark := map[Outcome]string{Pass: "PASS", Fail: "FAIL"}[f.Outcome]
	return fmt.Sprintf("   %-4s  %s", mark, strings.ReplaceAll(text, "\n", "\n         "))
}

// number has three digits or more, and none that say nothing.
func number(v float64) string {
	for _, at := range []struct {
		from   float64
		digits int
	}{{100, 0}, {10, 1}, {1, 2}} {
		if v >= at.from || v <= -at.from {
			return strconv.FormatFloat(v, 'f', at.digits, 64)
		}
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// step gives the report of a step, nil if it did not run.
func (r *Report) step(name string) *StepReport {
	for i := range r.Steps {
		if r.Steps[i].Name == name {
			return &r.Steps[i]
		}
	}
	return nil
}

// data reads the tables of a step into to; false where there are none.
func (r *Report) data(name string, to any) bool {
	s := r.step(name)
	return s != nil && s.Data != nil && json.Unmarshal(s.Data, to) == nil
}

func (r *Report) conclude(out io.Writer) {
	var failed []string
	passed := 0
	for _, s := range r.Steps {
		for _, f := range s.Findings {
			switch f.Outcome {
			case Pass:
				passed++
			case Fail:
				failed = append(failed, s.Name+": "+f.What)
			}
		}
	}
	r.Holds = len(failed) == 0
	fmt.Fprintf(out, "\n== %d held, %d failed\n", passed, len(failed))
	for _, f := range failed {
		first, _, _ := strings.Cut(f, "\n")
		fmt.Fprintf(out, "   FAIL  %s\n", first)
	}
}

// save writes the report as JSON, unless path is "". What a test double of the driver
// gave says nothing of any hardware, and is refused where results of hardware lie.
func (r *Report) save(path string) error {
	if path == "" {
		return nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if r.Machine.Double && strings.HasSuffix(filepath.Dir(abs), "bench/results") {
		return errors.New("this report is of the test double of the driver: bench/results is for what ran on hardware")
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
