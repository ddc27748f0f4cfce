package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/client"
)

const followHelp = `Usage: streamvet follow [flags]

Prints the verdicts of a server as they come, and goes on by itself whatever
ends the connection: none is lost, none comes twice.

Examples:
  streamvet follow
  streamvet follow --from start --no-wait --json > all.jsonl
  streamvet follow --from 2h --source news --min-severity major
  streamvet follow --json --resume place.json | jq .verdict.defect
                                       goes on where it was, also after a restart

Exit code: 0 ended as asked, 2 the server could not be followed.
`

// followOptions is what the flags say.
type followOptions struct {
	from, resume             string
	json, noWait             bool
	sources, labels, defects []string
	states                   []string
	severity, color          string
	stderr                   io.Writer
}

func followCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := &followOptions{stderr: stderr}
	v := verb{name: "follow", help: followHelp, arguments: [2]int{0, 0}, run: o.run, flags: func(f *pflag.FlagSet) {
		f.StringVar(&o.from, "from", "now", "where to begin: now, start, a sequence, a time such as 2026-11-26T09:00:00Z, or how long ago, such as 2h")
		f.BoolVar(&o.noWait, "no-wait", false, "end with what there is, instead of waiting for more")
		f.StringVar(&o.resume, "resume", "", "`FILE` that keeps how far it has come, and where to go on")
		f.BoolVar(&o.json, "json", false, "print one JSON object a line: streamvet.v1.Record in its proto3 JSON mapping")
		f.StringSliceVar(&o.sources, "source", nil, "only of the sources `a,b,...`")
		f.StringArrayVar(&o.labels, "label", nil, "only of sources with this label, as `KEY=VALUE`; may be given again")
		f.StringSliceVar(&o.defects, "defect", nil, "only the defects `a,b,...`")
		f.StringVar(&o.severity, "min-severity", "", "only of this severity or worse: minor, major or critical")
		f.StringSliceVar(&o.states, "state", nil, "only these states: raised, updated, cleared")
		f.StringVar(&o.color, "color", "auto", "colour the output: auto, always or never")
	}}
	return v.call(ctx, "", args, stdout, stderr)
}

func (o *followOptions) run(ctx context.Context, c *client.Client, _ []string, out io.Writer) error {
	f, err := o.following()
	if err != nil {
		return err
	}
	p := followPrinter{out: out, json: o.json, paint: newPaint(out, o.color), stderr: o.stderr}
	f.Trouble = func(err error, wait time.Duration) {
		fmt.Fprintf(o.stderr, "streamvet follow: %s; following again in %.1f s\n", report.Legible(err.Error()), wait.Seconds())
	}
	err = c.Follow(ctx, f, func(e client.Event) error {
		if err := p.event(e); err != nil {
			return err
		}
		if o.resume != "" && (e.Place != client.Place{}) {
			if err := savePlace(o.resume, e.Place); err != nil {
				return err
			}
		}
		if o.noWait && e.Mark.GetCaughtUp() {
			return errCaughtUp
		}
		return nil
	})
	if errors.Is(err, errCaughtUp) {
		return nil
	}
	return err
}

var errCaughtUp = errors.New("caught up")

// following is what the server is asked for.
func (o *followOptions) following() (f client.Following, err error) {
	f.Filter = &streamvetv1.VerdictFilter{Sources: o.sources, Defects: o.defects}
	if f.Filter.Labels, err = pairs("label", o.labels); err != nil {
		return f, err
	}
	if f.Filter.States, err = words[streamvetv1.State]("state", "STATE_", streamvetv1.State_value, o.states); err != nil {
		return f, err
	}
	if o.severity != "" {
		all, err := words[streamvetv1.Severity]("min-severity", "SEVERITY_", streamvetv1.Severity_value, []string{o.severity})
		if err != nil {
			return f, err
		}
		f.Filter.MinSeverity = all[0]
	}
	if f.From, err = position(o.from, time.Now()); err != nil {
		return f, err
	}
	if o.resume != "" {
		f.Place, err = loadPlace(o.resume)
	}
	return f, err
}

