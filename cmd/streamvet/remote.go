package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/server/client"
)

// remote is where the server is that a command speaks to.
type remote struct {
	server, tokenFile, ca, cert, key string
	plaintext                        bool
}

const remoteHelp = `
The token is that of --token-file, else $STREAMVET_TOKEN. On this machine the
server is spoken to without TLS, unless --ca or --cert is given.
`

func (r *remote) flags(f *pflag.FlagSet) {
	address := os.Getenv("STREAMVET_SERVER")
	if address == "" {
		address = "127.0.0.1:7171"
	}
	f.StringVar(&r.server, "server", address, "`HOST:PORT` of the server; $STREAMVET_SERVER is another way to say it")
	f.StringVar(&r.tokenFile, "token-file", "", "`FILE` with the token, which nobody else may read")
	f.BoolVar(&r.plaintext, "plaintext", false, "no TLS")
	f.StringVar(&r.ca, "ca", "", "PEM `FILE` of who may sign the server's certificate (default: the system's)")
	f.StringVar(&r.cert, "cert", "", "PEM `FILE` of this client's certificate")
	f.StringVar(&r.key, "key", "", "PEM `FILE` of its key")
}

func (r *remote) dial() (*client.Client, error) {
	o := client.Options{Address: r.server, Token: os.Getenv("STREAMVET_TOKEN"), Plaintext: r.plaintext, CA: r.ca, Cert: r.cert, Key: r.key}
	if r.tokenFile != "" {
		token, err := client.ReadToken(r.tokenFile)
		if err != nil {
			return nil, err
		}
		o.Token = token
	}
	if isHere(r.server) && r.ca == "" && r.cert == "" {
		o.Plaintext = true
	}
	return client.Dial(o)
}

// isHere tells whether an address is one of this machine alone.
func isHere(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// verb is one thing that a command does with a server.
type verb struct {
	name, help string
	flags      func(*pflag.FlagSet) // nil: none of its own
	arguments  [2]int               // how many there must and may be; the latter -1: any number
	run        func(ctx context.Context, c *client.Client, args []string, out io.Writer) error
}

// runVerb runs the verb that the arguments begin with.
func runVerb(ctx context.Context, command, help string, verbs []verb, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || slices.Contains([]string{"-h", "--help", "help"}, args[0]) {
		out, code := stdout, exitClean
		if len(args) == 0 {
			out, code = stderr, exitTrouble
		}
		fmt.Fprint(out, help)
		return code
	}
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == args[0] })
	if i < 0 {
		fmt.Fprintf(stderr, "streamvet %s: there is no %q\n(streamvet %s --help tells what there is)\n", command, args[0], command)
		return exitTrouble
	}
	return verbs[i].call(ctx, command, args[1:], stdout, stderr)
}

func (v verb) call(ctx context.Context, command string, args []string, stdout, stderr io.Writer) int {
	name := strings.TrimSpace(command + " " + v.name)
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	if v.flags != nil {
		v.flags(f)
	}
	var r remote
	r.flags(f)
	help := f.BoolP("help", "h", false, "this text")
	err := f.Parse(args)
	if *help || errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, v.help, remoteHelp, "\nFlags:\n", f.FlagUsagesWrapped(helpWidth))
		return exitClean
	}
	if n := f.NArg(); err == nil && (n < v.arguments[0] || v.arguments[1] >= 0 && n > v.arguments[1]) {
		err = fmt.Errorf("%s given", count(n, "argument"))
	}
	if err != nil {
		usage, _, _ := strings.Cut(v.help, "\n")
		fmt.Fprintf(stderr, "streamvet %s: %v. %s\n(streamvet %s --help tells more)\n", name, err, usage, name)
		return exitTrouble
	}
	c, err := r.dial()
	if err == nil {
		err = v.run(ctx, c, f.Args(), stdout)
		if status.Code(err) == codes.Unavailable && answersSoon(ctx, c.Conn) {
			err = v.run(ctx, c, f.Args(), stdout)
		}
		err = errors.Join(err, c.Close())
	}
	if ctx.Err() != nil { // ended by who began it
		return exitClean
	}
	if err != nil {
		fmt.Fprintf(stderr, "streamvet %s: %s\n", name, r.explain(err))
		return exitTrouble
	}
	return exitClean
}

// startTime is how long a server may take to listen, once it was started.
const startTime = 3 * time.Second

// answersSoon waits for a server that could not be reached, for it may be about to
// start, as by `streamvet serve &` in the line before. One that was reached and went
// away is not waited for: it may have done what it was asked.
func answersSoon(ctx context.Context, conn *grpc.ClientConn) bool {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	s := conn.GetState()
	for s == connectivity.TransientFailure || s == connectivity.Connecting {
		if !conn.WaitForStateChange(ctx, s) {
			return false
		}
		if s = conn.GetState(); s == connectivity.Idle { // to try again
			conn.Connect()
			s = connectivity.Connecting
		}
	}
	return s == connectivity.Ready
}

// explain says what an error of the server means for who called.
func (r *remote) explain(err error) string {
	s, ok := status.FromError(err)
	if !ok || s.Code() == codes.Unknown {
		return report.Legible(err.Error())
	}
	text := report.Legible(s.Message())
	switch {
	case s.Code() == codes.Unavailable && len(s.Details()) == 0:
		return fmt.Sprintf("no server answers at %s (%s): is streamvet serve running, and is TLS as it has it?", r.server, text)
	case s.Code() == codes.Unauthenticated:
		return text + ": give a token with --token-file or $STREAMVET_TOKEN"
	}
	return text
}

// printJSON prints a message on one line.
func printJSON(out io.Writer, m proto.Message) error {
	text, err := protojson.Marshal(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, compact(text))
	return err
}

// pairs reads key=value words.
func pairs(flag string, words []string) (map[string]string, error) {
	all := map[string]string{}
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			return nil, fmt.Errorf("--%s %s: write it as KEY=VALUE", flag, w)
		}
		all[key] = value
	}
	return all, nil
}

// words reads names of an enum: "raised" stands for STATE_RAISED.
func words[E ~int32](flag, prefix string, values map[string]int32, given []string) ([]E, error) {
	var all []E
	for _, w := range given {
		n, ok := values[prefix+strings.ToUpper(strings.ReplaceAll(w, "-", "_"))]
		if !ok || n == 0 {
			var known []string
			for name, n := range values {
				if n != 0 {
					known = append(known, strings.ToLower(strings.TrimPrefix(name, prefix)))
				}
			}
			slices.Sort(known)
			return nil, fmt.Errorf("--%s %q is none of %s", flag, w, strings.Join(known, ", "))
		}
		all = append(all, E(n))
	}
	return all, nil
}
