package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// screen is what a terminal shows of what was written to it: it knows a return
// to the start of the line, and erasing to its end.
func screen(text string) []string {
	lines := []string{""}
	at := 0
	for len(text) > 0 {
		line := &lines[len(lines)-1]
		switch {
		case text[0] == '\n':
			lines, at = append(lines, ""), 0
		case text[0] == '\r':
			at = 0
		case strings.HasPrefix(text, "\x1b[K"):
			*line, text = (*line)[:at], text[2:]
		default:
			*line = (*line)[:at] + text[:1] + (*line)[min(at+1, len(*line)):]
			at++
		}
		text = text[1:]
	}
	return lines
}

// Verdicts, log lines and the progress line share a terminal without running
// into each other.
func TestProgressLineGivesWay(t *testing.T) {
	terminal := &buffer{}
	p := newPrinter(terminal, terminal, vetOptions{inputs: []string{"a.mp4"}, color: "never"}, nil)
	black := &streamvetv1.Verdict{
		Defect: string(verdict.Black), State: streamvetv1.State_STATE_RAISED, Severity: streamvetv1.Severity_SEVERITY_MAJOR,
		Start: durationpb.New(time.Second), End: durationpb.New(2 * time.Second), Score: 1,
	}
	p.setStatus("0:01.000 of 0:10.000, a line that is rather long")
	p.verdict(0, black)
	p.setStatus("0:02.000 of 0:10.000")
	logger(p.log(), false).Warn("something is odd")
	p.setStatus("0:03.000")
	p.trouble(errBroken)
	p.verdict(0, &streamvetv1.Verdict{Defect: "black", State: streamvetv1.State_STATE_UPDATED, Start: black.Start, End: black.End})
	lines := screen(terminal.String())
	if len(lines) != 4 || lines[3] != "0:03.000" || !strings.HasPrefix(lines[0], "  0:01.000  ! raised  black") ||
		!strings.Contains(lines[1], "something is odd") || lines[2] != "could not be vetted: the printer is on fire" {
		t.Errorf("the screen shows\n%s", strings.Join(lines, "\n"))
	}
	p.setStatus("")
	if lines := screen(terminal.String()); len(lines) != 4 || lines[3] != "" {
		t.Errorf("at the end the screen shows\n%s", strings.Join(lines, "\n"))
	}
}

func TestClockTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                              "0:00.000",
		1500 * time.Millisecond:        "0:01.500",
		59999600 * time.Microsecond:    "1:00.000",
		3*time.Hour + 5*time.Second:    "3:00:05.000",
		-1500 * time.Millisecond:       "-0:01.500",
		100*time.Hour + 61*time.Second: "100:01:01.000",
	} {
		if got := report.Clock(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// The table stays aligned whatever the inputs are called.
func TestColumns(t *testing.T) {
	out := &buffer{}
	p := newPrinter(out, out, vetOptions{inputs: []string{"a.mp4", "/films/größer.mp4"}, color: "never"}, []detector{})
	p.defects = len("block_corruption")
	for i, d := range []string{"black", "block_corruption"} {
		for _, s := range []streamvetv1.State{streamvetv1.State_STATE_RAISED, streamvetv1.State_STATE_CLEARED} {
			p.verdict(i, &streamvetv1.Verdict{Defect: d, State: s, Severity: streamvetv1.Severity_SEVERITY_MINOR, Start: durationpb.New(0), End: durationpb.New(time.Second), Score: 1})
		}
	}
	for line := range strings.Lines(out.String()) {
		runes := []rune(line)
		if len(runes) < 40 || (runes[24] != '!' && runes[24] != '-') || runes[34] != 'b' {
			t.Errorf("%q", line)
		}
	}
}
