package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/models"
)

type detector = models.Detector

const detectorsHelp = `Usage: streamvet detectors [flags] [NAME...]
       streamvet detectors verify DIR...
       streamvet detectors ls|load|unload|reload|compare ...

Lists what is looked for, by which detector, and from which score on. With
NAMEs it shows those in full. The second form checks a detector of your own
(streamvet detectors verify --help). The third is about the detectors that a
server runs (streamvet detectors load --help).

Examples:
  streamvet detectors
  streamvet detectors black silence
  streamvet detectors --models mine        with those of a folder of your own

Flags:
`

func detectorsCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if verbs := remoteDetectors(); len(args) > 0 && slices.ContainsFunc(verbs, func(v verb) bool { return v.name == args[0] }) {
		return runVerb(ctx, "detectors", "", verbs, args, stdout, stderr)
	}
	if len(args) > 0 && args[0] == "verify" {
		return verifyCommand(ctx, args[1:], stdout, stderr)
	}
	f := pflag.NewFlagSet("detectors", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	dirs := f.StringSlice("models", nil, "read further detectors from `DIR`; one of the same name replaces the shipped one")
	help := f.BoolP("help", "h", false, "this text")
	err := f.Parse(args)
	if *help || errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, detectorsHelp, f.FlagUsagesWrapped(helpWidth))
		return exitClean
	}
	var all []detector
	if err == nil {
		all, err = chooseDetectors(*dirs, f.Args(), nil)
	}
	if err != nil {
		fmt.Fprintf(stderr, "streamvet detectors: %v\n", err)
		return exitTrouble
	}
	if f.NArg() > 0 {
		for _, d := range all {
			fmt.Fprint(stdout, detectorInFull(d))
		}
		return exitClean
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DETECTOR\tVERSION\tINPUT\tBY\tRAISED FROM\tFOR AT LEAST\tWHAT IT IS")
	for _, d := range all {
		for _, o := range d.Outputs {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.2f\t%v\t%s\n", d.Name, d.Version, d.Input, means(d), o.Rule.Raise, o.Rule.MinDuration, d.Summary)
		}
	}
	w.Flush()
	return exitClean
}

// means is how a detector comes to its scores, in a word or two.
func means(d detector) string {
	if d.Network != nil {
		return "network " + d.Network.SHA256[:12]
	}
	return "closed form"
}

func detectorInFull(d detector) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n", d.Name, d.Version, d.Summary)
	fmt.Fprintf(&b, "  input       %s\n", d.Input)
	if n := d.Network; n != nil {
		fmt.Fprintf(&b, "  network     %s, %d bytes, sha256 %s\n", n.File, len(d.ONNX), n.SHA256)
		if d.Input == "sound" {
			fmt.Fprintf(&b, "  tensor      %s %s, %d samples of each channel at %d Hz\n", n.Tensor.Name, n.Tensor.DType, n.Tensor.Window, n.Tensor.Rate)
			fmt.Fprintf(&b, "  looks       every %v\n", n.Sampling.Every)
		} else {
			fmt.Fprintf(&b, "  tensor      %s %s %s, resize %s\n", n.Tensor.Name, n.Tensor.DType, n.Tensor.Channels, n.Tensor.Resize)
			fmt.Fprintf(&b, "  looks       every %v, every %v where suspicious\n", n.Sampling.Every, n.Sampling.Suspicious)
		}
		fmt.Fprintf(&b, "  batches     up to %d rows, on the CPU %d, after %v at the latest\n", n.Batch.MaxSize, n.Batch.OnCPU().MaxSize, n.Batch.MaxQueueDelay)
	} else {
		fmt.Fprintf(&b, "  closed form %s\n", d.Measure)
	}
	var params []string
	for k := range d.Params {
		params = append(params, k)
	}
	slices.Sort(params)
	for _, k := range params {
		fmt.Fprintf(&b, "  parameter   %s = %g\n", k, d.Params[k])
	}
	for _, o := range d.Outputs {
		r := o.Rule
		fmt.Fprintf(&b, "  defect      %s (%s): raised from %.2f for %v and %s, cleared below %.2f, hold %v, merge %v, major %.2f, critical %.2f\n",
			o.Defect, o.Unit, r.Raise, r.MinDuration, count(max(r.MinScores, 1), "score"), r.Clear, r.Hold, r.Merge, r.Major, r.Critical)
	}
	fmt.Fprintf(&b, "  from        %s\n\n", strings.Join(strings.Fields(d.Provenance), " "))
	return b.String()
}

// chooseDetectors reads the shipped detectors and those of dirs, and keeps the
// ones asked for.
func chooseDetectors(dirs, only, without []string) ([]detector, error) {
	set, err := models.Default()
	if err != nil {
		return nil, fmt.Errorf("the shipped detectors: %w", err)
	}
	for _, dir := range dirs {
		more, err := models.LoadDir(dir)
		if err != nil {
			return nil, err
		}
		set = set.With(more)
	}
	return set.Choose(only, without)
}
