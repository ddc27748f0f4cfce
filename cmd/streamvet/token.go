package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/server/access"
)

const tokenHelp = `Usage: streamvet token new --name NAME [--role read|operate] [--expires WHEN]

Makes a token for a caller of streamvet serve. The token is printed to stdout,
once, and is nowhere else. Its line for the file that auth.tokens names goes to
stderr; the file holds no secret.

Examples:
  streamvet token new --name grafana
  streamvet token new --name desk --role operate --expires 90d 2>>tokens

Flags:
`

func tokenCommand(_ context.Context, args []string, stdout, stderr io.Writer) int {
	f := pflag.NewFlagSet("token", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	name := f.String("name", "", "who will use it; stands in logs")
	role := f.String("role", "read", "what it is good for: read (look at everything) or operate (everything)")
	expires := f.String("expires", "never", "until when: never, days from now such as 90d, or a time such as 2027-01-31T00:00:00Z")
	help := f.BoolP("help", "h", false, "this text")
	err := f.Parse(args)
	if *help || errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, tokenHelp, f.FlagUsagesWrapped(helpWidth))
		return exitClean
	}
	if err == nil && (f.NArg() != 1 || f.Arg(0) != "new") {
		err = errors.New("write streamvet token new --name NAME")
	}
	var until time.Time
	if err == nil {
		until, err = expiry(*expires, time.Now())
	}
	var text, line string
	if err == nil {
		text, line, err = access.NewToken(*name, *role, until)
	}
	if err != nil {
		fmt.Fprintf(stderr, "streamvet token: %v\n(streamvet token --help tells how it is used)\n", err)
		return exitTrouble
	}
	fmt.Fprintln(stdout, text)
	fmt.Fprintln(stderr, line)
	return exitClean
}

// expiry is when a token ends; zero for never.
func expiry(text string, now time.Time) (time.Time, error) {
	if text == "never" {
		return time.Time{}, nil
	}
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); err == nil && n == 1 && fmt.Sprintf("%dd", days) == text && days > 0 && days <= 36500 {
		return now.AddDate(0, 0, days), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return t, fmt.Errorf("--expires %q is no time: write never, 90d or 2027-01-31T00:00:00Z", text)
	case !t.After(now):
		return t, fmt.Errorf("--expires %s has passed", text)
	}
	return t, nil
}
