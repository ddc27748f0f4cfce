package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/client"
)

const sourceAddHelp = `Usage: streamvet sources add NAME URL [flags]

Adds a source; the server begins to connect. With --wait it returns when pictures
or sound come, or when it has failed.

Examples:
  streamvet sources add news rtsp://user:password@camera.example/live --rtsp udp
  streamvet sources add contribution srt://0.0.0.0:9000 --srt-mode listener --srt-passphrase-file secret
  streamvet sources add quiet udp://@239.0.0.1:1234 --without loudness --rule black.min_duration=5s
  streamvet sources add --json source.json     streamvet.v1.SourceConfig in its proto3 JSON mapping
`

// sourceAdd is what the flags say of a source to add.
type sourceAdd struct {
	labels, only, without, rules, headers []string
	rtsp, srtMode, srtPassphrase          string
	decoder, drops, json                  string
	stall                                 time.Duration
	paused, wait                          bool
}

func (a *sourceAdd) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&a.labels, "label", nil, "label it, as `KEY=VALUE`; may be given again")
	f.StringSliceVar(&a.only, "only", nil, "run only the detectors `a,b,...`")
	f.StringSliceVar(&a.without, "without", nil, "run all detectors but `a,b,...`")
	f.StringArrayVar(&a.rules, "rule", nil, "change a rule, as `DEFECT.FIELD=VALUE`, such as black.min_duration=5s or blur.raise=0.8; may be given again")
	f.StringArrayVar(&a.headers, "header", nil, "send a header with every HTTP request, as `NAME=VALUE`; may be given again")
	f.StringVar(&a.rtsp, "rtsp", "", "how RTSP carries its packets: tcp or udp")
	f.StringVar(&a.srtMode, "srt-mode", "", "who opens an SRT connection: caller (the server calls) or listener (it waits to be called)")
	f.StringVar(&a.srtPassphrase, "srt-passphrase-file", "", "`FILE` with the passphrase of SRT")
	f.DurationVar(&a.stall, "stall-timeout", 0, "nothing for so long is a stall, and it connects anew (default 10s)")
	f.StringVar(&a.decoder, "decoder", "", "where pictures are decoded: software or nvdec, and nothing else")
	f.StringVar(&a.drops, "drop-policy", "", "what happens when detectors cannot keep up: wait or drop")
	f.BoolVar(&a.paused, "paused", false, "keep it, but do not connect to it")
	f.BoolVar(&a.wait, "wait", false, "wait until pictures or sound come; it is an error if it fails")
	f.StringVar(&a.json, "json", "", "take all of it from `FILE`, - for standard input")
}

func (a *sourceAdd) run(ctx context.Context, c *client.Client, args []string, out io.Writer) error {
	config, err := a.config(args)
	if err != nil {
		return err
	}
	r, err := sourcesOf(c).AddSource(ctx, &streamvetv1.AddSourceRequest{Config: config})
	if err != nil || !a.wait {
		return err
	}
	return awaitSource(ctx, c, r.GetSource().GetConfig().GetName(), out)
}

// config is the source that was described.
func (a *sourceAdd) config(args []string) (*streamvetv1.SourceConfig, error) {
	if a.json != "" {
		if len(args) > 0 {
			return nil, errors.New("with --json the name and the URL are in the file")
		}
		return readSource(a.json)
	}
	if len(args) != 2 {
		return nil, errors.New("give a name and a URL")
	}
	s := &streamvetv1.SourceConfig{Name: args[0], Url: args[1], Paused: a.paused, Transport: &streamvetv1.Transport{Srt: &streamvetv1.SrtOptions{}}}
	var err error
	if s.Labels, err = pairs("label", a.labels); err != nil {
		return nil, err
	}
	if s.Transport.HttpHeaders, err = pairs("header", a.headers); err != nil {
		return nil, err
	}
	if s.Detection, err = a.detection(); err != nil {
		return nil, err
	}
	if a.stall != 0 {
		s.StallTimeout = durationpb.New(a.stall)
	}
	if a.srtPassphrase != "" {
		if s.Transport.Srt.Passphrase, err = client.ReadToken(a.srtPassphrase); err != nil {
			return nil, err
		}
	}
	return s, errors.Join(
		word(&s.Transport.Rtsp, "rtsp", "RTSP_TRANSPORT_", streamvetv1.RtspTransport_value, a.rtsp),
		word(&s.Transport.Srt.Mode, "srt-mode", "SRT_MODE_", streamvetv1.SrtMode_value, a.srtMode),
		word(&s.Decoder, "decoder", "DECODER_", streamvetv1.Decoder_value, a.decoder),
		word(&s.DropPolicy, "drop-policy", "DROP_POLICY_", streamvetv1.DropPolicy_value, a.drops),
	)
}

