package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a server that answers each call of FollowVerdicts by the next part
// of a script.
type scripted struct {
	streamvetv1.UnimplementedVerdictServiceServer
	calls []func(*streamvetv1.FollowVerdictsRequest, grpc.ServerStreamingServer[streamvetv1.FollowVerdictsResponse]) error
	asked []string
}

func (s *scripted) FollowVerdicts(r *streamvetv1.FollowVerdictsRequest, stream grpc.ServerStreamingServer[streamvetv1.FollowVerdictsResponse]) error {
	ask := "now"
	switch at := r.GetFrom().GetAt().(type) {
	case *streamvetv1.Position_Sequence:
		ask = fmt.Sprint(at.Sequence)
	case *streamvetv1.Position_Start:
		ask = "start"
	}
	s.asked = append(s.asked, strings.TrimSpace(ask+" "+r.GetJournal()))
	if len(s.calls) == 0 {
		return status.Error(codes.InvalidArgument, "the script is over")
	}
	next := s.calls[0]
	s.calls = s.calls[1:]
	return next(r, stream)
}

// says is a call that sends events and ends with an error: numbers are records,
// gaps are written 3-5, marks journal@sequence.
func says(err error, events ...string) func(*streamvetv1.FollowVerdictsRequest, grpc.ServerStreamingServer[streamvetv1.FollowVerdictsResponse]) error {
	return func(_ *streamvetv1.FollowVerdictsRequest, stream grpc.ServerStreamingServer[streamvetv1.FollowVerdictsResponse]) error {
		for _, e := range events {
			r := &streamvetv1.FollowVerdictsResponse{}
			var a, b uint64
			if journal, n, ok := strings.Cut(e, "@"); ok {
				fmt.Sscan(n, &a)
				r.Event = &streamvetv1.FollowVerdictsResponse_Mark{Mark: &streamvetv1.Mark{Sequence: a, Journal: &streamvetv1.JournalStatus{Id: journal}}}
			} else if n, _ := fmt.Sscanf(e, "%d-%d", &a, &b); n == 2 {
				r.Event = &streamvetv1.FollowVerdictsResponse_Gap{Gap: &streamvetv1.Gap{First: a, Last: b}}
			} else if e != "" {
				fmt.Sscan(e, &a)
				r.Event = &streamvetv1.FollowVerdictsResponse_Record{Record: &streamvetv1.Record{Sequence: a}}
			}
			if err := stream.Send(r); err != nil {
				return err
			}
		}
		return err
	}
}

func start(t *testing.T, s *scripted) *Client {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	streamvetv1.RegisterVerdictServiceServer(server, s)
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	c, err := Dial(Options{Address: "passthrough:server", Plaintext: true, Dial: []grpc.DialOption{
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); server.Stop(); <-done })
	return c
}

// lively is a client that does not wait, but notes how long it would have.
func lively(c *Client) *[]time.Duration {
	var waits []time.Duration
	c.pause = func(ctx context.Context, d time.Duration) error {
		waits = append(waits, d)
		return ctx.Err()
	}
	return &waits
}

var (
	errGone     = status.Error(codes.Unavailable, "gone")
	errReplaced = func() error {
		s, _ := status.New(codes.FailedPrecondition, "another journal").WithDetails(&errdetails.ErrorInfo{Domain: "streamvet", Reason: "JOURNAL_REPLACED"})
		return s.Err()
	}()
)

// Whatever ends a call, the next one goes on behind what was dealt with.
func TestFollowResumes(t *testing.T) {
	s := &scripted{}
	s.calls = append(s.calls,
		says(errGone, "a@2", "3", "4"),
		says(nil, "a@4", "", "5"), // ends without an error; sends what is not known
		says(errGone),
		says(errGone, "a@5", "6-8", "9"),
		says(errReplaced),
		says(errGone, "b@0", "1"),
	)
	c := start(t, s)
	waits := lively(c)
	var got []string
	troubles := 0
	err := c.Follow(t.Context(), Following{From: FromStart(), Trouble: func(error, time.Duration) { troubles++ }}, func(e Event) error {
		switch {
		case e.Record != nil:
			got = append(got, fmt.Sprint(e.Record.GetSequence()))
		case e.Gap != nil:
			got = append(got, fmt.Sprintf("%d-%d", e.Gap.GetFirst(), e.Gap.GetLast()))
		case e.Replaced:
			got = append(got, "replaced")
		}
		return nil
	})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("it ended with %v", err)
	}
	if want := "3 4 5 6-8 9 replaced 1"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if want := "start|5 a|6 a|6 a|10 a|start|2 b"; strings.Join(s.asked, "|") != want {
		t.Errorf("asked for %v, want %s", strings.Join(s.asked, "|"), want)
	}
	if troubles != 5 || len(*waits) != 5 {
		t.Errorf("%d troubles, waits %v", troubles, *waits)
	}
}

