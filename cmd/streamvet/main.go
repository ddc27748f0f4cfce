// Command streamvet finds defects in video and sound.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// version is set by the linker.
var version = "devel"

// Exit codes of every command.
const (
	exitClean   = 0
	exitDefects = 1
	exitTrouble = 2 // something could not be done
)

// helpWidth is the width of help texts.
const helpWidth = 100

// command is one verb of the program.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, stdout, stderr io.Writer) int
}

func commands() []command {
	return []command{
		{"vet", "find defects in files and URLs", vetCommand},
		{"serve", "watch live sources; clients follow verdicts over gRPC", serveCommand},
		{"inject", "put defects into a clip, with exact ground truth", injectCommand},
		{"eval", "measure how well the detectors find them", evalCommand},
		{"detectors", "list what is looked for, how, and from which score on", detectorsCommand},
		{"sources", "what a server watches: list, add, remove, pause", sourcesCommand},
		{"follow", "print the verdicts of a server as they come", followCommand},
		{"token", "make a token for a caller of serve", tokenCommand},
		{"version", "list everything that is linked, with versions", versionCommand},
	}
}

func main() {
	ctx, end := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		end()
		<-signals
		os.Exit(exitInterrupted)
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program; it gives the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out := &output{w: stdout}
	code := dispatch(ctx, args, out, stderr)
	if out.failed != nil {
		fmt.Fprintf(stderr, "streamvet: write the output: %v\n", out.failed)
		return exitTrouble
	}
	return code
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return exitTrouble
	}
	name := args[0]
	switch name {
	case "help", "-h", "--help":
		if len(args) > 1 {
			return dispatch(ctx, []string{args[1], "--help"}, stdout, stderr)
		}
		usage(stdout)
		return exitClean
	case "--version":
		name = "version"
	}
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		fmt.Fprintf(stderr, "streamvet: there is no command %q. ", name)
		usage(stderr)
		return exitTrouble
	}
	return all[i].run(ctx, args[1:], stdout, stderr)
}

func usage(w io.Writer) {
	var b strings.Builder
	b.WriteString("streamvet finds defects in video and sound.\n\nUsage: streamvet COMMAND ...\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.summary)
	}
	b.WriteString(`
Try:
  streamvet vet film.mp4                      print what is wrong with it
  streamvet vet --report film.html film.mp4   and make a page to look at
  streamvet inject film.mp4 -o bad.mp4 --defect black@3-4 --defect silence@5-7
  streamvet COMMAND --help                    all there is to a command
`)
	io.WriteString(w, b.String())
}
