package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Live, from disk, and from one to the other: each record once and in order.
func TestFollowInOrder(t *testing.T) {
	const records = 1500
	for _, tailRecords := range []int{1, 10, 4096} {
		t.Run(fmt.Sprint("tail of ", tailRecords), func(t *testing.T) {
			o := testOptions(t.TempDir())
			o.tailRecords = tailRecords
			j := begin(t, o)
			var all sync.WaitGroup
			for range 4 {
				f := follow(t, j, FromStart(), Filter{})
				all.Go(func() {
					for n := uint64(1); n <= records; n++ {
						if r, err := tryNext(f); err != nil || r.Sequence != n {
							t.Errorf("got %d, want %d: %v", r.Sequence, n, err)
							return
						}
					}
				})
			}
			for n := 1; n <= records; n += 100 {
				fill(t, j, "a", n, n+99)
			}
			all.Wait()
			late := follow(t, j, FromSequence(700), Filter{})
			for n := uint64(700); n <= records; n++ {
				if r := nextRecord(t, late); r.Sequence != n {
					t.Fatalf("got %d, want %d", r.Sequence, n)
				}
			}
			if late.Reached() != records {
				t.Errorf("reached %d", late.Reached())
			}
		})
	}
}

// mixed is a journal with verdicts of all kinds: sequence n is of source s<n%3>,
// defect d<n%2>, severity n%3+1 and state n%2+1.
func mixed(t *testing.T, tailRecords, records int) *Journal {
	o := testOptions(t.TempDir())
	o.tailRecords = tailRecords
	j := begin(t, o)
	for n := 1; n <= records; n++ {
		v := verdict(fmt.Sprint("s", n%3), n)
		v.Defect = fmt.Sprint("d", n%2)
		v.Severity = streamvetv1.Severity(n%3 + 1)
		v.State = streamvetv1.State(n%2 + 1)
		v.Labels = map[string]string{"rack": fmt.Sprint(n % 4), "site": "berlin"}
		appendOne(t, j, v)
	}
	return j
}

func TestFilters(t *testing.T) {
	const records = 120
	filters := map[string]struct {
		Filter
		want func(n int) bool
	}{
		"none":         {Filter{}, func(int) bool { return true }},
		"a source":     {Filter{Sources: []string{"s1"}}, func(n int) bool { return n%3 == 1 }},
		"two sources":  {Filter{Sources: []string{"s1", "s0"}}, func(n int) bool { return n%3 < 2 }},
		"a defect":     {Filter{Defects: []string{"d1"}}, func(n int) bool { return n%2 == 1 }},
		"major":        {Filter{MinSeverity: 2}, func(n int) bool { return n%3 > 0 }},
		"critical":     {Filter{MinSeverity: 3}, func(n int) bool { return n%3 == 2 }},
		"a state":      {Filter{States: []streamvetv1.State{2}}, func(n int) bool { return n%2 == 1 }},
		"labels":       {Filter{Labels: map[string]string{"rack": "3", "site": "berlin"}}, func(n int) bool { return n%4 == 3 }},
		"all together": {Filter{Sources: []string{"s2"}, Defects: []string{"d0"}, MinSeverity: 3, Labels: map[string]string{"rack": "2"}}, func(n int) bool { return n%12 == 2 }},
		"nothing":      {Filter{Sources: []string{"s*"}}, func(int) bool { return false }},
		"another rack": {Filter{Labels: map[string]string{"rack": ""}}, func(int) bool { return false }},
	}
	for _, tailRecords := range []int{1, 4096} {
		j := mixed(t, tailRecords, records)
		for name, f := range filters {
			t.Run(fmt.Sprint(name, " with a tail of ", tailRecords), func(t *testing.T) {
				var want, got []uint64
				for n := 1; n <= records; n++ {
					if f.want(n) {
						want = append(want, uint64(n))
					}
				}
				follower := follow(t, j, FromStart(), f.Filter)
				for range want {
					got = append(got, nextRecord(t, follower).Sequence)
				}
				if !slices.Equal(got, want) {
					t.Errorf("followed %v, want %v", got, want)
				}
				listed, next, err := j.Range(t.Context(), FromStart(), FromNow(), f.Filter, records)
				if err != nil || next != 0 || len(listed) != len(want) {
					t.Errorf("listed %d, next %d, %v", len(listed), next, err)
				}
				// With nothing more to give, it has come to the end all the same.
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					await(t, "the end", func() bool { return follower.Live() && follower.Reached() == records })
					cancel()
				}()
				if r, err := follower.Next(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("another one, %d: %v", r.Sequence, err)
				}
			})
		}
	}
}