// Waits double up to 10 s, and begin anew after an event.
func TestFollowWaits(t *testing.T) {
	s := &scripted{}
	for range 10 {
		s.calls = append(s.calls, says(errGone))
	}
	s.calls = append(s.calls, says(errGone, "a@1"), says(errGone))
	c := start(t, s)
	waits := lively(c)
	c.Follow(t.Context(), Following{}, func(Event) error { return nil })
	within := func(i int, want time.Duration) {
		t.Helper()
		if d := (*waits)[i]; d < want*8/10 || d > want*12/10 {
			t.Errorf("wait %d is %v, want about %v", i, d, want)
		}
	}
	within(0, 100*time.Millisecond)
	within(1, 200*time.Millisecond)
	within(9, 10*time.Second)
	within(10, 100*time.Millisecond)
	within(11, 200*time.Millisecond)
	if s.asked[9] != "now" || s.asked[11] != "2 a" {
		t.Errorf("asked for %v", s.asked)
	}
}

func TestFollowEnds(t *testing.T) {
	for _, code := range []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.OutOfRange, codes.Unimplemented} {
		s := &scripted{}
		s.calls = append(s.calls, says(status.Error(code, "no")))
		c := start(t, s)
		lively(c)
		if err := c.Follow(t.Context(), Following{}, func(Event) error { return nil }); status.Code(err) != code {
			t.Errorf("%v: %v", code, err)
		}
	}
	t.Run("handler", func(t *testing.T) {
		s := &scripted{}
		s.calls = append(s.calls, says(errGone, "a@1", "2", "3"))
		enough := errors.New("enough")
		var last Place
		err := start(t, s).Follow(t.Context(), Following{}, func(e Event) error {
			if e.Record.GetSequence() == 3 {
				return enough
			}
			last = e.Place
			return nil
		})
		if !errors.Is(err, enough) || last != (Place{2, "a"}) {
			t.Errorf("%v at %v", err, last)
		}
	})
	t.Run("context", func(t *testing.T) {
		s := &scripted{}
		s.calls = append(s.calls, says(errGone, "a@1"))
		ctx, cancel := context.WithCancel(t.Context())
		err := start(t, s).Follow(ctx, Following{}, func(Event) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// A place of an earlier run is where it goes on.
func TestFollowFromAPlace(t *testing.T) {
	s := &scripted{}
	c := start(t, s)
	c.Follow(t.Context(), Following{From: FromStart(), Place: Place{41, "a"}}, func(Event) error { return nil })
	if s.asked[0] != "42 a" {
		t.Errorf("asked for %v", s.asked)
	}
}

func TestDialSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	none := file("none.pem", "nothing", 0o600)
	for what, o := range map[string]Options{
		"no address":            {},
		"holds no certificate":  {Address: "a:1", CA: none},
		"needs its key":         {Address: "a:1", Cert: none},
		"no such file":          {Address: "a:1", CA: filepath.Join(dir, "missing")},
		"certificate of this":   {Address: "a:1", Cert: none, Key: none},
		"of no use without TLS": {Address: "a:1", Plaintext: true, CA: none},
	} {
		if _, err := Dial(o); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %q", err, what)
		}
	}
	if token, err := ReadToken(file("token", "secret\n", 0o600)); err != nil || token != "secret" {
		t.Errorf("%q, %v", token, err)
	}
	for what, path := range map[string]string{
		"chmod 600": file("open", "secret", 0o644), "no token": file("two", "a b", 0o600), "no such file": filepath.Join(dir, "missing"),
	} {
		if _, err := ReadToken(path); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %q", err, what)
		}
	}
}
