package livetest

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/streamvet/streamvet/server"
	"github.com/streamvet/streamvet/server/config"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// What the server must bear on two cores; less is for machines with much else to do.
var (
	loadSources   = flag.Int("load.sources", 100, "sources of TestLoad")
	loadFollowers = flag.Int("load.followers", 1000, "followers of TestLoad")
	loadWithout   = flag.String("load.without", "", "detectors that TestLoad does without, a,b,...")
)

const settleTime, loadTime = 10 * time.Second, 40 * time.Second

// A hundred live sources and a thousand followers, each of one source: no picture
// is left out, and every follower of a source gets the same records.
func TestLoad(t *testing.T) {
	if !*load {
		t.Skip("left out, since it keeps the machine busy for minutes: go test ./server/livetest -load -run TestLoad")
	}
	need(t, "ffmpeg")
	s := serve(t, "--detectors-without="+*loadWithout)
	conns := make([]*grpc.ClientConn, 10)
	for i := range conns {
		conns[i] = dial(t, s.Address())
	}
	followers := follow(t, conns)
	sendToMany(t, conns[0])
	sources := streamvetv1.NewSourceServiceClient(conns[0])
	eventually(t, "all sources to run", func() bool {
		r, err := sources.ListSources(t.Context(), &streamvetv1.ListSourcesRequest{Filter: &streamvetv1.SourceFilter{States: []streamvetv1.SourceState{streamvetv1.SourceState_SOURCE_STATE_RUNNING}}, PageSize: uint32(*loadSources)})
		if err != nil {
			t.Fatal(err)
		}
		return len(r.Sources) == *loadSources
	})

	time.Sleep(settleTime) // what waited while the sources were opened comes at once
	followers.forget()
	before, used, began := pageOf(t, s), processorTime(t), time.Now()
	time.Sleep(loadTime)
	passed, cpu, after := time.Since(began), processorTime(t)-used, pageOf(t, s)
	frames := after["streamvet_frames_total"] - before["streamvet_frames_total"]
	t.Logf("%.1f pictures a second of %d sources, %.2f cores, %v", frames/passed.Seconds(), *loadSources, cpu.Seconds()/passed.Seconds(), read(t))
	t.Logf("verdicts stored: %.0f, waiting: %.0f", after["streamvet_journal_latest_sequence"]-before["streamvet_journal_latest_sequence"], after["streamvet_verdict_queue"])
	t.Logf("picture to score: 99 %% within %v; told to stored: %v", quantile(before, after, "streamvet_latency_seconds"), quantile(before, after, "streamvet_verdict_delay_seconds"))
	dropped := 0.0
	for name, n := range after {
		if strings.HasPrefix(name, "streamvet_frames_dropped_total") {
			dropped += n - before[name]
		}
	}
	if dropped > 0 {
		t.Errorf("%.0f pictures were left out", dropped)
	}
	if sent := 15 * float64(*loadSources) * passed.Seconds(); frames < 0.95*sent {
		t.Errorf("%.0f pictures of %.0f", frames, sent)
	}
	followers.report(t)
}

// Sources come and go through the API, and nothing is left of them: neither of
// those that connect nor of those that already run.
func TestSourcesComeAndGo(t *testing.T) {
	need(t, "ffmpeg")
	rounds := 100
	if *load {
		rounds = 10000
	}
	s := serve(t, "--detectors-only=black,stall", "--auth-rate=0")
	sources := streamvetv1.NewSourceServiceClient(dial(t, s.Address()))
	port := freePort(t)
	sender(t, clip(t, loop), "-f", "mpegts", fmt.Sprintf("udp://127.0.0.1:%d?pkt_size=1316", port))
	cycle := func(n int) {
		name := "camera-" + strconv.Itoa(n)
		_, err := sources.AddSource(t.Context(), &streamvetv1.AddSourceRequest{Config: &streamvetv1.SourceConfig{
			Name: name, Url: fmt.Sprintf("udp://127.0.0.1:%d", port),
		}})
		if err != nil {
			t.Fatal(err)
		}
		if n%20 == 0 {
			eventually(t, name+" to run", func() bool {
				r, err := sources.GetSource(t.Context(), &streamvetv1.GetSourceRequest{Name: name})
				return err == nil && r.Source.Status.State == streamvetv1.SourceState_SOURCE_STATE_RUNNING
			})
		}
		if _, err := sources.RemoveSource(t.Context(), &streamvetv1.RemoveSourceRequest{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range rounds / 4 {
		cycle(n)
	}
	before := read(t)
	for n := range rounds {
		cycle(n)
	}
	read(t).flat(t, before, rounds)
}

// serve runs the whole server, with all its detectors if no others are asked for.
func serve(t *testing.T, args ...string) *server.Server {
	t.Helper()
	path := filepath.Join(t.TempDir(), "streamvet.yaml")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags := config.AddFlags(f)
	err := f.Parse(append(args,
		"--config", path, "--state-dir", filepath.Join(t.TempDir(), "state"), "--grpc-address=127.0.0.1:0", "--http-address=127.0.0.1:0",
		"--engine-device=cpu", "--engine-max-latency=10s", "--journal-min-free=0", "--reach-allow=127.0.0.0/8",
	))
	if err != nil {
		t.Fatal(err)
	}
	c, err := flags.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), c, server.Options{
		Logger: slog.New(slog.DiscardHandler), Level: &slog.LevelVar{}, Version: "test", ORTLibrary: os.Getenv("STREAMVET_ORT_LIB"),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			t.Errorf("the server ended: %v", err)
		}
	})
	eventually(t, "the server to be ready", func() bool {
		code, _ := fetch(t, "http://"+s.HTTPAddress()+"/readyz")
		return code == http.StatusOK
	})
	return s
}

