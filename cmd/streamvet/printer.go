package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine/media"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// printer writes verdicts, summaries and the progress line, one at a time, so
// that they do not run into each other.
type printer struct {
	options vetOptions
	device  string // where it ran
	// fallback is why that is the CPU where a GPU was hoped for.
	fallback string
	paint    paint
	names    int // width of the column of input names; 0 without one
	defects  int // width of the column of defects

	mu     sync.Mutex
	out    io.Writer
	status string    // the progress line on the screen, "" for none
	screen io.Writer // stderr
}

func newPrinter(out, screen io.Writer, o vetOptions, detectors []detector) *printer {
	p := &printer{options: o, out: out, screen: screen, paint: newPaint(out, o.color)}
	if len(o.inputs) > 1 {
		for _, in := range o.inputs {
			p.names = max(p.names, utf8.RuneCountInString(shortName(in)))
		}
	}
	for _, d := range detectors {
		for _, output := range d.Outputs {
			p.defects = max(p.defects, len(output.Defect))
		}
	}
	return p
}

func (p *printer) verdict(input int, v *streamvetv1.Verdict) {
	line := p.line(input, v)
	if p.options.json {
		line = jsonLine(v)
	}
	if line == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	io.WriteString(p.out, line+"\n")
	p.draw()
}

// trouble tells at once that an input could not be vetted, or not to its end.
func (p *printer) trouble(err error) {
	text := newPaint(p.screen, p.options.color).severity("could not be vetted: "+report.Legible(err.Error()), "critical")
	fmt.Fprintln(p.log(), text)
}

// jsonLine is the verdict in its proto3 JSON mapping. protojson varies its
// spacing on purpose; compacting it takes that out.
func jsonLine(v *streamvetv1.Verdict) string {
	text, err := protojson.Marshal(v)
	if err != nil {
		return fmt.Sprintf(`{"error":%q}`, err)
	}
	return compact(text)
}

// compact is JSON without spaces.
func compact(text []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return string(text)
	}
	return b.String()
}

// line is the verdict for people; "" for what they need not see.
func (p *printer) line(input int, v *streamvetv1.Verdict) string {
	var b strings.Builder
	if p.names > 0 {
		fmt.Fprintf(&b, "%-*s  ", p.names, shortName(p.options.inputs[input]))
	}
	severity := severityWord(v.Severity)
	defect := fmt.Sprintf("%-*s", p.defects, v.Defect)
	start, end := v.Start.AsDuration(), v.End.AsDuration()
	switch v.State {
	case streamvetv1.State_STATE_RAISED:
		fmt.Fprintf(&b, "%10s  %s %s  %s  %s", report.Clock(start), p.paint.mark("raised", severity), p.paint.severity(defect, severity),
			p.paint.severity(fmt.Sprintf("%-8s", severity), severity), reading(v))
	case streamvetv1.State_STATE_CLEARED:
		fmt.Fprintf(&b, "%10s  %s %s  %-8s  after %s, track %d",
			report.Clock(end), p.paint.mark("cleared", severity), defect, "", seconds(end-start), v.Track)
	default:
		return ""
	}
	return strings.TrimRight(b.String(), " ")
}

func severityWord(s streamvetv1.Severity) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "SEVERITY_"))
}

// reading is the number behind a verdict in its unit, with the score.
func reading(v *streamvetv1.Verdict) string {
	text := fmt.Sprintf("score %.2f", v.Score)
	if v.Unit != "" {
		text += ", " + report.Reading(v.Reading, v.Unit)
	}
	if r := v.Region; r != nil {
		text += fmt.Sprintf(", at %.0f-%.0f %% x %.0f-%.0f %%", 100*r.X, 100*(r.X+r.Width), 100*r.Y, 100*(r.Y+r.Height))
	}
	return text + fmt.Sprintf(", track %d", v.Track)
}

// log is a writer to the screen that does not run into the progress line.
func (p *printer) log() io.Writer { return screenLog{p} }

type screenLog struct{ p *printer }

func (l screenLog) Write(text []byte) (int, error) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.p.wipe()
	defer l.p.draw()
	return l.p.screen.Write(text)
}

