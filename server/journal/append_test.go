package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// An append that is tried again has the sequence that it had: at once, after the
// journal was opened again, and in the midst of a batch.
func TestAppendAgain(t *testing.T) {
	dir := t.TempDir()
	j := begin(t, testOptions(dir))
	fill(t, j, "a", 1, 10)
	before := appendOne(t, j, verdict("b", 1))
	for range 2 {
		if got := appendOne(t, j, verdict("b", 1)); got != before {
			t.Fatalf("%d, and then %d", before, got)
		}
		finish(t, j)
		j = begin(t, testOptions(dir))
	}
	const writers = 200
	sequences := make([]uint64, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			// Each of them twice at the same time, and an old one in between.
			n, err := j.Append(context.Background(), verdict("c", i/2))
			if err != nil {
				t.Error(err)
			}
			sequences[i] = n
			if got, err := j.Append(context.Background(), verdict("b", 1)); err != nil || got != before {
				t.Errorf("%d, and then %d: %v", before, got, err)
			}
		})
	}
	all.Wait()
	for i := 0; i < writers; i += 2 {
		if sequences[i] != sequences[i+1] {
			t.Errorf("verdict %d was stored as %d and %d", i/2, sequences[i], sequences[i+1])
		}
	}
	records, _, err := j.Range(t.Context(), FromStart(), FromNow(), Filter{}, 1000)
	if err != nil || len(records) != 10+1+writers/2 {
		t.Errorf("%d records: %v", len(records), err)
	}
}

// Many at once are one batch for the server, with one sync; one that was stored
// already makes it refuse the batch, and then each finds out for itself.
func TestBatch(t *testing.T) {
	j := begin(t, testOptions(t.TempDir()))
	s, err := j.readable()
	if err != nil {
		t.Fatal(err)
	}
	var group []*pending
	for n := range batchFrom {
		v := verdict("a", n)
		body, err := encode(v, "")
		if err != nil {
			t.Fatal(err)
		}
		group = append(group, &pending{messages: []outgoing{{subject: subjectOf(v), id: identity(v), body: body}}})
	}
	for try := range 2 {
		got := map[*pending]uint64{}
		store := func(p *pending, sequence uint64) { got[p] = sequence }
		if ok := s.publishBatch(group, len(group), store); ok != (try == 0) {
			t.Errorf("try %d: the batch was taken: %v", try, ok)
		}
		if failed := s.publish(group, store); len(failed) > 0 {
			t.Error(failed[0].err)
		}
		for i, p := range group {
			if got[p] != uint64(i+1) {
				t.Errorf("try %d: record %d is %d", try, i+1, got[p])
			}
		}
	}
}

func TestEvidence(t *testing.T) {
	j := begin(t, testOptions(t.TempDir()))
	v := verdict("a", 1)
	data := bytes.Repeat([]byte("0123456789"), 50000) // some pieces of the store
	v.Evidence = &streamvetv1.Evidence{At: durationpb.New(1500 * time.Millisecond), MediaType: "image/jpeg", Data: data}
	first := appendOne(t, j, v)
	if again := appendOne(t, j, v); again != first {
		t.Errorf("%d, and then %d", first, again)
	}
	r, err := j.Get(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	named := r.Verdict.GetEvidence()
	if len(named.GetData()) != 0 || named.GetSizeBytes() != uint64(len(data)) || named.GetMediaType() != "image/jpeg" {
		t.Errorf("the record has %d bytes of %d, %s", len(named.GetData()), named.GetSizeBytes(), named.GetMediaType())
	}
	got, err := j.Evidence(t.Context(), named.GetKey())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.GetData(), data) || got.GetMediaType() != "image/jpeg" || got.GetAt().AsDuration() != 1500*time.Millisecond {
		t.Errorf("the picture is %d bytes, %s, at %v", len(got.GetData()), got.GetMediaType(), got.GetAt())
	}
	for _, key := range []string{"none", "", "a.b *>", "\xff\r\n"} {
		if _, err := j.Evidence(t.Context(), key); !errors.Is(err, ErrNotFound) {
			t.Errorf("picture %q: %v", key, err)
		}
	}
	v = verdict("a", 2)
	v.Evidence = &streamvetv1.Evidence{Data: make([]byte, maxPicture+1)}
	if _, err := j.Append(t.Context(), v); !errors.Is(err, ErrInvalid) {
		t.Errorf("a picture that is too large: %v", err)
	}
}

