package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/client"
)

// remoteDetectors are the verbs of detectors that speak to a server.
func remoteDetectors() []verb {
	d := &detectorVerbs{}
	return []verb{
		{"ls", "Usage: streamvet detectors ls [flags]\n\nLists the detectors that a server runs, shadows included.\n", d.jsonFlag, [2]int{0, 0}, d.list},
		{"load", "Usage: streamvet detectors load PATH [--shadow]\n\nLoads a detector out of the server's detector directory, in the place of one of\nits name, between two pictures; or as its shadow, to compare.\n", d.shadowFlag, [2]int{1, 1}, d.load},
		{"unload", "Usage: streamvet detectors unload NAME [--shadow]\n\nTakes a detector away, or its shadow alone.\n", d.shadowFlag, [2]int{1, 1}, d.unload},
		{"reload", "Usage: streamvet detectors reload\n\nMakes the detectors those of the server's detector directory.\n", nil, [2]int{0, 0}, d.reload},
		{"compare", "Usage: streamvet detectors compare NAME\n\nTells where a detector and its shadow differ, and a tally every so often.\n", d.compareFlags, [2]int{1, 1}, d.compare},
	}
}

type detectorVerbs struct {
	json, shadow bool
	sources      []string
}

func (d *detectorVerbs) jsonFlag(f *pflag.FlagSet) {
	f.BoolVar(&d.json, "json", false, "print JSON: streamvet.v1.Detector in its proto3 JSON mapping, one a line")
}

func (d *detectorVerbs) shadowFlag(f *pflag.FlagSet) {
	f.BoolVar(&d.shadow, "shadow", false, "the shadow")
}

func (d *detectorVerbs) compareFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&d.sources, "source", nil, "only on the sources `a,b,...`")
}

func detectorsOf(c *client.Client) streamvetv1.DetectorServiceClient {
	return streamvetv1.NewDetectorServiceClient(c.Conn)
}

func (d *detectorVerbs) list(ctx context.Context, c *client.Client, _ []string, out io.Writer) error {
	r, err := detectorsOf(c).ListDetectors(ctx, &streamvetv1.ListDetectorsRequest{})
	if err != nil {
		return err
	}
	if d.json {
		for _, one := range r.GetDetectors() {
			if err := printJSON(out, one); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DETECTOR\tVERSION\tINPUT\tDEFECTS\tFROM\tWHAT IT IS")
	for _, one := range r.GetDetectors() {
		fmt.Fprintln(w, detectorRow(one))
	}
	for _, bad := range r.GetRefused() {
		fmt.Fprintf(w, "\nrefused: %s\n  %s\n", bad.GetPath(), strings.ReplaceAll(report.Legible(bad.GetReason()), "\n", "\n  "))
	}
	return w.Flush()
}

func detectorRow(d *streamvetv1.Detector) string {
	name, from := d.GetName(), "shipped"
	if d.GetShadow() {
		name = "  shadow"
	}
	if d.GetPath() != "" {
		from = d.GetPath()
	}
	var defects []string
	for _, o := range d.GetOutputs() {
		defects = append(defects, o.GetDefect())
	}
	input := strings.ToLower(strings.TrimPrefix(d.GetInput().String(), "DETECTOR_INPUT_"))
	return strings.Join([]string{name, d.GetVersion(), input, strings.Join(defects, ","), from, report.Legible(d.GetSummary())}, "\t")
}

func (d *detectorVerbs) load(ctx context.Context, c *client.Client, args []string, out io.Writer) error {
	r, err := detectorsOf(c).LoadDetector(ctx, &streamvetv1.LoadDetectorRequest{Path: args[0], Shadow: d.shadow})
	if err != nil {
		return err
	}
	as := ""
	if d.shadow {
		as = " as a shadow"
	}
	_, err = fmt.Fprintf(out, "%s %s runs%s\n", r.GetDetector().GetName(), r.GetDetector().GetVersion(), as)
	return err
}

func (d *detectorVerbs) unload(ctx context.Context, c *client.Client, args []string, _ io.Writer) error {
	_, err := detectorsOf(c).UnloadDetector(ctx, &streamvetv1.UnloadDetectorRequest{Name: args[0], Shadow: d.shadow})
	return err
}

func (d *detectorVerbs) reload(ctx context.Context, c *client.Client, _ []string, out io.Writer) error {
	r, err := detectorsOf(c).ReloadDetectors(ctx, &streamvetv1.ReloadDetectorsRequest{})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "loaded: %s\nunloaded: %s\n", list(r.GetLoaded()), list(r.GetUnloaded()))
	for _, bad := range r.GetRefused() {
		fmt.Fprintf(out, "refused: %s\n  %s\n", bad.GetPath(), strings.ReplaceAll(report.Legible(bad.GetReason()), "\n", "\n  "))
	}
	if len(r.GetRefused()) > 0 {
		return errors.New("some folders were refused; what ran before goes on")
	}
	return nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (d *detectorVerbs) compare(ctx context.Context, c *client.Client, args []string, out io.Writer) error {
	stream, err := detectorsOf(c).CompareShadow(ctx, &streamvetv1.CompareShadowRequest{Name: args[0], Sources: d.sources})
	if err != nil {
		return err
	}
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil // the shadow is gone
		}
		if err != nil {
			return err
		}
		if t := r.GetTally(); t != nil {
			fmt.Fprintf(out, "%s seen: %d scores, differences %.3f on average and %.3f at most; verdicts of both %d, of %s alone %d, of %s alone %d\n",
				report.Clock(t.GetSeen().AsDuration()), t.GetScores(), t.GetMeanDifference(), t.GetMaxDifference(),
				t.GetBoth(), t.GetCurrentVersion(), t.GetOnlyCurrent(), t.GetShadowVersion(), t.GetOnlyShadow())
			continue
		}
		who, v := "the shadow alone", r.GetOnlyShadow()
		if r.GetOnlyCurrent() != nil {
			who, v = "not the shadow", r.GetOnlyCurrent()
		}
		start, end := v.GetStart().AsDuration(), v.GetEnd().AsDuration()
		if _, err := fmt.Fprintf(out, "%s: %s  %s to %s  %s, %s\n", who, v.GetSource(), report.Clock(start), report.Clock(end), v.GetDefect(), reading(v)); err != nil {
			return err
		}
	}
}