// setStatus shows text as the progress line, or takes it away.
func (p *printer) setStatus(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	p.status = text
	p.draw()
}

// wipe takes the progress line off the screen; draw puts it back.
func (p *printer) wipe() {
	if p.status != "" {
		io.WriteString(p.screen, "\r\x1b[K")
	}
}

func (p *printer) draw() {
	if p.status != "" {
		io.WriteString(p.screen, p.status)
	}
}

// summaries tells of every input what was found. It goes to stdout, or to
// stderr where stdout carries JSON.
func (p *printer) summaries(runs []*inputRun) {
	out := p.out
	if p.options.json {
		out = p.screen
	}
	begun := false
	for _, r := range runs {
		io.WriteString(out, p.summary(r))
		begun = begun || r.source != nil
	}
	if !begun {
		return
	}
	on := "  on " + p.device
	if p.fallback != "" {
		on += ", and no GPU: " + p.whyNoGPU()
	}
	fmt.Fprintf(out, "%s\n", p.paint.dim(on))
}

// whyNoGPU is the reason in short, for most machines are meant to have none; its
// remedy is told with --verbose.
func (p *printer) whyNoGPU() string {
	reason := strings.TrimPrefix(p.fallback, "device: ")
	if p.options.verbose {
		return reason
	}
	short, _, _ := strings.Cut(reason, ". Remedy")
	short, _, _ = strings.Cut(short, " (")
	if short != reason {
		short += " (-v tells more)"
	}
	return short
}

func (p *printer) summary(r *inputRun) string {
	var b strings.Builder
	s := r.summary
	if errors.Is(r.err, errNotBegun) {
		return ""
	}
	if r.source == nil {
		fmt.Fprintf(&b, "\n%s: not vetted\n", p.paint.bold(shortName(r.url)))
	} else {
		verb := "clean"
		if s.Raised > 0 {
			verb = p.paint.bold(count(s.Raised, "defect"))
		}
		ended := ""
		switch {
		case r.err != nil:
			ended = ", not vetted further"
		case s.Stopped:
			ended = " (stopped early)"
		}
		fmt.Fprintf(&b, "\n%s: %s in %s%s\n", p.paint.bold(shortName(r.url)), verb, report.Clock(s.Position), ended)
		for _, l := range describe(s) {
			fmt.Fprintf(&b, "  %s\n", p.paint.dim(l))
		}
		var kinds []string
		for d, n := range s.ByDefect {
			kinds = append(kinds, fmt.Sprintf("%s %d", d, n))
		}
		slices.Sort(kinds)
		if len(kinds) > 0 {
			fmt.Fprintf(&b, "  found: %s\n", strings.Join(kinds, ", "))
		}
		speed := s.Position.Seconds() / max(s.Elapsed.Seconds(), 1e-9)
		fmt.Fprintf(&b, "  %s\n", p.paint.dim(fmt.Sprintf("%d frames in %s, %.1fx real time, %.0f frames/s",
			s.Frames, seconds(s.Elapsed), speed, float64(s.Frames)/max(s.Elapsed.Seconds(), 1e-9))))
	}
	return b.String()
}

// shortName is what a person calls an input: a file's name, or the URL without
// a password.
func shortName(url string) string {
	if strings.Contains(url, "://") {
		return report.Legible(media.WithoutPassword(url))
	}
	return report.Legible(path.Base(url))
}

// paint colours text, or does not.
type paint bool

func newPaint(w io.Writer, when string) paint {
	switch when {
	case "always":
		return true
	case "never":
		return false
	}
	return paint(os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w))
}

func (p paint) in(code, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p paint) bold(text string) string { return p.in("1", text) }
func (p paint) dim(text string) string  { return p.in("2", text) }

// severity colours text by how bad it is.
func (p paint) severity(text, severity string) string {
	return p.in(map[string]string{"minor": "33", "major": "35", "critical": "1;31"}[severity], text)
}

// mark is the word for a state, with a sign that stands out without colour too.
func (p paint) mark(state, severity string) string {
	switch state {
	case "raised":
		return p.severity("! raised ", severity)
	case "updated":
		return p.severity("~ updated", severity)
	}
	return p.in("32", "- cleared")
}