func TestPositions(t *testing.T) {
	o := testOptions(t.TempDir())
	o.tailRecords = 5
	j := begin(t, o)
	if f := follow(t, j, FromSequence(1), Filter{}); f.Reached() != 0 {
		t.Error("an empty journal has begun")
	}
	fill(t, j, "a", 1, 20)
	between := time.Now()
	fill(t, j, "a", 21, 30)
	for name, c := range map[string]struct {
		from Position
		want uint64
	}{
		"start":          {FromStart(), 1},
		"time":           {FromTime(between), 21},
		"before time":    {FromTime(time.Unix(0, 0)), 1},
		"sequence":       {FromSequence(12), 12},
		"sequence 0":     {FromSequence(0), 1},
		"the newest one": {FromSequence(30), 30},
		"the next one":   {FromSequence(31), 31},
		"now":            {FromNow(), 31},
		"later":          {FromTime(time.Now().Add(50 * time.Millisecond)), 32},
	} {
		t.Run(name, func(t *testing.T) {
			f := follow(t, j, c.from, Filter{})
			if c.want <= 30 {
				if r := nextRecord(t, f); r.Sequence != c.want {
					t.Errorf("begins at %d, want %d", r.Sequence, c.want)
				}
				return
			}
			if f.Reached() != 30 {
				t.Errorf("reached %d", f.Reached())
			}
		})
	}
	if _, err := j.Follow(t.Context(), FromSequence(32), Filter{}); !errors.Is(err, ErrAhead) {
		t.Errorf("ahead: %v", err)
	}
	later := follow(t, j, FromTime(time.Now().Add(30*time.Millisecond)), Filter{})
	appendOne(t, j, verdict("a", 31))
	time.Sleep(40 * time.Millisecond) // what is waited for is the time itself
	appendOne(t, j, verdict("a", 32))
	if r := nextRecord(t, later); r.Sequence != 32 {
		t.Errorf("from later on it gives %d", r.Sequence)
	}
}

// Retention takes records, and whoever wanted them is told, once.
func TestGapOfRetention(t *testing.T) {
	o := testOptions(t.TempDir())
	o.MaxBytes, o.tailRecords = 20000, 5
	j := begin(t, o)
	early := follow(t, j, FromStart(), Filter{})
	filtered := follow(t, j, FromStart(), Filter{Sources: []string{"b"}})
	fill(t, j, "a", 1, 300)
	appendOne(t, j, verdict("b", 1))
	await(t, "the tail", func() bool { return j.tail.seen() == 301 })
	first := stream(t, j).FirstSeq
	if first < 100 {
		t.Fatalf("the first is %d", first)
	}
	for _, f := range []*Follower{early, filtered, follow(t, j, FromSequence(1), Filter{})} {
		if gap := nextGap(t, f); gap != (Gap{First: 1, Last: first - 1}) {
			t.Fatalf("%+v, want up to %d", gap, first-1)
		}
		if f.Reached() != first-1 {
			t.Errorf("reached %d", f.Reached())
		}
	}
	for n := first; n <= 301; n++ {
		if r := nextRecord(t, early); r.Sequence != n {
			t.Fatalf("got %d, want %d", r.Sequence, n)
		}
	}
	if r := nextRecord(t, filtered); r.Sequence != 301 {
		t.Errorf("got %d", r.Sequence)
	}
	if r := nextRecord(t, follow(t, j, FromStart(), Filter{})); r.Sequence != first {
		t.Errorf("the start is %d", r.Sequence)
	}
	if _, err := j.Get(t.Context(), 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("get of one that is gone: %v", err)
	}
}

// stream is what the server says of the records' stream.
func stream(t *testing.T, j *Journal) jetstream.StreamState {
	t.Helper()
	s, err := j.readable()
	if err != nil {
		t.Fatal(err)
	}
	state, err := s.info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// Age takes them all.
func TestGapOfAge(t *testing.T) {
	o := testOptions(t.TempDir())
	o.MaxAge, o.tailRecords = 200*time.Millisecond, 1
	j := begin(t, o)
	f := follow(t, j, FromStart(), Filter{})
	fill(t, j, "a", 1, 10)
	await(t, "age", func() bool { return stream(t, j).Msgs == 0 })
	if gap := nextGap(t, f); gap.First != 1 || gap.Last < 9 || gap.Damage {
		t.Errorf("%+v", gap)
	}
	if r := follow(t, j, FromStart(), Filter{}).Reached(); r != 10 {
		t.Errorf("the start is behind %d", r)
	}
	if n := appendOne(t, j, verdict("a", 11)); n != 11 {
		t.Errorf("goes on with %d", n)
	}
}

func TestCloseEndsFollowers(t *testing.T) {
	j := begin(t, testOptions(t.TempDir()))
	f, g := follow(t, j, FromNow(), Filter{}), follow(t, j, FromNow(), Filter{})
	ends := make(chan error, 1)
	go func() { _, err := f.Next(context.Background()); ends <- err }()
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Error(err)
	}
	if err := <-ends; err != io.EOF {
		t.Errorf("a closed follower: %v", err)
	}
	go func() { _, err := g.Next(context.Background()); ends <- err }()
	finish(t, j)
	finish(t, j)
	if err := <-ends; !errors.Is(err, ErrClosed) {
		t.Errorf("a follower of a closed journal: %v", err)
	}
	_, err := j.Append(t.Context(), verdict("a", 1))
	if !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := j.Follow(t.Context(), FromNow(), Filter{}); !errors.Is(err, ErrClosed) {
		t.Errorf("follow: %v", err)
	}
	if _, err := j.Get(t.Context(), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("get: %v", err)
	}
}
