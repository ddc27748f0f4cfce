package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// outside is NATS outside of the journal: some servers on this machine's loopback.
type outside struct {
	options []*server.Options
	servers []*server.Server
}

func startOutside(t *testing.T, servers int) *outside {
	o := &outside{servers: make([]*server.Server, servers)}
	var routes []*url.URL
	for range servers {
		routes = append(routes, &url.URL{Scheme: "nats-route", Host: fmt.Sprint("127.0.0.1:", freePort(t))})
	}
	for i := range servers {
		options := &server.Options{
			ServerName: fmt.Sprint("outside-", i), Host: "127.0.0.1", Port: freePort(t),
			Username: "journal", Password: "sesame", NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
		}
		if servers > 1 {
			_, port, _ := net.SplitHostPort(routes[i].Host)
			options.Cluster = server.ClusterOpts{Name: "outside", Host: "127.0.0.1"}
			fmt.Sscan(port, &options.Cluster.Port)
			options.Routes = routes
		}
		o.options = append(o.options, options)
	}
	for i := range servers {
		o.start(t, i)
	}
	t.Cleanup(func() {
		for i := range servers {
			o.stop(i)
		}
	})
	return o
}

func (o *outside) start(t *testing.T, i int) {
	t.Helper()
	s, err := server.NewServer(o.options[i].Clone())
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatalf("server %d does not start", i)
	}
	o.servers[i] = s
}

func (o *outside) stop(i int) {
	o.servers[i].Shutdown()
	o.servers[i].WaitForShutdown()
}

func (o *outside) url() string {
	var all []string
	for _, s := range o.options {
		all = append(all, fmt.Sprintf("nats://journal:sesame@127.0.0.1:%d", s.Port))
	}
	return strings.Join(all, ",")
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func outsideOptions(o *outside, log *logText) Options {
	handler := slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})
	return Options{URL: o.url(), Logger: slog.New(handler), retryEvery: 20 * time.Millisecond, ackTimeout: 2 * time.Second}
}

// logText is what was logged, by any goroutine.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// appendStubbornly tries until it is stored, like an engine would.
func appendStubbornly(t *testing.T, j *Journal, n int) {
	for end := time.Now().Add(patience); ; {
		_, err := j.Append(context.Background(), verdict("a", n))
		if err == nil {
			return
		}
		if !errors.Is(err, ErrUnavailable) || time.Now().After(end) {
			t.Errorf("append %d: %v", n, err)
			return
		}
	}
}

// A server outside goes away and comes back: the journal says so and goes on, and
// nothing is lost or there twice.
func TestOutsideServer(t *testing.T) {
	o := startOutside(t, 1)
	var log logText
	j := begin(t, outsideOptions(o, &log))
	f := follow(t, j, FromStart(), Filter{})
	fill(t, j, "a", 1, 100)
	second := begin(t, outsideOptions(o, &log)) // as many processes as there are may share it
	if second.State().ID != j.State().ID {
		t.Error("it has two ids")
	}
	changed := j.Changed()
	o.stop(0)
	await(t, "the state", func() bool { return j.State().Status == Unavailable })
	<-changed
	if _, err := j.Append(t.Context(), verdict("a", 101)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("append to nobody: %v", err)
	}
	o.start(t, 0)
	await(t, "recovery", func() bool { return j.State().Status == OK && second.State().Status == OK })
	appendStubbornly(t, j, 101)
	appendStubbornly(t, j, 101)
	appendStubbornly(t, second, 102)
	for n := uint64(1); n <= 102; n++ {
		if r := nextRecord(t, f); r.Sequence != n {
			t.Fatalf("got %d, want %d", r.Sequence, n)
		}
	}
	v := verdict("b", 1)
	v.Evidence = evidence("picture")
	r, err := j.Get(t.Context(), appendOne(t, j, v))
	if err != nil || r.Sequence != 103 {
		t.Fatalf("%d: %v", r.Sequence, err)
	}
	if e, err := second.Evidence(t.Context(), r.Verdict.GetEvidence().GetKey()); err != nil || string(e.GetData()) != "picture" {
		t.Errorf("%q: %v", e.GetData(), err)
	}
	if now := follow(t, second, FromNow(), Filter{}); now.Reached() != 103 {
		t.Errorf("now is behind %d", now.Reached())
	}
	if _, err := j.Follow(t.Context(), FromSequence(105), Filter{}); !errors.Is(err, ErrAhead) {
		t.Errorf("ahead: %v", err)
	}
	// Somebody deletes all of it. Sequences begin anew, and followers are told.
	session, err := j.readable()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = tryNext(f)
	}
	if !errors.Is(err, ErrReplaced) {
		t.Errorf("the follower of what was deleted: %v", err)
	}
	await(t, "a new journal", func() bool { return second.State().ID == j.State().ID && j.State().Status == OK })
	appendStubbornly(t, j, 1)
	if r := nextRecord(t, follow(t, second, FromStart(), Filter{})); r.Sequence != 1 {
		t.Errorf("it begins with %d", r.Sequence)
	}
	finish(t, second)
	finish(t, j)
	if strings.Contains(log.String(), "sesame") {
		t.Errorf("the password is in the log:\n%s", log.String())
	}
}

