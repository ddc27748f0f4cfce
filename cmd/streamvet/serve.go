package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/streamvet/streamvet/server"
	"github.com/streamvet/streamvet/server/config"
)

const serveHelp = `Usage: streamvet serve [flags]

Watches live sources and keeps their verdicts. Clients add sources and follow
verdicts over gRPC (docs/api.md); docs/serve.md tells how to run it.

Everything has a default. What flags say can also stand in a YAML file under
the same names, and in the environment: --grpc-address is address under grpc:
there, and STREAMVET_GRPC_ADDRESS. Flags win over the environment, and that over
the file.

Examples:
  streamvet serve
  streamvet serve --config streamvet.yaml
  streamvet serve --config streamvet.yaml --print-config    what is in force, and where it comes from

Exit code: 0 ended as asked, 2 the configuration is wrong, 3 it could not start
or its end was not clean.

Flags:
`

// Exit codes of serve besides.
const (
	exitConfig = exitTrouble
	exitFailed = 3
)

func serveCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	settings := config.AddFlags(f)
	show := f.Bool("print-config", false, "print what is in force, where it comes from, and end")
	help := f.BoolP("help", "h", false, "this text")
	err := f.Parse(args)
	if *help || errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, serveHelp, f.FlagUsagesWrapped(helpWidth))
		return exitClean
	}
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("%q is no flag: it takes nothing else", f.Arg(0))
	}
	var loaded *config.Loaded
	if err == nil {
		loaded, err = settings.Load(os.Environ())
	}
	if err != nil {
		fmt.Fprintf(stderr, "streamvet serve: %v\n(streamvet serve --help tells how it is used)\n", err)
		return exitConfig
	}
	if *show {
		fmt.Fprint(stdout, loaded)
		return exitClean
	}
	log, level := serveLogger(stderr, loaded.Log)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	o := server.Options{Logger: log, Level: level, Hangup: hangup, Version: version, ORTLibrary: findORT()}
	if err := serve(ctx, loaded, o); err != nil {
		log.Error("streamvet serve has failed", "error", err)
		return exitFailed
	}
	return exitClean
}

func serve(ctx context.Context, c *config.Loaded, o server.Options) error {
	s, err := server.New(ctx, c, o)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// serveLogger writes text for people on a terminal, and JSON for machines.
func serveLogger(w io.Writer, c config.Log) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	_ = level.UnmarshalText([]byte(c.Level)) // one of the words that are allowed
	o := &slog.HandlerOptions{Level: level}
	text := c.Format == "text"
	if file, ok := w.(*os.File); ok && c.Format == "auto" {
		text = term.IsTerminal(int(file.Fd()))
	}
	if text {
		return slog.New(slog.NewTextHandler(w, o)), level
	}
	return slog.New(slog.NewJSONHandler(w, o)), level
}
