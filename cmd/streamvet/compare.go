package main

import (
	"fmt"
	"io"
	"time"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// printComparison shows what was injected where beside what was found.
func printComparison(w io.Writer, p paint, truth inject.Truth, found []*streamvetv1.Verdict) {
	r := inject.Match(truth, plain(found), inject.DefaultTolerance())
	fmt.Fprintf(w, "\n%s\n", p.bold("Injected, and found:"))
	const columns = "  %-17s %-23s %-23s %s\n"
	fmt.Fprintf(w, columns, "defect", "injected", "found", "start and end differ by")
	var hits, all int
	for _, d := range r.Defects {
		for _, m := range d.Matched {
			hits, all = hits+m.Entries, all+m.Entries
			first, last := m.Verdicts[0], m.Verdicts[len(m.Verdicts)-1]
			fmt.Fprintf(w, columns, d.Defect, spanOf(m.Truth), span(first.Start, last.End), p.in("32", fmt.Sprintf("%+d ms, %+d ms", m.OnsetError.Milliseconds(), m.EndError.Milliseconds())))
		}
		for _, m := range d.Missed {
			all++
			fmt.Fprintf(w, columns, d.Defect, spanOf(m), p.severity(fmt.Sprintf("%-23s", "missed"), "critical"), "")
		}
	}
	for _, d := range r.Defects {
		for _, v := range d.Companions {
			fmt.Fprintf(w, columns, v.Defect, "", span(v.Start, v.End), p.dim("goes with what was injected there"))
		}
		for _, v := range d.Ignored {
			fmt.Fprintf(w, columns, v.Defect, "", span(v.Start, v.End), p.dim("meets only damage that cannot be seen"))
		}
		for _, v := range d.FalseAlarms {
			fmt.Fprintf(w, columns, v.Defect, "", span(v.Start, v.End), p.severity("not injected: a false alarm, or in the clip before", "minor"))
		}
	}
	fmt.Fprintf(w, "  %s\n", p.bold(fmt.Sprintf("%d of %d injected defects were found", hits, all)))
}

// plain turns records back into verdicts, a number each.
func plain(records []*streamvetv1.Verdict) []verdict.Verdict {
	vs := make([]verdict.Verdict, len(records))
	for i, r := range records {
		vs[i] = engine.FromRecord(r)
		vs[i].Number = i + 1
	}
	return vs
}

func spanOf(e inject.Entry) string {
	at := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	return span(at(e.Start), at(e.End))
}

func span(start, end time.Duration) string { return report.Clock(start) + " - " + report.Clock(end) }