// position reads where to begin.
func position(text string, now time.Time) (*streamvetv1.Position, error) {
	switch text {
	case "now":
		return client.FromNow(), nil
	case "start":
		return client.FromStart(), nil
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil && n > 0 {
		return client.FromSequence(n), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return client.FromTime(now.Add(-d)), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return client.FromTime(t), nil
	}
	return nil, fmt.Errorf("--from %q is none of now, start, a sequence from 1 on, a time such as 2026-11-26T09:00:00Z, how long ago such as 2h", text)
}

func loadPlace(path string) (p client.Place, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return p, fmt.Errorf("--resume %s: %w; take it away to begin anew", path, err)
	}
	return p, nil
}

// savePlace leaves either the old place or the new one, whatever happens.
func savePlace(path string, p client.Place) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	draft := path + ".new"
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = f.Write(append(text, '\n'))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		return fmt.Errorf("--resume: %w", err)
	}
	return nil
}

// followPrinter prints what a follower is told: records to out, all else to stderr.
type followPrinter struct {
	out, stderr io.Writer
	json        bool
	paint       paint
	journal     streamvetv1.JournalState
}

func (p *followPrinter) event(e client.Event) error {
	switch {
	case e.Record != nil && p.json:
		return printJSON(p.out, e.Record)
	case e.Record != nil:
		_, err := fmt.Fprintln(p.out, p.line(e.Record))
		return err
	case e.Gap != nil:
		why := "the journal does not keep them any more"
		if e.Gap.GetReason() == streamvetv1.GapReason_GAP_REASON_DAMAGE {
			why = "they were damaged on disk"
		}
		fmt.Fprintf(p.stderr, "streamvet follow: records %d to %d cannot be had: %s\n", e.Gap.GetFirst(), e.Gap.GetLast(), why)
	case e.Replaced:
		fmt.Fprintln(p.stderr, "streamvet follow: the server has another journal by now: following it from its start")
	case e.Mark != nil:
		p.mark(e.Mark.GetJournal())
	}
	return nil
}

// mark tells when the journal falls ill or is well again: meanwhile silence is
// not good news.
func (p *followPrinter) mark(j *streamvetv1.JournalStatus) {
	ok := streamvetv1.JournalState_JOURNAL_STATE_OK
	if was := p.journal; was != j.GetState() && (was != 0 || j.GetState() != ok) {
		text := strings.ToLower(strings.TrimPrefix(j.GetState().String(), "JOURNAL_STATE_"))
		if j.GetReason() != "" {
			text += ": " + report.Legible(j.GetReason())
		}
		fmt.Fprintf(p.stderr, "streamvet follow: the journal is %s\n", text)
	}
	p.journal = j.GetState()
}

// line is a record for people.
func (p *followPrinter) line(r *streamvetv1.Record) string {
	v := r.GetVerdict()
	severity := severityWord(v.GetSeverity())
	state := strings.ToLower(strings.TrimPrefix(v.GetState().String(), "STATE_"))
	start, end := v.GetStart().AsDuration(), v.GetEnd().AsDuration()
	text := fmt.Sprintf("%s  %-16s  %10s  %s %s  %s", v.GetTime().AsTime().Local().Format("2006-01-02 15:04:05"), report.Legible(v.GetSource()),
		report.Clock(start), p.paint.mark(state, severity), p.paint.severity(fmt.Sprintf("%-16s %-8s", v.GetDefect(), severity), severity), reading(v))
	if v.GetState() != streamvetv1.State_STATE_RAISED {
		text += ", for " + seconds(end-start)
	}
	return text + p.paint.dim(fmt.Sprintf(", epoch %d, #%d", v.GetEpoch(), r.GetSequence()))
}