// The oldest pictures make room for new ones, and their records say so no worse
// than with ErrNotFound.
// A picture stored leaves nothing that lives as long as the journal does.
func TestEvidenceLeavesNoGoroutine(t *testing.T) {
	j := begin(t, testOptions(t.TempDir()))
	n := 0
	keep := func(pictures int) {
		for range pictures {
			n++
			v := verdict("a", n)
			v.Evidence = evidence("picture")
			appendOne(t, j, v)
		}
	}
	keep(2)
	before := runtime.NumGoroutine()
	keep(50)
	if after := runtime.NumGoroutine(); after > before+10 {
		t.Errorf("%d goroutines, and %d after 50 pictures", before, after)
	}
}

func TestEvidenceRetention(t *testing.T) {
	o := testOptions(t.TempDir())
	o.EvidenceMaxBytes = 1 << 20
	j := begin(t, o)
	keys := make([]string, 10)
	for n := range keys {
		v := verdict("a", n)
		v.Evidence = &streamvetv1.Evidence{Data: bytes.Repeat([]byte{byte(n)}, 300<<10)}
		r, err := j.Get(t.Context(), appendOne(t, j, v))
		if err != nil {
			t.Fatal(err)
		}
		keys[n] = r.Verdict.GetEvidence().GetKey()
	}
	kept := 0
	for n, key := range keys {
		e, err := j.Evidence(t.Context(), key)
		if err == nil && len(e.GetData()) == 300<<10 {
			kept++
		} else if kept > 0 || !errors.Is(err, ErrNotFound) {
			t.Errorf("picture %d: %v", n, err)
		}
	}
	if kept < 2 || kept > 4 {
		t.Errorf("%d pictures are kept", kept)
	}
}

func TestAppendEnds(t *testing.T) {
	j := begin(t, testOptions(t.TempDir()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Append(ctx, verdict("a", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	stored := map[uint64]bool{}
	for n := range 500 {
		all.Go(func() {
			sequence, err := j.Append(context.Background(), verdict("b", n))
			switch {
			case errors.Is(err, ErrClosed):
			case err != nil:
				t.Error(err)
			default:
				mu.Lock()
				stored[sequence] = true
				mu.Unlock()
			}
		})
	}
	await(t, "some records", func() bool { return j.State().Latest > 0 })
	finish(t, j) // with appends on their way
	all.Wait()
	j = begin(t, Options{Dir: j.options.Dir, MinFree: -1, Logger: j.options.Logger})
	for sequence := range stored {
		if _, err := j.Get(t.Context(), sequence); err != nil {
			t.Errorf("record %d was acknowledged: %v", sequence, err)
		}
	}
}

func TestLookups(t *testing.T) {
	j := begin(t, testOptions(t.TempDir()))
	for n := 1; n <= 200; n++ {
		v := verdict(fmt.Sprint("s", n%2), n/20)
		v.State = streamvetv1.State_STATE_UPDATED
		v.End.Seconds += int64(n)
		appendOne(t, j, v)
	}
	r, err := j.Latest(t.Context(), "s1", "v4")
	if err != nil || r.Sequence != 99 {
		t.Errorf("latest: %d, %v", r.Sequence, err)
	}
	for _, c := range [][2]string{{"s1", "none"}, {"none", "v4"}, {"", ""}} {
		if _, err := j.Latest(t.Context(), c[0], c[1]); !errors.Is(err, ErrNotFound) {
			t.Errorf("latest of %q %q: %v", c[0], c[1], err)
		}
	}
	if r, err := j.Get(t.Context(), 7); err != nil || r.Sequence != 7 || time.Since(r.Stored) > time.Minute {
		t.Errorf("get: %+v, %v", r, err)
	}
	for _, n := range []uint64{0, 201, 1 << 63} {
		if _, err := j.Get(t.Context(), n); !errors.Is(err, ErrNotFound) {
			t.Errorf("get %d: %v", n, err)
		}
	}
	// Page by page.
	var pages, records int
	for next := uint64(50); next > 0; pages++ {
		var page []Record
		page, next, err = j.Range(t.Context(), FromSequence(next), FromSequence(151), Filter{Sources: []string{"s0"}}, 7)
		if err != nil {
			t.Fatal(err)
		}
		records += len(page)
	}
	if records != 51 || pages != 8 {
		t.Errorf("%d records on %d pages", records, pages)
	}
}
