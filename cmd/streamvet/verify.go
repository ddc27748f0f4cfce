package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/engine/trial"
	"github.com/streamvet/streamvet/models"
)

const verifyHelp = `Usage: streamvet detectors verify [flags] DIR...

Checks detectors before they are served. A DIR is a detector's folder, or one
that holds several. Of each it tells

  - what is wrong with its detector.yaml: all of it at once, each with its line,
    the field and what it should be; the right sha256 is there to be copied,
  - what inputs and outputs its ONNX file has, beside what the manifest says,
  - what comes of it when the engine runs it on generated pictures of several
    sizes, or sounds of several rates: that it takes them, that scores are
    numbers in 0..1, that a full batch gives what each look alone gives, that
    the variant in half precision gives the same, what a look costs on one core,
    and how much memory it takes,
  - rules that cannot work, such as two looks that never meet.

It does not tell how well a detector finds its defect: for that put the defect
into clips and measure (streamvet inject --help, streamvet eval --help).

Examples:
  streamvet detectors verify mydetectors/green_picture
  streamvet detectors verify mydetectors          all that are in it
  streamvet detectors verify --json mydetectors | jq -r '.problems[].problem'

models/README.md has every field of a manifest, and an example to begin with.

Exit code: 0 all can be served, 1 a detector cannot, 2 something could not be checked.

Flags:
`

func verifyCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := pflag.NewFlagSet("verify", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	asJSON := f.Bool("json", false, "print one JSON object a line, one for each detector")
	device := f.String("device", "cpu", "where to run: cpu, cuda, cuda:`N`, or auto (a GPU if there is one)")
	verbose := f.BoolP("verbose", "v", false, "log more, to stderr")
	help := f.BoolP("help", "h", false, "this text")
	err := f.Parse(args)
	if *help || errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, verifyHelp, f.FlagUsagesWrapped(helpWidth))
		return exitClean
	}
	if err == nil && f.NArg() == 0 {
		err = errors.New("name at least one folder")
	}
	if err != nil {
		fmt.Fprintf(stderr, "streamvet detectors verify: %v\n(streamvet detectors verify --help tells how it is used)\n", err)
		return exitTrouble
	}
	o := trial.Options{Device: *device, ORTLibrary: findORT(), Logger: logger(stderr, *verbose)}
	code := exitClean
	for _, dir := range f.Args() {
		folders, err := models.Folders(dir)
		if err != nil {
			fmt.Fprintf(stderr, "streamvet detectors verify: %v\n", err)
			code = exitTrouble
		}
		for _, folder := range folders {
			v, err := verify(ctx, folder, o)
			if err != nil {
				fmt.Fprintf(stderr, "streamvet detectors verify: %s: %v\n", folder, err)
				code = exitTrouble
				continue
			}
			if len(v.Problems) > 0 {
				code = max(code, exitDefects)
			}
			if *asJSON {
				json.NewEncoder(stdout).Encode(v)
			} else {
				io.WriteString(stdout, v.text())
			}
		}
	}
	return code
}

// verify checks the detector of one folder.
func verify(ctx context.Context, folder string, o trial.Options) (verification, error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return verification{}, err
	}
	d, err := models.LoadOne(filepath.Dir(abs), filepath.Base(abs))
	v := verification{Path: folder, Problems: []problem{}, detector: d}
	var refused *models.RefusedError
	if errors.As(err, &refused) {
		v.takeFaults(refused.Folders[0].Faults())
	} else if err != nil {
		return v, err
	}
	v.takeManifest(d)
	r := &trial.Report{}
	switch {
	case v.runs():
		r, err = trial.Detector(ctx, d, o)
	case v.Network != nil:
		r, err = trial.Look(d, o)
	default:
		err = nil
	}
	v.takeTrial(r)
	return v, err
}
