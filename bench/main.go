// Command bench measures what streamvet costs. Every figure is a ratio, or a
// share, of two things measured in one run, one after the other, several times;
// medians are printed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/bench/gpucheck"
)

const help = `Usage: bench [flags] [CLIP...]

Measures, for each CLIP (by default 1080p H.264 and HEVC made from the demo
clip), frames a second of:
  decode   the same libraries and threads, nothing else
  vet      every default detector
  filters  ffmpeg -vf freezedetect,blackdetect,blockdetect,blurdetect,signalstats
           -af silencedetect,ebur128,astats, by the same FFmpeg
and where the time of a frame goes. How well defects are found, streamvet eval
measures.

With --gpu it checks instead what an NVIDIA GPU does: docs/gpu.md tells.

Flags:
`

type options struct {
	runs    int
	threads int
	seconds float64
	soak    int64
	save    string
	clips   []string
	ffmpeg  string
	filters bool
}

// version is set by the linker.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if os.Getenv(gpucheck.StateVariable) != "" { // a step of --gpu
		if err := gpucheck.RunStep(ctx, nil); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var o options
	f := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	f.Usage = func() { fmt.Fprint(os.Stderr, help, f.FlagUsages()) }
	f.IntVar(&o.runs, "runs", 5, "pairs of runs; medians are reported")
	f.IntVar(&o.threads, "threads", min(runtime.NumCPU(), 4), "decoder threads")
	f.Float64Var(&o.seconds, "seconds", 10, "length of the clips that are made")
	f.Int64Var(&o.soak, "soak", 0, "instead, vet so many frames and watch the memory")
	f.StringVar(&o.save, "save", "", "write the results to `FILE.json` too")
	f.BoolVar(&o.filters, "filters", true, "compare with the filters of ffmpeg")
	onGPU := f.Bool("gpu", false, "instead, check what an NVIDIA GPU does")
	g := gpuFlags(f)
	if err := f.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if *onGPU {
		return checkGPU(ctx, g, o.save)
	}
	o.clips, o.ffmpeg = f.Args(), os.Getenv("STREAMVET_FFMPEG")
	if o.ffmpeg == "" {
		return errors.New("STREAMVET_FFMPEG does not name the private ffmpeg: use make bench")
	}
	if o.soak > 0 {
		return soak(ctx, o)
	}
	if len(o.clips) == 0 {
		clips, err := makeClips(ctx, o)
		if err != nil {
			return err
		}
		o.clips = clips
	}
	r := results{Date: time.Now().UTC().Format("2006-01-02"), Hardware: hardware(), Threads: o.threads, Runs: o.runs}
	fmt.Printf("%s; %d decoder threads, medians of %d runs\n\n", r.Hardware, o.threads, o.runs)
	for _, clip := range o.clips {
		c, err := measureClip(ctx, o, clip)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(clip), err)
		}
		c.print(os.Stdout)
		r.Clips = append(r.Clips, c)
	}
	if o.save == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.save, append(text, '\n'), 0o644)
}
