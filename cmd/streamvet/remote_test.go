package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// The commands that speak to a server, against a real one.
func TestRemoteCommands(t *testing.T) {
	dir := t.TempDir()
	film := clip(t, "film.ts", "-f lavfi -i testsrc2=size=160x90:rate=25:duration=4 -vf drawbox=color=black:t=fill:enable='gte(t,1)*lt(t,3)' -c:v mpeg2video -q:v 4")
	detectors := filepath.Join(dir, "detectors", "black")
	if err := os.MkdirAll(detectors, 0o700); err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile("../../models/black/detector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(detectors, "detector.yaml"), manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, "--reach-roots", filepath.Dir(film), "--detectors-dir", filepath.Dir(detectors))
	t.Setenv("STREAMVET_SERVER", s.grpc)

	streamvet(t, "sources", "add", "film", "file://"+film, "--label", "site=north", "--rule", "black.min_duration=1s", "--wait").want(t, exitClean, "film is")
	streamvet(t, "sources", "add", "film", "file://"+film).want(t, exitTrouble, "there is a source of that name already")
	streamvet(t, "sources", "add", "secret", "file:///etc/passwd").want(t, exitTrouble, "the file lies outside")
	streamvet(t, "sources", "add", "gone", "file://"+film+"x", "--wait").want(t, exitTrouble, "gone has failed", "check the name")

	records := streamvet(t, "follow", "--from", "start", "--no-wait", "--json")
	for len(strings.Split(records.out, "\n")) < 3 { // raised and cleared, and what is behind the last line
		records = streamvet(t, "follow", "--from", "start", "--no-wait", "--json")
	}
	records.want(t, exitClean, `"source":"film"`, `"state":"STATE_RAISED"`, `"labels":{"site":"north"}`, `"state":"STATE_CLEARED"`)
	var first map[string]any
	if err := json.Unmarshal([]byte(strings.Split(records.out, "\n")[0]), &first); err != nil || first["sequence"] != "1" {
		t.Errorf("the first line is %v: %v", first, err)
	}
	streamvet(t, "follow", "--from", "1h", "--no-wait", "--state", "raised", "--label", "site=north").want(t, exitClean, "film", "raised", "black", "epoch 0, #1")
	if o := streamvet(t, "follow", "--from", "start", "--no-wait", "--source", "other"); o.out != "" {
		t.Errorf("another source has %q", o.out)
	}
	place := filepath.Join(dir, "place.json")
	streamvet(t, "follow", "--from", "start", "--no-wait", "--resume", place).want(t, exitClean, "#1", "#2")
	if o := streamvet(t, "follow", "--from", "start", "--no-wait", "--resume", place); o.out != "" || o.code != exitClean {
		t.Errorf("it came again: %q", o.out)
	}

	streamvet(t, "sources", "ls").want(t, exitClean, "NAME", "film  ended", "gone  failed")
	streamvet(t, "sources", "ls", "--state", "failed", "--json").want(t, exitClean, `"name":"gone"`)
	streamvet(t, "sources", "get", "film").want(t, exitClean, "film: ended", "mpeg2video, 160x90, 25 frames/s", "site=north", "1 raised")
	streamvet(t, "sources", "pause", "film").want(t, exitClean)
	streamvet(t, "sources", "ls", "--state", "paused").want(t, exitClean, "film  paused")
	streamvet(t, "sources", "resume", "film").want(t, exitClean)
	streamvet(t, "sources", "rm", "film", "gone").want(t, exitClean)
	streamvet(t, "sources", "get", "film").want(t, exitTrouble, "there is no source of that name")

	streamvet(t, "detectors", "ls").want(t, exitClean, "DETECTOR", "black", "picture", "FROM")
	streamvet(t, "detectors", "load", "black", "--shadow").want(t, exitClean, "runs as a shadow")
	streamvet(t, "detectors", "ls").want(t, exitClean, "shadow")
	streamvet(t, "detectors", "unload", "black", "--shadow").want(t, exitClean)
	streamvet(t, "detectors", "unload", "black").want(t, exitTrouble, "the last detector")
	streamvet(t, "detectors", "load", "none").want(t, exitTrouble, "no such folder")
	streamvet(t, "detectors", "reload").want(t, exitClean, "loaded: none")
}

func TestRemoteCommandsTellHowTheyAreUsed(t *testing.T) {
	t.Setenv("STREAMVET_SERVER", "127.0.0.1:1")
	for args, want := range map[string]string{
		"sources --help":        "Usage: streamvet sources VERB",
		"sources add --help":    "--srt-passphrase-file",
		"sources ls -h":         "--token-file",
		"follow --help":         "Usage: streamvet follow",
		"detectors load --help": "Usage: streamvet detectors load PATH",
		"detectors --help":      "ls|load|unload|reload|compare",
	} {
		streamvet(t, strings.Fields(args)...).want(t, exitClean, want)
	}
	for args, want := range map[string]string{
		"sources":                               "Usage: streamvet sources VERB",
		"sources lst":                           `there is no "lst"`,
		"sources rm":                            "0 arguments given",
		"sources get a b":                       "2 arguments given",
		"sources add a":                         "give a name and a URL",
		"sources add a rtsp://b --rtsp tdp":     `--rtsp "tdp" is none of tcp, udp`,
		"sources add a rtsp://b --label x":      "write it as KEY=VALUE",
		"sources add a rtsp://b --rule black":   "write it as DEFECT.FIELD=VALUE",
		"sources add a rtsp://b --rule a.b=1":   "none of raise, clear",
		"sources ls --state best":               `--state "best" is none of connecting`,
		"sources ls":                            "no server answers at 127.0.0.1:1",
		"sources ls --cert x":                   "a certificate needs its key",
		"sources ls --token-file /none":         "no such file",
		"follow now":                            "1 argument given",
		"follow --from yesterday":               `--from "yesterday" is none of now`,
		"follow --min-severity bad":             "none of critical, major, minor",
		"follow --server example.com:1 --ca /x": "read the CA",
		"detectors load":                        "0 arguments given",
	} {
		streamvet(t, strings.Fields(args)...).want(t, exitTrouble, want)
	}
}

// A command that comes before its server listens waits a moment for it.
func TestAServerThatStartsIsWaitedFor(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	for _, c := range []struct {
		refused int32 // connections before the server listens
		want    bool
	}{{0, true}, {2, true}, {1 << 30, false}} {
		var dials atomic.Int32
		conn, err := grpc.NewClient("passthrough:///server", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: time.Millisecond, Multiplier: 1, MaxDelay: time.Millisecond}}),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				if dials.Add(1) <= c.refused {
					return nil, syscall.ECONNREFUSED
				}
				return (&net.Dialer{}).DialContext(ctx, "tcp", listener.Addr().String())
			}))
		if err != nil {
			t.Fatal(err)
		}
		conn.Connect()
		if got := answersSoon(t.Context(), conn); got != c.want {
			t.Errorf("after %d refusals: %v, want %v", c.refused, got, c.want)
		}
		conn.Close()
	}
	server.Stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPosition(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"now": "now:true", "start": "start:true", "42": "sequence:42", "2h": "time:2026-11-26T10:00:00Z", "2026-11-26T09:00:00Z": "time:2026-11-26T09:00:00Z",
	} {
		p, err := position(text, now)
		got := strings.ReplaceAll(p.String(), " ", "")
		if at, ok := p.GetAt().(*streamvetv1.Position_Time); ok {
			got = "time:" + at.Time.AsTime().Format(time.RFC3339)
		}
		if err != nil || got != want {
			t.Errorf("%s is %s, want %s: %v", text, got, want, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "-2h", "0s", "noon"} {
		if _, err := position(text, now); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
