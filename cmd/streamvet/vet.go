package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/media"
)

const vetHelp = `Usage: streamvet vet [flags] FILE|URL...

Decodes picture and sound of each input, runs every detector, and prints what
is wrong as it begins and ends, then a summary. Several inputs are vetted side
by side.

Examples:
  streamvet vet film.mp4
  streamvet vet --report film.html --scores film.jsonl film.mp4
  streamvet vet --json https://example.com/live/index.m3u8 | jq .defect
  streamvet vet --only black,freeze,silence *.ts
  streamvet vet --truth truth.json bad.mp4      what was injected beside what was found

Exit code: 0 nothing found, 1 defects found, 2 an input could not be vetted.

Flags:
`

// vetOptions is what the flags say.
type vetOptions struct {
	json                  bool
	scores, report, truth string
	models                []string
	only, without         []string
	device, provider      string
	fullPrecision         bool
	color                 string
	threads, parallel     int
	timeout               time.Duration
	trust                 media.TLS
	quiet, verbose        bool
	inputs                []string
}

func vetCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o vetOptions
	f := pflag.NewFlagSet("vet", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	f.BoolVar(&o.json, "json", false, "print one JSON object a line: streamvet.v1.Verdict in its proto3 JSON mapping")
	f.StringVar(&o.report, "report", "", "write a self-contained HTML page to `OUT.html`")
	f.StringVar(&o.scores, "scores", "", "write every score of every detector over time to `FILE`, as JSON lines")
	f.StringVar(&o.truth, "truth", "", "compare with the `truth.json` that inject wrote (one input)")
	f.StringSliceVar(&o.only, "only", nil, "run only the detectors `a,b,...`")
	f.StringSliceVar(&o.without, "without", nil, "run all detectors but `a,b,...`")
	f.StringSliceVar(&o.models, "models", nil, "read further detectors from `DIR`; one of the same name replaces the shipped one")
	f.StringVar(&o.device, "device", "auto", "where to decode and compute: cuda, cuda:`N` (the N-th GPU), cpu, or auto (a GPU if there is one)")
	f.StringVar(&o.provider, "provider", "auto", "how networks run on a GPU: cuda, tensorrt, or auto")
	f.BoolVar(&o.fullPrecision, "full-precision", false, "run networks with 32 bits on a GPU too")
	f.IntVar(&o.threads, "threads", 0, "decoder threads an input (0: as many as cores, at most 4)")
	f.IntVarP(&o.parallel, "parallel", "j", 4*runtime.NumCPU(), "vet at most so many inputs at the same time")
	f.DurationVar(&o.timeout, "timeout", 10*time.Second, "give an input up when no data comes for so long")
	f.StringVar(&o.trust.CAFile, "ca", "", "trust https and the like by the CAs in `FILE`, instead of the system's")
	f.BoolVar(&o.trust.Unverified, "unverified-tls", false, "take https and the like with any certificate")
	f.StringVar(&o.color, "color", "auto", "colour the output: auto, always or never")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress line and no summary")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log more, to stderr")
	help := f.BoolP("help", "h", false, "this text")
	err := f.Parse(args)
	if *help || errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, vetHelp, f.FlagUsagesWrapped(helpWidth))
		return exitClean
	}
	o.inputs = f.Args()
	if err == nil {
		err = o.check()
	}
	if err != nil {
		fmt.Fprintf(stderr, "streamvet vet: %v\n(streamvet vet --help tells how it is used)\n", err)
		return exitTrouble
	}
	code, err := vet(ctx, o, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "streamvet vet: %v\n", err)
	}
	return code
}

func (o *vetOptions) check() error {
	switch {
	case len(o.inputs) == 0:
		return errors.New("name at least one file or URL")
	case o.truth != "" && len(o.inputs) != 1:
		return errors.New("--truth needs exactly one input")
	case o.color != "auto" && o.color != "always" && o.color != "never":
		return fmt.Errorf("--color %q is none of auto, always, never", o.color)
	case o.parallel < 1:
		return fmt.Errorf("--parallel %d must be at least 1", o.parallel)
	case o.timeout <= 0:
		return fmt.Errorf("--timeout %v must be longer than nothing", o.timeout)
	case len(o.only) > 0 && len(o.without) > 0:
		return errors.New("--only and --without exclude each other")
	}
	return spareInputs(o.inputs, o.scores, o.report)
}

