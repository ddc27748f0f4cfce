package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/client"
)

const sourcesHelp = `Usage: streamvet sources VERB ...

What a server watches.

  ls        list sources
  add       add one
  get       tell all about one
  rm        remove some; their verdicts stay in the journal
  pause     keep some, but do not connect to them
  resume    connect to them again
  watch     print what changes, as it changes

Examples:
  streamvet sources add news rtsp://camera.example/live --label site=north
  streamvet sources ls --state failed,reconnecting
  streamvet sources add film file:///media/film.mp4 --wait
  streamvet sources VERB --help             all there is to a verb

Exit code: 0 done, 2 it could not be done.
`

func sourcesCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	l, a := &sourceList{}, &sourceAdd{}
	get := &sourceList{}
	return runVerb(ctx, "sources", sourcesHelp, []verb{
		{"ls", "Usage: streamvet sources ls [flags]\n\nLists the sources of a server by name.\n", l.flags, [2]int{0, 0}, l.list},
		{"watch", "Usage: streamvet sources watch [flags]\n\nPrints all sources, and from then on each one whose state changes. With --json\nevery change is printed, counters too.\n", l.flags, [2]int{0, 0}, l.watch},
		{"get", "Usage: streamvet sources get NAME\n\nTells all about one source.\n", get.jsonFlag, [2]int{1, 1}, get.get},
		{"add", sourceAddHelp, a.flags, [2]int{0, 2}, a.run},
		{"rm", "Usage: streamvet sources rm NAME...\n\nStops sources and forgets them. Their verdicts stay in the journal.\n", nil, [2]int{1, -1}, removeSources},
		{"pause", "Usage: streamvet sources pause NAME...\n\nKeeps sources, but does not connect to them.\n", nil, [2]int{1, -1}, pauseSources(true)},
		{"resume", "Usage: streamvet sources resume NAME...\n\nConnects to sources again that were paused.\n", nil, [2]int{1, -1}, pauseSources(false)},
	}, args, stdout, stderr)
}

func sourcesOf(c *client.Client) streamvetv1.SourceServiceClient {
	return streamvetv1.NewSourceServiceClient(c.Conn)
}

func removeSources(ctx context.Context, c *client.Client, names []string, _ io.Writer) error {
	for _, name := range names {
		if _, err := sourcesOf(c).RemoveSource(ctx, &streamvetv1.RemoveSourceRequest{Name: name}); err != nil {
			return err
		}
	}
	return nil
}

