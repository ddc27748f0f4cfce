package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/streamvet/streamvet/engine/eval"
)

const evalColumns = "%-25s %5s %4s  %-16s %-5s %-5s  %-16s %-5s  %-16s %5s %5s  %-13s %7s\n"

// printEvaluation writes the report as tables.
func printEvaluation(w io.Writer, p paint, r eval.Report) {
	fmt.Fprintf(w, "%s of %s in %s; %s clean, %.3g h\n\n", count(r.Items, "item"), count(r.Groups, "content group"),
		count(len(r.Collections), "collection"), count(r.Clean.Items, "item"), r.Clean.Hours)
	fmt.Fprintf(w, evalColumns, "", "", "", "pictures or 20 ms", "", "", "windows of 0.5 s", "", "verdicts", "", "", "", "clean")
	fmt.Fprint(w, p.bold(fmt.Sprintf(evalColumns, "defect", "items", "grps", "AUC", "AP", "R@1%", "AUC", "R@1%", "F1", "found", "false", "onset ms, p90", "false/h")))
	missing := map[string][]string{} // defects by what is missing
	for _, d := range r.Defects {
		for _, n := range d.Notes {
			missing[n] = append(missing[n], string(d.Output.Defect))
		}
		if d.All.Items == 0 || d.Output.Detector == "" {
			continue
		}
		name := string(d.Output.Defect)
		if d.Output.Detector != name {
			name += " by " + d.Output.Detector
		}
		fmt.Fprint(w, p.bold(sliceLine(name, d.All, &d.FalseAlarms)))
		if o := d.All.Events.Offset; o != nil {
			fmt.Fprintf(w, "  offset said, against the injected one: median %+.0f ms, nine in ten within %.0f ms\n", o.MedianMS, o.P90MS)
		}
		for _, l := range d.Levels {
			if len(d.Levels) > 1 {
				fmt.Fprint(w, sliceLine("  "+levelName(l), l, nil))
			}
		}
	}
	printClean(w, p, r.Clean)
	printCross(w, p, r.Cross)
	if len(missing) > 0 {
		fmt.Fprintf(w, "\n%s\n", p.bold("Not measured:"))
		for _, why := range slices.Sorted(maps.Keys(missing)) {
			fmt.Fprintf(w, "  %s\n    %s\n", why, strings.Join(missing[why], ", "))
		}
	}
}

func levelName(s eval.Slice) string {
	if s.Level == 0 {
		return s.Kind
	}
	return fmt.Sprintf("%s level %d", s.Kind, s.Level)
}

func sliceLine(name string, s eval.Slice, clean *eval.AlarmRate) string {
	rate := ""
	if clean != nil {
		rate = short(clean.PerHour, "%.1f")
	}
	onset := "-"
	if o := s.Events.Onset; o != nil {
		onset = fmt.Sprintf("%+.0f, %.0f", o.MedianMS, o.P90MS)
	}
	found := fmt.Sprintf("%d/%d", s.Events.Found, s.Events.Injected)
	return fmt.Sprintf(evalColumns, name, fmt.Sprint(s.Items), fmt.Sprint(s.Groups),
		withInterval(s.Units.AUC), short(s.Units.AveragePrecision, "%.2f"), short(s.Units.Recall, "%.2f"),
		withInterval(s.Windows.AUC), short(s.Windows.Recall, "%.2f"),
		withInterval(s.Events.F1), found, fmt.Sprint(s.Events.FalseAlarms), onset, rate)
}

func withInterval(n *eval.Number) string {
	switch {
	case n == nil:
		return "-"
	case n.Interval == nil:
		return fmt.Sprintf("%.3f", n.Value)
	}
	return fmt.Sprintf("%.3f %.2f-%.2f", n.Value, n.Interval.Low, n.Interval.High)
}

func short(n *eval.Number, format string) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprintf(format, n.Value)
}

func printClean(w io.Writer, p paint, c eval.CleanReport) {
	if c.Items == 0 {
		fmt.Fprintf(w, "\n%s\n", p.bold("There was no clean material: how often there are false alarms is not known."))
		return
	}
	fmt.Fprintf(w, "\n%s\n", p.bold(fmt.Sprintf("False alarms: %d in %.3g h of clean material, %s an hour", c.FalseAlarms.Alarms, c.Hours, perHour(c.FalseAlarms))))
	for _, a := range c.ByOutput {
		fmt.Fprintf(w, "  %-25s %4d  %s\n", a.Output.Defect, a.Alarms, perHour(a))
	}
}

func perHour(a eval.AlarmRate) string {
	if a.PerHour == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f (%.1f to %.1f)", a.PerHour.Value, a.PerHour.Interval.Low, a.PerHour.Interval.High)
}

// printCross lists what else was said of injected stretches, the most frequent first.
func printCross(w io.Writer, p paint, rows []eval.CrossRow) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", p.bold("Said of what was injected (and not of the clean twin), share of items; + goes with it rightly:"))
	for _, r := range rows {
		slices.SortStableFunc(r.Cells, func(a, b eval.CrossCell) int { return cmp.Compare(b.Items, a.Items) })
		var words []string
		for _, c := range r.Cells {
			word := fmt.Sprintf("%s %.0f%%", c.Defect, 100*c.Share)
			switch c.Role {
			case "own":
				word = p.in("32", word)
			case "companion":
				word = p.dim("+" + word)
			}
			words = append(words, word)
		}
		if words == nil {
			words = []string{"nothing"}
		}
		fmt.Fprintf(w, "  %-15s %4d  %s\n", r.Kind, r.Items, strings.Join(words, ", "))
	}
}