// sendToMany adds all sources, and sends one clip to all of them, from a few FFmpegs
// that begin at different times in it: cameras do not all go black in the same
// millisecond.
func sendToMany(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	film := filepath.Join(clips, "load.mp4")
	err := ffmpeg("-i", clip(t, onceOnly), "-r", "15", "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "15", "-c:a", "copy", film)
	if err != nil {
		t.Fatal(err)
	}
	const senders = 10
	var to [senders][]string
	for i := range *loadSources {
		port := freePort(t)
		to[i%senders] = append(to[i%senders], fmt.Sprintf("[f=mpegts]udp://127.0.0.1:%d?pkt_size=1316", port))
		_, err := streamvetv1.NewSourceServiceClient(conn).AddSource(t.Context(), &streamvetv1.AddSourceRequest{Config: &streamvetv1.SourceConfig{
			Name: sourceName(i), Url: fmt.Sprintf("udp://127.0.0.1:%d", port),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, outputs := range to {
		if len(outputs) == 0 {
			break
		}
		sender(t, film, "-map", "0", "-f", "tee", strings.Join(outputs, "|"))
		if i < senders-1 {
			time.Sleep(587 * time.Millisecond) // a tenth of the clip, and a little apart in their pictures
		}
	}
}

func sourceName(i int) string { return "camera-" + strconv.Itoa(i%*loadSources) }

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	c, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// crowd are the followers, each of one source.
type crowd struct {
	stop   func()
	mu     sync.Mutex
	got    [][]uint64
	delays []time.Duration // from stored to seen
	wrong  []error
}

func follow(t *testing.T, conns []*grpc.ClientConn) *crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &crowd{got: make([][]uint64, *loadFollowers)}
	var all sync.WaitGroup
	c.stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(c.stop)
	for i := range *loadFollowers {
		f, err := streamvetv1.NewVerdictServiceClient(conns[i%len(conns)]).FollowVerdicts(ctx, &streamvetv1.FollowVerdictsRequest{
			Filter: &streamvetv1.VerdictFilter{Sources: []string{sourceName(i)}},
		})
		if err == nil {
			_, err = f.Recv() // the mark that comes first
		}
		if err != nil {
			t.Fatalf("follower %d: %v", i, err)
		}
		all.Go(func() {
			for {
				r, err := f.Recv()
				if ctx.Err() != nil {
					return
				}
				c.take(i, r, err)
				if err != nil {
					return
				}
			}
		})
	}
	return c
}

func (c *crowd) take(i int, r *streamvetv1.FollowVerdictsResponse, err error) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.wrong = append(c.wrong, err)
	case r.GetGap() != nil:
		c.wrong = append(c.wrong, fmt.Errorf("a gap: %v", r.GetGap()))
	case r.GetRecord() != nil:
		c.got[i] = append(c.got[i], r.GetRecord().Sequence)
		c.delays = append(c.delays, now.Sub(r.GetRecord().Stored.AsTime()))
	}
}

// forget leaves out the delays so far.
func (c *crowd) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delays = nil
}

// report holds that followers of the same source got the same, but for the last
// records, that not all have got yet.
func (c *crowd) report(t *testing.T) {
	t.Helper()
	c.stop()
	for _, err := range c.wrong {
		t.Errorf("a follower: %v", err)
	}
	for i, got := range c.got {
		first := c.got[i%*loadSources]
		n := min(len(got), len(first))
		if n == 0 || !slices.Equal(got[:n], first[:n]) || !slices.IsSorted(got) {
			t.Errorf("follower %d got %d records, another one of its source %d", i, len(got), len(first))
		}
	}
	if len(c.delays) == 0 {
		t.Fatal("no follower got anything")
	}
	slices.Sort(c.delays)
	t.Logf("%d records to %d followers: stored to seen: half within %v, 99 %% within %v", len(c.delays), *loadFollowers, c.delays[len(c.delays)/2], c.delays[len(c.delays)*99/100])
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// pageOf reads the server's metrics, each line a name with its labels.
func pageOf(t *testing.T, s *server.Server) map[string]float64 {
	t.Helper()
	_, body := fetch(t, "http://"+s.HTTPAddress()+"/metrics")
	page := map[string]float64{}
	for line := range strings.Lines(body) {
		at := strings.LastIndexByte(line, ' ')
		if n, err := strconv.ParseFloat(strings.TrimSpace(line[at+1:]), 64); err == nil && line[0] != '#' {
			page[line[:at]] = n
		}
	}
	return page
}

// quantile is the upper bound of the bucket that holds the 99th percentile of a
// histogram, of what came in between.
func quantile(before, after map[string]float64, name string) time.Duration {
	count := after[name+"_count"] - before[name+"_count"]
	best := time.Duration(1<<63 - 1)
	for line, n := range after {
		bound, ok := strings.CutPrefix(line, name+`_bucket{le="`)
		seconds, err := strconv.ParseFloat(strings.TrimSuffix(bound, `"}`), 64)
		if ok && err == nil && seconds < 1e6 && n-before[line] >= 0.99*count {
			best = min(best, time.Duration(seconds*float64(time.Second)))
		}
	}
	return best
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now); err != nil {
		t.Fatal(err)
	}
	return time.Duration(now.Nano())
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
