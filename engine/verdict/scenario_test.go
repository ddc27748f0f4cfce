package verdict

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected verdicts; commit them only if you understand what changed")

// A scenario is a script: `rule` lines name outputs, `at` sets the clock, a
// line `DEFECT DURATION VALUE...` gives scores one after the other (VALUE*N
// repeats, `-` lets the time pass without a score), `flush` ends the source.
// Under `----` stand the verdicts.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			script, want, _ := strings.Cut(string(text), "----\n")
			got := play(t, script)
			if *rewrite {
				if err := os.WriteFile(f, []byte(script+"----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func play(t *testing.T, script string) string {
	var outputs []Output
	var lines [][]string
	for _, l := range strings.Split(script, "\n") {
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		switch {
		case len(f) == 0:
		case f[0] == "rule":
			outputs = append(outputs, Output{Detector: f[1], Defect: Defect(f[1]), Rule: parseRule(t, f[2:])})
		default:
			lines = append(lines, f)
		}
	}
	tr, err := NewTracker("clip", 0, outputs)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var vs []Verdict
	clock := map[string]time.Duration{}
	for _, f := range lines {
		switch f[0] {
		case "flush":
			vs = tr.Flush(vs)
		case "at":
			clock[f[1]] = duration(t, f[2])
		default:
			vs = scores(t, tr, vs, clock, f)
		}
	}
	var b strings.Builder
	for _, v := range vs {
		fmt.Fprintf(&b, "%s %s#%d [%v %v) %s peak %.2f at %v reading %g\n",
			v.State, v.Defect, v.Number, v.Start, v.End, v.Severity, v.Peak, v.PeakAt, v.Reading)
	}
	return b.String()
}

func scores(t *testing.T, tr *Tracker, vs []Verdict, clock map[string]time.Duration, f []string) []Verdict {
	d := duration(t, f[1])
	for _, word := range f[2:] {
		value, times, many := strings.Cut(word, "*")
		n := 1
		if many {
			n = int(number(t, times))
		}
		for range n {
			if value != "-" {
				x := number(t, value)
				var err error
				vs, err = tr.Observe(vs, Score{Detector: f[0], Defect: Defect(f[0]), PTS: clock[f[0]], Duration: d, Value: x, Reading: x * 10})
				if err != nil {
					t.Fatal(err)
				}
			}
			clock[f[0]] += d
		}
	}
	return vs
}

func parseRule(t *testing.T, words []string) (r Rule) {
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "raise":
			r.Raise = number(t, v)
		case "clear":
			r.Clear = number(t, v)
		case "min":
			r.MinDuration = duration(t, v)
		case "scores":
			r.MinScores = int(number(t, v))
		case "hold":
			r.Hold = duration(t, v)
		case "merge":
			r.Merge = duration(t, v)
		case "update":
			r.UpdateEvery = duration(t, v)
		case "major":
			r.Major = number(t, v)
		case "critical":
			r.Critical = number(t, v)
		default:
			t.Fatalf("unknown word %q", w)
		}
	}
	return r
}

func number(t *testing.T, s string) float64 {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func duration(t *testing.T, s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
