package journal

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// childRole is set in a process that a test started from this binary.
const childRole = "STREAMVET_JOURNAL_TEST_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role == crashRole {
		os.Exit(crashChild())
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must come.
const patience = 3 * time.Minute

func testOptions(dir string) Options {
	return Options{Dir: dir, MinFree: -1, Logger: slog.New(slog.DiscardHandler), retryEvery: 20 * time.Millisecond}
}

// begin opens a journal and closes it after the test.
func begin(t testing.TB, o Options) *Journal {
	t.Helper()
	j, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, j) })
	return j
}

func finish(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// verdict is the n-th of a source.
func verdict(source string, n int) *streamvetv1.Verdict {
	return &streamvetv1.Verdict{
		Id: "v" + strconv.Itoa(n), Source: source, Defect: "black",
		State: streamvetv1.State_STATE_RAISED, Severity: streamvetv1.Severity_SEVERITY_MAJOR,
		Start: durationpb.New(time.Duration(n) * time.Second), End: durationpb.New(time.Duration(n+1) * time.Second),
		Score: 0.9, Detector: "black", DetectorVersion: "1.0.0",
		Time:   timestamppb.New(time.Unix(1700000000+int64(n), 0)),
		Labels: map[string]string{"site": "berlin"},
	}
}

func appendOne(t testing.TB, j *Journal, v *streamvetv1.Verdict) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n, err := j.Append(ctx, v)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fill appends verdicts first to last of a source, many at once.
func fill(t testing.TB, j *Journal, source string, first, last int) {
	t.Helper()
	failures := make(chan error, last-first+1)
	for n := first; n <= last; n++ {
		go func() {
			_, err := j.Append(context.Background(), verdict(source, n))
			failures <- err
		}()
	}
	for n := first; n <= last; n++ {
		if err := <-failures; err != nil {
			t.Fatal(err)
		}
	}
}

func follow(t testing.TB, j *Journal, from Position, filter Filter) *Follower {
	t.Helper()
	f, err := j.Follow(context.Background(), from, filter)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// nextRecord gives the next record, which must come.
func nextRecord(t testing.TB, f *Follower) Record {
	t.Helper()
	r, err := tryNext(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryNext(f *Follower) (Record, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return f.Next(ctx)
}

// nextGap gives the gap that must come next.
func nextGap(t testing.TB, f *Follower) Gap {
	t.Helper()
	r, err := tryNext(f)
	var gap *Gap
	if !errors.As(err, &gap) {
		t.Fatalf("got record %d, error %v; want a gap", r.Sequence, err)
	}
	return *gap
}

// await waits until is says so.
func await(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func evidence(data string) *streamvetv1.Evidence {
	return &streamvetv1.Evidence{MediaType: "image/jpeg", Data: []byte(data)}
}