// word sets an enum by its name, if one is given.
func word[E ~int32](to *E, flag, prefix string, values map[string]int32, given string) error {
	if given == "" {
		return nil
	}
	all, err := words[E](flag, prefix, values, []string{given})
	if err == nil {
		*to = all[0]
	}
	return err
}

func (a *sourceAdd) detection() (*streamvetv1.Detection, error) {
	d := &streamvetv1.Detection{Include: a.only, Exclude: a.without}
	for _, text := range a.rules {
		name, value, ok := strings.Cut(text, "=")
		defect, field, dot := strings.Cut(name, ".")
		if !ok || !dot {
			return nil, fmt.Errorf("--rule %s: write it as DEFECT.FIELD=VALUE", text)
		}
		rule := &streamvetv1.Rule{}
		// Durations and names of fields are as in JSON, and quotes around numbers are, too.
		if err := protojson.Unmarshal(fmt.Appendf(nil, "{%q:%q}", field, durationText(value)), rule); err != nil {
			return nil, fmt.Errorf("--rule %s: it is none of raise, clear, min_duration, min_scores, hold, merge, update_every, major, critical, or no such value", text)
		}
		d.Rules = append(d.Rules, &streamvetv1.RuleOverride{Defect: defect, Rule: rule})
	}
	if len(d.Include)+len(d.Exclude)+len(d.Rules) == 0 {
		return nil, nil
	}
	return d, nil
}

// durationText writes a duration in seconds, as JSON wants it; other text stays.
func durationText(text string) string {
	d, err := time.ParseDuration(text)
	if err != nil || text == "0" {
		return text
	}
	return fmt.Sprintf("%.9fs", d.Seconds())
}

func readSource(path string) (*streamvetv1.SourceConfig, error) {
	in := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("--json: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 4<<20))
	if err != nil {
		return nil, fmt.Errorf("--json: %w", err)
	}
	s := &streamvetv1.SourceConfig{}
	if err := protojson.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("--json %s: %w", path, err)
	}
	return s, nil
}

// awaitSource waits until a source runs, has ended, or has failed, which is an error.
func awaitSource(ctx context.Context, c *client.Client, name string, out io.Writer) error {
	stream, err := sourcesOf(c).WatchSources(ctx, &streamvetv1.WatchSourcesRequest{})
	if err != nil {
		return err
	}
	for {
		r, err := stream.Recv()
		if err != nil {
			return err
		}
		s := r.GetSource()
		if r.GetRemoved() == name {
			return fmt.Errorf("%s was removed", name)
		}
		if s.GetConfig().GetName() != name {
			continue
		}
		switch s.GetStatus().GetState() {
		case streamvetv1.SourceState_SOURCE_STATE_FAILED:
			return fmt.Errorf("%s has failed: %s", name, s.GetStatus().GetReason())
		case streamvetv1.SourceState_SOURCE_STATE_PAUSED, streamvetv1.SourceState_SOURCE_STATE_RUNNING, streamvetv1.SourceState_SOURCE_STATE_ENDED:
			_, err := fmt.Fprintf(out, "%s is %s\n", name, stateWord(s))
			return err
		}
	}
}
