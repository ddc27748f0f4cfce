// Package gpucheck finds out, on a machine with an NVIDIA GPU, whether streamvet
// keeps there what it promises: the same bits and verdicts as on a CPU, no picture
// across the bus, the speed of the decoder, low latency, little memory.
//
// Every step runs in a process of its own with a time of its own. One that crashes or
// hangs, as may happen on a GPU that nobody has run this on yet, costs its own
// findings alone.
package gpucheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Options say what is checked, and with what.
type Options struct {
	// Clips is a folder. codecs/ in it has a clip of each codec, some with defects;
	// load/ has long ones, whose names begin with the codec: the first of H.264 is
	// the one for most steps.
	Clips string
	// Tests is the test binary of engine/device/cuda; "" leaves conformance out.
	Tests string
	// ORTLibrary is the path of libonnxruntime.so.
	ORTLibrary string
	// Ordinal is the number of the GPU.
	Ordinal int
	// Total is how long all steps may take together; 0 stands for 8 minutes.
	Total time.Duration
	// Quick makes every stretch as short as it can be: to see that the check itself works.
	Quick bool
	// Only names the steps to run; empty stands for all.
	Only []string
	// Scratch is a folder for logs; they stay.
	Scratch string
	// Save is the file that the report is written to, after every step; "" for none.
	Save string
	// Version is of streamvet, for the report.
	Version string
}

// step is a part of the check.
type step struct {
	name, about string
	share       int // of the time
	run         func(*check, context.Context) error
}

// steps lists them in order. The first must find a GPU, or none of the others runs.
func steps() []step {
	return []step{
		{"machine", "what is there", 35, (*check).machine},
		{"conformance", "the kernels give the bits of the reference", 45, (*check).conformance},
		{"sanitizer", "the kernels under compute-sanitizer", 70, (*check).sanitizer},
		{"decode", "NVDEC against decoding in software", 45, (*check).decode},
		{"verdicts", "scores and verdicts, CPU against GPU", 65, (*check).verdicts},
		{"bus", "what crosses the bus", 30, (*check).bus},
		{"roofs", "frames a second: NVDEC alone, and with every detector", 90, (*check).roofs},
		{"latency", "from a picture to its scores, sources at their own pace", 60, (*check).latency},
		{"memory", "device memory of a source", 25, (*check).memory},
		{"kernels", "time of the kernels", 25, (*check).kernels},
	}
}

// within are the parts of steps that need a process of their own.
func within() []step {
	return []step{{name: "open", run: (*check).open}, {name: "kernel-loop", run: (*check).kernelLoop}}
}

// Steps are the names that Options.Only knows.
func Steps() []string {
	var names []string
	for _, s := range steps() {
		names = append(names, s.name)
	}
	return names
}

func (o *Options) check() error {
	if o.Total <= 0 {
		o.Total = 8 * time.Minute
	}
	for _, name := range o.Only {
		if !slices.Contains(Steps(), name) {
			return fmt.Errorf("there is no step %q: they are %s", name, strings.Join(Steps(), ", "))
		}
	}
	if o.Scratch == "" {
		return errors.New("no folder for logs")
	}
	return nil
}

// Run makes the whole check and prints what it finds as it goes. What is wrong with
// the GPU is in the report; the error is for what kept the check itself from running.
func Run(ctx context.Context, o Options, out io.Writer) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	r := &Report{Date: time.Now().UTC().Format(time.RFC3339), Version: o.Version, Quick: o.Quick}
	r.Machine.describeHost()
	fmt.Fprintf(out, "%s\n%s, %d cores, %.0f GiB\n", r.Machine.System, r.Machine.Processor, r.Machine.Cores, r.Machine.MemoryGiB)
	all := 0
	for _, s := range steps() {
		all += s.share
	}
	for _, s := range steps() {
		if len(o.Only) > 0 && s.name != "machine" && !slices.Contains(o.Only, s.name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return r, err
		}
		budget := o.Total * time.Duration(s.share) / time.Duration(all)
		if o.Quick { // what is short by itself may take its time on a slow machine
			budget = max(budget, time.Minute)
		}
		runStep(ctx, o, s, budget, r, out)
		if err := r.save(o.Save); err != nil {
			return r, err
		}
		if s.name == "machine" && r.Machine.GPU == "" {
			break
		}
	}
	r.conclude(out)
	return r, r.save(o.Save)
}
