package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/cmd/streamvet/evalpage"
	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine/eval"
	"github.com/streamvet/streamvet/engine/inject"
)

const evalHelp = `Usage: streamvet eval [flags] SET|TRUTH.json|FOLDER|FILE...

Measures the detectors on material whose defects are known: how well their scores
tell defective from clean, how well their verdicts meet what was injected, and how
often they say something of clean material.

  SET         a folder that streamvet inject --set made
  TRUTH.json  the truth of a clip, which lies beside it
  FOLDER      media files; those with a truth beside them are compared with it, all
              others count as clean material
  FILE        clean material

Examples:
  streamvet inject --set eval1 --per-level 12 clips/ && streamvet eval eval1
  streamvet eval --report eval.html --json eval1 > eval.json
  streamvet eval --only noise,blur --cache ~/.cache/eval eval1 clean/
  streamvet eval bad.json

What the numbers mean (docs/eval.md tells more):
  AUC     share of pairs of a defective and a clean unit in which the defective one
          scores higher (Mann-Whitney); 0.5 is chance
  AP      average precision: precision summed over steps of recall
  R@1%    recall at the lowest threshold that 1 % of the clean units reach
  F1      of verdicts at the shipped thresholds against injected stretches
  false/h verdicts an hour of clean material
Units are pictures (20 ms for sound) and windows of half a second. Intervals hold with
95 %: by drawing content groups with replacement, and for rates by Poisson's law.
Where there is nothing to rest on there is no number.

Exit code: 0 measured, 2 something could not be measured, 130 after a Ctrl-C. With
--cache the same command goes on where it was left.

Flags:
`

// evalOptions is what the flags say.
type evalOptions struct {
	json                     bool
	report, cache            string
	models, only, without    []string
	kinds, collections       []string
	device                   string
	parallel, draws, samples int
	timeout                  time.Duration
	quiet, verbose           bool
	color                    string
	inputs                   []string
}

func (o *evalOptions) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("eval", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	f.BoolVar(&o.json, "json", false, "print the report as JSON instead of tables")
	f.StringVar(&o.report, "report", "", "write a self-contained HTML page with plots to `OUT.html`")
	f.StringVar(&o.cache, "cache", "", "keep what came of each item in `DIR`, by the bytes of the item, the detectors and this program")
	f.StringSliceVar(&o.only, "only", nil, "measure only the detectors `a,b,...`")
	f.StringSliceVar(&o.without, "without", nil, "measure all detectors but `a,b,...`")
	f.StringSliceVar(&o.models, "models", nil, "read further detectors from `DIR`; one of the same name replaces the shipped one")
	f.StringSliceVar(&o.kinds, "kinds", nil, "of sets: only items with these `KIND`s of injection, and clean ones")
	f.StringSliceVar(&o.collections, "collections", nil, "of sets: only items of these `COLLECTION`s")
	f.StringVar(&o.device, "device", "auto", "where to decode and compute: cuda, cuda:`N`, cpu, or auto")
	f.IntVarP(&o.parallel, "parallel", "j", runtime.NumCPU(), "vet so many items at the same time")
	f.IntVar(&o.draws, "draws", 300, "intervals rest on so many `DRAWS` of content groups")
	f.IntVar(&o.samples, "pictures", 4, "show so many of the worst misses and false alarms of each defect on the page")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "give an item up when no data comes for so long")
	f.StringVar(&o.color, "color", "auto", "colour the output: auto, always or never")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress line")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log more, to stderr")
	return f
}

// evalCommand is `streamvet eval`.
func evalCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o evalOptions
	f := o.flags()
	help := f.BoolP("help", "h", false, "this text")
	err := f.Parse(args)
	if *help || errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, evalHelp, f.FlagUsagesWrapped(helpWidth))
		return exitClean
	}
	o.inputs = f.Args()
	if err == nil {
		err = o.check()
	}
	if err != nil {
		fmt.Fprintf(stderr, "streamvet eval: %v\n(streamvet eval --help tells how it is used)\n", err)
		return exitTrouble
	}
	err = o.run(ctx, stdout, stderr)
	switch {
	case err != nil && ctx.Err() != nil:
		hint := "give --cache DIR to go on from there another time"
		if o.cache != "" {
			hint = "the same command goes on from here"
		}
		fmt.Fprintf(stderr, "streamvet eval: interrupted; %s\n", hint)
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(stderr, "streamvet eval:", report.Legible(err.Error()))
		return exitTrouble
	}
	return exitClean
}

func (o *evalOptions) check() error {
	switch {
	case len(o.inputs) == 0:
		return errors.New("name a set, a truth file, or clean material")
	case o.parallel < 1:
		return fmt.Errorf("--parallel %d must be at least 1", o.parallel)
	case o.draws < 0 || o.samples < 0:
		return errors.New("--draws and --pictures cannot be negative")
	case o.timeout <= 0:
		return fmt.Errorf("--timeout %v must be longer than nothing", o.timeout)
	case o.color != "auto" && o.color != "always" && o.color != "never":
		return fmt.Errorf("--color %q is none of auto, always, never", o.color)
	case len(o.only) > 0 && len(o.without) > 0:
		return errors.New("--only and --without exclude each other")
	}
	for _, k := range o.kinds {
		if _, err := inject.ParseSpec(k + "@0"); err != nil {
			return fmt.Errorf("--kinds: %w", err)
		}
	}
	return spareInputs(o.inputs, o.report)
}

func (o *evalOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	detectors, err := chooseDetectors(o.models, o.only, o.without)
	if err != nil {
		return err
	}
	items, err := findItems(*o, func(text string) { fmt.Fprintln(stderr, "streamvet eval:", text) })
	if err != nil {
		return err
	}
	page, err := createReport(o.report)
	if err != nil {
		return err
	}
	e := &evaluation{options: *o, detectors: detectors, items: items, stderr: stderr}
	r, troubles, err := e.measure(ctx)
	if err != nil {
		return err
	}
	if o.json {
		err = json.NewEncoder(stdout).Encode(r)
	} else {
		printEvaluation(stdout, newPaint(stdout, o.color), r)
	}
	if page != nil {
		err = errors.Join(err, writeEvalPage(ctx, page.file, stderr, *o, r, troubles), page.file.Close())
	}
	if len(troubles) > 0 {
		for _, t := range troubles {
			fmt.Fprintln(stderr, "streamvet eval:", report.Legible(t.Error()))
		}
		err = errors.Join(err, fmt.Errorf("%s of %d could not be measured and %s in no number", count(len(troubles), "item"), len(items), isAre(len(troubles))))
	}
	return err
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// writeEvalPage draws the page, with pictures of the worst where an ffmpeg is at hand.
func writeEvalPage(ctx context.Context, w, stderr io.Writer, o evalOptions, r eval.Report, troubles []error) error {
	p := evalpage.Page{Report: r, Version: version, Examples: o.samples}
	for _, in := range o.inputs {
		p.Inputs = append(p.Inputs, report.Legible(filepath.Base(in)))
	}
	for _, t := range troubles {
		p.Troubles = append(p.Troubles, report.Legible(t.Error()))
	}
	if tools, err := inject.FindTools(); err == nil {
		p.Look = func(x eval.Example) (evalpage.Look, error) { return lookAt(ctx, tools, x) }
	} else {
		fmt.Fprintln(stderr, "streamvet eval: the page has no pictures:", err)
	}
	return p.Write(w)
}