func pauseSources(paused bool) func(context.Context, *client.Client, []string, io.Writer) error {
	return func(ctx context.Context, c *client.Client, names []string, _ io.Writer) error {
		for _, name := range names {
			_, err := sourcesOf(c).UpdateSource(ctx, &streamvetv1.UpdateSourceRequest{
				Config:     &streamvetv1.SourceConfig{Name: name, Paused: paused},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"paused"}},
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// sourceList is what to list, and how.
type sourceList struct {
	labels, states []string
	json           bool
}

func (l *sourceList) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&l.labels, "label", nil, "only sources with this label, as `KEY=VALUE`; may be given again")
	f.StringSliceVar(&l.states, "state", nil, "only sources in one of these states: connecting, running, stalled, reconnecting, paused, failed, ended")
	l.jsonFlag(f)
}

func (l *sourceList) jsonFlag(f *pflag.FlagSet) {
	f.BoolVar(&l.json, "json", false, "print JSON: streamvet.v1.Source in its proto3 JSON mapping, one a line")
}

func (l *sourceList) filter() (*streamvetv1.SourceFilter, error) {
	labels, err := pairs("label", l.labels)
	if err != nil {
		return nil, err
	}
	states, err := words[streamvetv1.SourceState]("state", "SOURCE_STATE_", streamvetv1.SourceState_value, l.states)
	return &streamvetv1.SourceFilter{Labels: labels, States: states}, err
}

func (l *sourceList) list(ctx context.Context, c *client.Client, _ []string, out io.Writer) error {
	filter, err := l.filter()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if !l.json {
		fmt.Fprintln(w, "NAME\tSTATE\tFOR\tEPOCH\tFRAMES\tOPEN\tRAISED\tRESTARTS\tURL\tREASON")
	}
	for token, more := "", true; more; more = token != "" {
		page, err := sourcesOf(c).ListSources(ctx, &streamvetv1.ListSourcesRequest{Filter: filter, PageSize: 1000, PageToken: token})
		if err != nil {
			return err
		}
		for _, s := range page.GetSources() {
			if l.json {
				err = printJSON(out, s)
			} else {
				_, err = fmt.Fprintln(w, sourceRow(s))
			}
			if err != nil {
				return err
			}
		}
		token = page.GetNextPageToken()
	}
	return w.Flush()
}

func stateWord(s *streamvetv1.Source) string {
	return strings.ToLower(strings.TrimPrefix(s.GetStatus().GetState().String(), "SOURCE_STATE_"))
}

func sourceRow(s *streamvetv1.Source) string {
	t := s.GetStatus()
	return fmt.Sprintf("%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s", s.GetConfig().GetName(), stateWord(s),
		time.Since(t.GetSince().AsTime()).Round(time.Second), t.GetEpoch(), t.GetFrames(), t.GetOpenVerdicts(), t.GetRaisedVerdicts(),
		t.GetRestarts(), report.Legible(s.GetConfig().GetUrl()), report.Legible(t.GetReason()))
}

func (l *sourceList) get(ctx context.Context, c *client.Client, args []string, out io.Writer) error {
	r, err := sourcesOf(c).GetSource(ctx, &streamvetv1.GetSourceRequest{Name: args[0]})
	if err != nil {
		return err
	}
	if l.json {
		return printJSON(out, r.GetSource())
	}
	_, err = io.WriteString(out, sourceInFull(r.GetSource()))
	return err
}

// sourceInFull is all about a source, for people.
func sourceInFull(s *streamvetv1.Source) string {
	var b strings.Builder
	t := s.GetStatus()
	row := func(name, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			fmt.Fprintf(&b, "  %-10s  %s\n", name, report.Legible(text))
		}
	}
	fmt.Fprintf(&b, "%s: %s\n", s.GetConfig().GetName(), stateWord(s))
	row("url", "%s", s.GetConfig().GetUrl())
	row("reason", "%s", t.GetReason())
	row("since", "%s", t.GetSince().AsTime().Local().Format(time.DateTime))
	if t.GetNextAttempt() != nil {
		row("next try", "%s", t.GetNextAttempt().AsTime().Local().Format(time.DateTime))
	}
	for key, value := range s.GetConfig().GetLabels() {
		row("label", "%s=%s", key, value)
	}
	for _, track := range t.GetMedia().GetTracks() {
		row("track", "%s", describeTrack(track))
	}
	row("position", "%s in epoch %d", report.Clock(t.GetPosition().AsDuration()), t.GetEpoch())
	row("frames", "%d", t.GetFrames())
	for detector, n := range t.GetDrops() {
		row("dropped", "%d by %s", n, detector)
	}
	row("verdicts", "%d open, %d raised", t.GetOpenVerdicts(), t.GetRaisedVerdicts())
	row("restarts", "%d", t.GetRestarts())
	if t.GetLastErrorTime() != nil {
		row("last error", "%s, at %s", t.GetLastError(), t.GetLastErrorTime().AsTime().Local().Format(time.DateTime))
	}
	if s.GetFromFile() {
		row("declared", "%s", "in the server's configuration file")
	}
	row("revision", "%d", s.GetRevision())
	return b.String()
}

func describeTrack(t *streamvetv1.Track) string {
	text := fmt.Sprintf("%d: %s", t.GetIndex(), t.GetCodec())
	switch t.GetKind() {
	case streamvetv1.TrackKind_TRACK_KIND_VIDEO:
		text += fmt.Sprintf(", %dx%d, %.4g frames/s, %s", t.GetWidth(), t.GetHeight(), t.GetFrameRate(),
			strings.ToLower(strings.TrimPrefix(t.GetDecoder().String(), "DECODER_")))
	case streamvetv1.TrackKind_TRACK_KIND_AUDIO:
		text += fmt.Sprintf(", %d Hz, %s", t.GetSampleRate(), t.GetLayout())
	}
	if !t.GetVetted() {
		text += ", not vetted"
	}
	if t.GetNote() != "" {
		text += ": " + t.GetNote()
	}
	return text
}

// watch prints each change of state, or all there is with JSON.
func (l *sourceList) watch(ctx context.Context, c *client.Client, _ []string, out io.Writer) error {
	filter, err := l.filter()
	if err != nil {
		return err
	}
	stream, err := sourcesOf(c).WatchSources(ctx, &streamvetv1.WatchSourcesRequest{Filter: filter})
	if err != nil {
		return err
	}
	told := map[string]string{}
	for {
		r, err := stream.Recv()
		if err != nil {
			return err
		}
		switch {
		case l.json && r.GetSource() != nil:
			err = printJSON(out, r.GetSource())
		case r.GetSource() != nil:
			s := r.GetSource()
			line := fmt.Sprintf("%-12s %s", stateWord(s), report.Legible(s.GetStatus().GetReason()))
			if name := s.GetConfig().GetName(); told[name] != line {
				told[name] = line
				_, err = fmt.Fprintf(out, "%s  %-16s  %s\n", time.Now().Format(time.DateTime), name, strings.TrimRight(line, " "))
			}
		case r.GetRemoved() != "":
			delete(told, r.GetRemoved())
			if l.json {
				_, err = fmt.Fprintf(out, "{\"removed\":%q}\n", r.GetRemoved())
			} else {
				_, err = fmt.Fprintf(out, "%s  %-16s  removed\n", time.Now().Format(time.DateTime), r.GetRemoved())
			}
		}
		if err != nil {
			return err
		}
	}
}
