package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/bench/gpucheck"
)

// gpuFlags are the flags of --gpu alone.
func gpuFlags(f *pflag.FlagSet) *gpucheck.Options {
	o := &gpucheck.Options{Version: version, ORTLibrary: ortLibrary()}
	f.StringVar(&o.Clips, "gpu-clips", "", "with --gpu: the `FOLDER` of clips that scripts/gpu-clips.sh made")
	f.StringVar(&o.Tests, "gpu-tests", "", "with --gpu: the test binary of engine/device/cuda")
	f.StringVar(&o.Scratch, "gpu-logs", "", "with --gpu: the `FOLDER` for logs (default: one that is made)")
	f.StringSliceVar(&o.Only, "gpu-only", nil, "with --gpu: run only the steps `a,b,...` of "+strings.Join(gpucheck.Steps(), ", "))
	f.DurationVar(&o.Total, "gpu-time", 8*time.Minute, "with --gpu: how long all may take")
	f.IntVar(&o.Ordinal, "gpu-number", 0, "with --gpu: the number of the GPU")
	f.BoolVar(&o.Quick, "quick", false, "with --gpu: every stretch as short as it can be, to see that the check works")
	return o
}

// checkGPU runs the check. The error is for what does not hold, too.
func checkGPU(ctx context.Context, o *gpucheck.Options, save string) error {
	if o.Clips == "" {
		return errors.New("--gpu needs --gpu-clips: use make gpu-check")
	}
	if o.Scratch == "" {
		dir, err := os.MkdirTemp("", "streamvet-gpu-check")
		if err != nil {
			return err
		}
		o.Scratch = dir
	} else if err := os.MkdirAll(o.Scratch, 0o755); err != nil {
		return err
	}
	o.Save = save
	r, err := gpucheck.Run(ctx, *o, os.Stdout)
	if err == nil && !r.Holds {
		err = fmt.Errorf("not everything holds; the logs are in %s", o.Scratch)
	}
	return err
}