// vet runs the command; the error is what made the code exitTrouble, if it is
// not about one input.
func vet(ctx context.Context, o vetOptions, stdout, stderr io.Writer) (code int, err error) {
	detectors, err := chooseDetectors(o.models, o.only, o.without)
	if err != nil {
		return exitTrouble, err
	}
	var truth inject.Truth
	if o.truth != "" {
		if truth, err = inject.LoadTruth(o.truth); err != nil {
			return exitTrouble, err
		}
	}
	p := newPrinter(stdout, stderr, o, detectors)
	eng, err := engine.Open(engine.Config{
		Detectors: detectors, Device: o.device, Provider: o.provider, FullPrecision: o.fullPrecision, EngineCache: engineCache(),
		ORTLibrary: findORT(), DecoderThreads: o.threads, Logger: logger(p.log(), o.verbose),
	})
	if err != nil {
		return exitTrouble, err
	}
	p.device, p.fallback = eng.Device(), eng.Fallback()
	scores, err := createScores(o.scores)
	if err != nil {
		return exitTrouble, errors.Join(err, eng.Close())
	}
	page, err := createReport(o.report)
	if err != nil {
		return exitTrouble, errors.Join(err, scores.Close(), eng.Close())
	}
	v := &vetting{options: o, engine: eng, printer: p, scores: scores, stderr: stderr}
	if page != nil {
		v.detectors = detectors
	}
	code = v.all(ctx)
	if e := eng.Close(); e != nil {
		err = errors.Join(err, e)
	}
	if e := scores.Close(); e != nil {
		err = errors.Join(err, fmt.Errorf("write %s: %w", o.scores, e))
	}
	if e := page.write(v.recorders()); e != nil {
		err = errors.Join(err, fmt.Errorf("write %s: %w", o.report, e))
	}
	if o.truth != "" && v.runs[0].source != nil {
		out := stdout
		if o.json {
			out = stderr
		}
		if e := truth.Fit(factsOf(v.runs[0].source.Info())); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", o.truth, e))
		} else {
			printComparison(out, p.paint, truth, v.runs[0].ended)
		}
	}
	if err != nil {
		code = exitTrouble
	}
	return code, err
}

// engineCache is where TensorRT keeps what it builds; "" where there is no home.
func engineCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "streamvet", "tensorrt")
}

func logger(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// vetting is one run of the command over all its inputs.
type vetting struct {
	options   vetOptions
	engine    *engine.Engine
	printer   *printer
	scores    *scoreFile
	detectors []detector // for the report; nil without one
	stderr    io.Writer
	runs      []*inputRun
}

// all vets every input side by side and gives the exit code.
func (v *vetting) all(ctx context.Context) int {
	for i, url := range v.options.inputs {
		r := &inputRun{url: url, printer: v.printer, scores: v.scores, index: i}
		if v.detectors != nil {
			r.recorder = report.NewRecorder(media.WithoutPassword(url), v.detectors)
		}
		v.runs = append(v.runs, r)
	}
	var group sync.WaitGroup
	bar := startProgress(v)
	places := make(chan struct{}, v.options.parallel)
	for _, r := range v.runs {
		places <- struct{}{}
		group.Go(func() {
			r.vet(ctx, v)
			<-places
		})
	}
	group.Wait()
	bar.stop()
	code, notBegun := exitClean, 0
	for _, r := range v.runs {
		if errors.Is(r.err, errNotBegun) {
			notBegun++
		}
		if r.err != nil {
			code = exitTrouble
		} else if code == exitClean && r.summary.Raised > 0 {
			code = exitDefects
		}
	}
	if notBegun > 0 {
		v.printer.trouble(fmt.Errorf("%s: %w", count(notBegun, "input"), errNotBegun))
	}
	if !v.options.quiet {
		v.printer.summaries(v.runs)
	}
	return code
}

func (v *vetting) recorders() []*report.Recorder {
	var rs []*report.Recorder
	for _, r := range v.runs {
		if r.recorder != nil {
			rs = append(rs, r.recorder)
		}
	}
	return rs
}

// findORT finds ONNX Runtime: where the environment says, else beside the
// program, else where make setup put it.
func findORT() string {
	if p := os.Getenv("STREAMVET_ORT_LIB"); p != "" {
		return p
	}
	return installedORT()
}
