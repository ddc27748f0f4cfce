package registry

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
)

const (
	raised  = streamvetv1.State_STATE_RAISED
	updated = streamvetv1.State_STATE_UPDATED
	cleared = streamvetv1.State_STATE_CLEARED
)

func state(id string, s streamvetv1.State) *streamvetv1.Verdict {
	return &streamvetv1.Verdict{Id: id, Source: "news", State: s}
}

// names are the verdicts as id and state.
func names(all []*streamvetv1.Verdict) string {
	var words []string
	for _, v := range all {
		words = append(words, v.GetId()+strings.ToLower(v.GetState().String()[6:7]))
	}
	return strings.Join(words, " ")
}

func nothing() error { return nil }

func nobody(*streamvetv1.Verdict) {}

func box(s *shelf, live bool) *outbox {
	o := newOutbox(s, quiet, nothing, nobody, func() {})
	o.live.Store(live)
	return o
}

func (o *outbox) end(t *testing.T) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o.finish()
	return o.flush(ctx)
}

// While the journal takes nothing all waits, in order, and is stored when it does.
func TestOutboxHolds(t *testing.T) {
	s := newShelf()
	s.fail(errFull)
	told := make(chan struct{}, 16)
	o := newOutbox(s, quiet, nothing, nobody, func() { told <- struct{}{} })
	var want []string
	for i := range 100 {
		id := fmt.Sprintf("v%d", i)
		o.put(t.Context(), state(id, raised))
		want = append(want, id+"r")
	}
	<-told
	if n, trouble, lost := o.waiting(); n != 100 || !strings.Contains(trouble, "full") || lost != 0 {
		t.Errorf("%d wait (%s), %d lost", n, trouble, lost)
	}
	s.fail(nil)
	<-told
	if lost := o.end(t); lost != 0 {
		t.Errorf("%d lost", lost)
	}
	if got := names(s.stored()); got != strings.Join(want, " ") {
		t.Errorf("stored %s", got)
	}
	if n, trouble, _ := o.waiting(); n != 0 || trouble != "" {
		t.Errorf("%d wait: %s", n, trouble)
	}
}

// A source that can wait waits for room.
func TestOutboxLetsFilesWait(t *testing.T) {
	s := newShelf()
	s.fail(errFull)
	o := box(s, false)
	for i := range outboxVerdicts {
		o.put(t.Context(), state(fmt.Sprint(i), raised))
	}
	put := make(chan struct{})
	go func() {
		o.put(t.Context(), state("last", raised))
		close(put)
	}()
	select {
	case <-put:
		t.Error("it did not wait")
	case <-time.After(20 * time.Millisecond): // long enough to be wrong
	}
	s.fail(nil)
	<-put
	if lost := o.end(t); lost != 0 || len(s.stored()) != outboxVerdicts+1 {
		t.Errorf("%d lost, %d stored", lost, len(s.stored()))
	}
}

// One that is stopped meanwhile does not wait, and its last verdicts are taken.
func TestOutboxOfASourceThatStops(t *testing.T) {
	s := newShelf()
	s.fail(errFull)
	o := box(s, false)
	for i := range outboxVerdicts {
		o.put(t.Context(), state(fmt.Sprint(i), raised))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o.put(ctx, state("0", cleared))
	s.fail(nil)
	if lost := o.end(t); lost != 0 || len(s.stored()) != outboxVerdicts+1 {
		t.Errorf("%d lost, %d stored", lost, len(s.stored()))
	}
}

// That of a live source merges what one verdict has to say, and loses only what
// cannot be merged.
func TestOutboxOfALiveSourceMerges(t *testing.T) {
	s := newShelf()
	s.fail(errFull)
	o := box(s, true)
	o.put(t.Context(), state("first", raised))
	for s.failures() == 0 { // it is on its way
	}
	for range outboxVerdicts {
		o.put(t.Context(), state("a", updated))
		o.put(t.Context(), state("first", updated))
	}
	o.put(t.Context(), state("b", raised))
	o.put(t.Context(), state("b", cleared))
	for i := range outboxVerdicts {
		o.put(t.Context(), state(fmt.Sprint(i), raised))
		o.put(t.Context(), state(fmt.Sprint(i), cleared))
	}
	n, _, lost := o.waiting()
	if n > outboxVerdicts || lost == 0 || lost > 10 {
		t.Errorf("%d wait, %d lost", n, lost)
	}
	s.fail(nil)
	o.end(t)
	got := s.stored()
	if got[0].GetId() != "first" || got[0].GetState() != raised {
		t.Errorf("the first is %v", got[0])
	}
	last := map[string]streamvetv1.State{}
	updates := 0
	for _, v := range got {
		if v.GetState() <= last[v.GetId()] && v.GetState() != updated {
			t.Errorf("%v after %v", v, last[v.GetId()])
		}
		last[v.GetId()] = v.GetState()
		if v.GetState() == updated {
			updates++
		}
	}
	if last["b"] != cleared || updates > 2 {
		t.Errorf("b is %v, %d updates", last["b"], updates)
	}
}

func (s *shelf) failures() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// Pictures that wait are bounded; verdicts come without them then.
func TestOutboxBoundsPictures(t *testing.T) {
	s := newShelf()
	s.fail(errFull)
	o := box(s, true)
	picture := make([]byte, 1<<20)
	for i := range 20 {
		v := state(fmt.Sprint(i), raised)
		v.Evidence = &streamvetv1.Evidence{Data: picture}
		o.put(t.Context(), v)
	}
	s.fail(nil)
	o.end(t)
	with := 0
	for _, v := range s.stored() {
		if v.GetEvidence() != nil {
			with++
		}
	}
	if len(s.stored()) != 20 || with != outboxPictures>>20 {
		t.Errorf("%d verdicts, %d with a picture", len(s.stored()), with)
	}
	if o.pictures != 0 {
		t.Errorf("%d bytes are counted still", o.pictures)
	}
}

// What the journal never takes is lost and counted; what follows is stored.
func TestOutboxGivesUpWhatIsInvalid(t *testing.T) {
	s := newShelf()
	s.fail(journal.ErrInvalid)
	o := box(s, true)
	o.put(t.Context(), state("bad", raised))
	for _, _, lost := o.waiting(); lost == 0; _, _, lost = o.waiting() {
	}
	s.fail(nil)
	o.put(t.Context(), state("good", raised))
	if lost := o.end(t); lost != 1 || names(s.stored()) != "goodr" {
		t.Errorf("%d lost, stored %s", lost, names(s.stored()))
	}
}

// At the end it is waited for what can be stored, but not for ever.
func TestOutboxEnds(t *testing.T) {
	s := newShelf()
	o := box(s, true)
	if lost := o.end(t); lost != 0 {
		t.Errorf("%d lost of nothing", lost)
	}
	s.fail(errFull)
	o = box(s, true)
	o.put(t.Context(), state("a", raised))
	o.put(t.Context(), state("a", cleared))
	o.finish()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if lost := o.flush(ctx); lost != 2 {
		t.Errorf("%d lost, want 2", lost)
	}
}
