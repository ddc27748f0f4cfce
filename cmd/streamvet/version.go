package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/streamvet/streamvet/engine/device/cpu"
	"github.com/streamvet/streamvet/engine/device/cuda"
	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/engine/media"
)

// ortLibrary is where make setup put ONNX Runtime; set by the linker.
var ortLibrary string

// ortFile is the library's name wherever it is installed.
const ortFile = "libonnxruntime.so.1.29.0"

// installedORT finds ONNX Runtime without the environment's help: beside the
// program, where the linker was told, or where packages put it.
func installedORT() string {
	var places []string
	if exe, err := os.Executable(); err == nil {
		dir := filepath.Dir(exe)
		places = append(places, filepath.Join(dir, ortFile), filepath.Join(dir, "../lib", ortFile))
	}
	places = append(places, ortLibrary, filepath.Join("/usr/local/lib", ortFile), filepath.Join("/usr/lib", ortFile))
	for _, p := range places {
		if _, err := os.Stat(p); p != "" && err == nil {
			return p
		}
	}
	return ortLibrary
}

func versionCommand(_ context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		fmt.Fprint(stdout, "Usage: streamvet version\n\nLists the program, its libraries and the device, with versions.\n")
		if args[0] == "-h" || args[0] == "--help" {
			return exitClean
		}
		return exitTrouble
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "streamvet\t%s\n", version)
	fmt.Fprintf(w, "go\t%s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, l := range media.Versions() {
		fmt.Fprintf(w, "%s\t%s\n", l.Name, l.Version)
	}
	code := exitClean
	if lib, err := infer.Open(findORT(), infer.Options{}); err != nil {
		fmt.Fprintf(w, "onnxruntime\tnot usable: %v\n", err)
		code = exitTrouble
	} else {
		fmt.Fprintf(w, "onnxruntime\t%s (%s)\n", lib.Version(), findORT())
		lib.Close()
	}
	if dev, err := cpu.Open(cpu.Options{}); err == nil {
		fmt.Fprintf(w, "device\t%s\n", dev.Name())
		dev.Close()
	}
	gpus, err := cuda.List()
	for _, g := range gpus {
		fmt.Fprintf(w, "device\t%s (cuda:%d), %.0f GiB, compute capability %d.%d, driver %s\n",
			g.Name, g.Ordinal, float64(g.Memory)/(1<<30), g.Major, g.Minor, g.Driver)
	}
	if err != nil {
		fmt.Fprintf(w, "gpu\tnone: %v\n", err)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			fmt.Fprintf(w, "%s\t%s\n", m.Path, m.Version)
		}
	}
	return code
}