// Three servers, of which one after the other goes away and comes back while
// verdicts are appended and followed.
func TestOutsideCluster(t *testing.T) {
	o := startOutside(t, 3)
	var log logText
	options := outsideOptions(o, &log)
	options.Replicas, options.tailRecords = 3, 20
	var j *Journal
	await(t, "a cluster", func() bool {
		var err error
		j, err = Open(t.Context(), options)
		return err == nil
	})
	t.Cleanup(func() { finish(t, j) })
	const records = 600
	var all sync.WaitGroup
	for _, filter := range []Filter{{}, {Sources: []string{"a"}, Labels: map[string]string{"site": "berlin"}}} {
		f := follow(t, j, FromStart(), filter)
		all.Go(func() {
			seen := map[string]bool{}
			var last uint64
			for len(seen) < records {
				r, err := tryNext(f)
				if err != nil || r.Sequence != last+1 || seen[r.Verdict.GetId()] {
					t.Errorf("record %d, %s, behind %d and %d others: %v", r.Sequence, r.Verdict.GetId(), last, len(seen), err)
					return
				}
				seen[r.Verdict.GetId()], last = true, r.Sequence
			}
		})
	}
	for n := 1; n <= records; n++ {
		appendStubbornly(t, j, n)
		if n%100 == 50 {
			i := n / 100 % 3
			o.stop(i)
			all.Go(func() { o.start(t, i) })
		}
	}
	all.Wait()
	expectAll(t, j, follow(t, j, FromStart(), Filter{}), records)
}

func TestOutsideRefuses(t *testing.T) {
	o := startOutside(t, 1)
	var log logText
	options := outsideOptions(o, &log)
	nc, err := nats.Connect(o.url())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		metadata map[string]string
		want     error
	}{
		{nil, nil},
		{map[string]string{idKey: "x"}, ErrDamaged},
		{map[string]string{idKey: "x", formatKey: "2"}, ErrNewer},
	} {
		config := jetstream.StreamConfig{Name: streamName, Subjects: []string{subjectPrefix + ">"}, Metadata: c.metadata}
		if _, err := js.CreateOrUpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), options); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c.metadata, err)
		}
	}
	for _, address := range []string{
		"nats://journal:wrong@" + o.options[0].Host + fmt.Sprint(":", o.options[0].Port),
		"nats://journal:wrong@127.0.0.1:1,nats://x:wrong@127.0.0.1:2", "nats://journal:wrong@[::bad", "nats://journal:wr ong@h:x y",
		"tls://journal:wrong@127.0.0.1:" + fmt.Sprint(o.options[0].Port),
	} {
		options.URL = address
		_, err := Open(t.Context(), options)
		if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "wr") || strings.Contains(err.Error(), "journal:") && strings.Contains(err.Error(), "@") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
