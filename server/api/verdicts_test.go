package api

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
)

// verdictOf is the n-th of a source.
func verdictOf(source string, n int, state streamvetv1.State) *streamvetv1.Verdict {
	return &streamvetv1.Verdict{
		Id: "v" + strconv.Itoa(n), Source: source, Defect: "black", State: state, Severity: streamvetv1.Severity_SEVERITY_MAJOR,
		Start: durationpb.New(time.Duration(n) * time.Second), End: durationpb.New(time.Duration(n+1) * time.Second),
		Score: 0.9, Detector: "black", DetectorVersion: "1.0.0", Time: timestamppb.New(time.Unix(1700000000+int64(n), 0)),
		Labels: map[string]string{"site": "north"},
	}
}

// fill appends verdicts first to last.
func (h *house) fill(source string, first, last int) {
	h.t.Helper()
	for n := first; n <= last; n++ {
		if _, err := h.journal.Append(within(h.t), verdictOf(source, n, streamvetv1.State_STATE_RAISED)); err != nil {
			h.t.Fatal(err)
		}
	}
}

type followClient = grpc.ServerStreamingClient[streamvetv1.FollowVerdictsResponse]

func (h *house) follow(ctx context.Context, r *streamvetv1.FollowVerdictsRequest) followClient {
	h.t.Helper()
	f, err := h.verdicts().FollowVerdicts(ctx, r)
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

func (h *house) event(f followClient) *streamvetv1.FollowVerdictsResponse {
	h.t.Helper()
	r, err := f.Recv()
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func sequence(n uint64) *streamvetv1.Position {
	return &streamvetv1.Position{At: &streamvetv1.Position_Sequence{Sequence: n}}
}

var start = &streamvetv1.Position{At: &streamvetv1.Position_Start{Start: true}}

// A follower gets a mark, the records from where it asked, a mark when it has
// caught up, and new ones.
func TestFollow(t *testing.T) {
	h := open(t, options{})
	h.fill("news", 1, 5)
	f := h.follow(within(t), &streamvetv1.FollowVerdictsRequest{From: sequence(3)})
	m := h.event(f).GetMark()
	if m.GetSequence() != 2 || m.GetCaughtUp() || m.GetJournal().GetLatestSequence() != 5 {
		t.Errorf("the first mark is %v", m)
	}
	for n := uint64(3); n <= 5; n++ {
		if r := h.event(f).GetRecord(); r.GetSequence() != n || r.GetVerdict().GetId() != fmt.Sprintf("v%d", n) || r.GetStored() == nil {
			t.Errorf("record %d is %v", n, r)
		}
	}
	if m := h.event(f).GetMark(); m.GetSequence() != 5 || !m.GetCaughtUp() {
		t.Errorf("caught up: %v", m)
	}
	h.fill("news", 6, 6)
	if r := h.event(f).GetRecord(); r.GetSequence() != 6 {
		t.Errorf("live: %v", r)
	}
}

func TestFollowByFilterAndTime(t *testing.T) {
	h := open(t, options{})
	h.fill("news", 1, 3)
	time.Sleep(2 * time.Millisecond) // stored times are told apart
	middle := time.Now()
	h.fill("sport", 4, 6)
	records := func(r *streamvetv1.FollowVerdictsRequest) (got string) {
		f := h.follow(within(t), r)
		for {
			e := h.event(f)
			if e.GetMark().GetCaughtUp() {
				return got
			}
			if e.GetRecord() != nil {
				got += e.GetRecord().GetVerdict().GetId() + " "
			}
		}
	}
	for name, c := range map[string]struct {
		request *streamvetv1.FollowVerdictsRequest
		want    string
	}{
		"start":  {&streamvetv1.FollowVerdictsRequest{From: start}, "v1 v2 v3 v4 v5 v6 "},
		"now":    {&streamvetv1.FollowVerdictsRequest{From: &streamvetv1.Position{At: &streamvetv1.Position_Now{Now: true}}}, ""},
		"time":   {&streamvetv1.FollowVerdictsRequest{From: &streamvetv1.Position{At: &streamvetv1.Position_Time{Time: timestamppb.New(middle)}}}, "v4 v5 v6 "},
		"source": {&streamvetv1.FollowVerdictsRequest{From: start, Filter: &streamvetv1.VerdictFilter{Sources: []string{"sport", "none"}}}, "v4 v5 v6 "},
		"labels": {&streamvetv1.FollowVerdictsRequest{From: start, Filter: &streamvetv1.VerdictFilter{Labels: map[string]string{"site": "south"}}}, ""},
		"severity": {&streamvetv1.FollowVerdictsRequest{From: start, Filter: &streamvetv1.VerdictFilter{
			MinSeverity: streamvetv1.Severity_SEVERITY_CRITICAL}}, ""},
		"all of it": {&streamvetv1.FollowVerdictsRequest{From: sequence(2), Filter: &streamvetv1.VerdictFilter{
			Sources: []string{"news"}, Labels: map[string]string{"site": "north"}, Defects: []string{"black"},
			States: []streamvetv1.State{streamvetv1.State_STATE_RAISED}}}, "v2 v3 "},
	} {
		if got := records(c.request); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestFollowIsRefused(t *testing.T) {
	h := open(t, options{limits: Limits{Followers: 1}})
	h.fill("news", 1, 2)
	refused := func(r *streamvetv1.FollowVerdictsRequest, code codes.Code, reason streamvetv1.ErrorReason) {
		t.Helper()
		_, err := h.follow(within(t), r).Recv()
		wantError(t, err, code, reason)
	}
	refused(&streamvetv1.FollowVerdictsRequest{From: sequence(4)}, codes.OutOfRange, streamvetv1.ErrorReason_ERROR_REASON_SEQUENCE)
	refused(&streamvetv1.FollowVerdictsRequest{From: sequence(4), Journal: "another"}, codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_JOURNAL_REPLACED)
	refused(&streamvetv1.FollowVerdictsRequest{From: start, Journal: "another"}, codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_JOURNAL_REPLACED)
	refused(&streamvetv1.FollowVerdictsRequest{From: &streamvetv1.Position{}}, codes.InvalidArgument, 0)
	ctx, cancel := context.WithCancel(within(t))
	f := h.follow(ctx, &streamvetv1.FollowVerdictsRequest{From: sequence(3), Journal: h.journal.State().ID})
	h.event(f)
	refused(&streamvetv1.FollowVerdictsRequest{}, codes.ResourceExhausted, streamvetv1.ErrorReason_ERROR_REASON_CAPACITY)
	cancel()
	for range f.Context().Done() {
	}
	if _, err := f.Recv(); err == nil {
		t.Error("a call that was canceled goes on")
	}
}

// What retention took is told as a gap.
func TestFollowTellsGaps(t *testing.T) {
	h := open(t, options{journal: journal.Options{MaxBytes: 64 << 10}})
	var group errgroup.Group
	group.SetLimit(256)
	for n := range 6000 { // more than what live followers share in memory
		group.Go(func() error {
			_, err := h.journal.Append(context.Background(), verdictOf("news", n, streamvetv1.State_STATE_RAISED))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	f := h.follow(within(t), &streamvetv1.FollowVerdictsRequest{From: sequence(1)})
	if m := h.event(f).GetMark(); m == nil || m.GetSequence() != 0 {
		t.Errorf("the first mark is %v", m)
	}
	g := h.event(f).GetGap()
	if g.GetFirst() != 1 || g.GetLast() < 50 || g.GetReason() != streamvetv1.GapReason_GAP_REASON_RETENTION {
		t.Errorf("the gap is %v", g)
	}
	if r := h.event(f).GetRecord(); r.GetSequence() != g.GetLast()+1 {
		t.Errorf("after it comes %v", r)
	}
}

// A server that ends lets its followers have all that is stored, then tells them.
func TestFollowEndsWithTheServer(t *testing.T) {
	h := open(t, options{})
	f := h.follow(within(t), &streamvetv1.FollowVerdictsRequest{From: start})
	h.event(f)
	h.fill("news", 1, 20)
	h.services.End()
	records := 0
	for {
		r, err := f.Recv()
		if err != nil {
			wantError(t, err, codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_SHUTDOWN)
			break
		}
		if r.GetRecord() != nil {
			records++
		}
	}
	if records != 20 {
		t.Errorf("%d records of 20", records)
	}
}

func TestListVerdicts(t *testing.T) {
	h := open(t, options{})
	h.fill("news", 1, 3)
	time.Sleep(2 * time.Millisecond) // stored times are told apart
	middle := timestamppb.New(time.Now())
	h.fill("sport", 4, 7)
	list := func(r *streamvetv1.ListVerdictsRequest) (pages string) {
		for {
			page, err := h.verdicts().ListVerdicts(within(t), r)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range page.GetRecords() {
				pages += strconv.FormatUint(one.GetSequence(), 10) + " "
			}
			if r.PageToken = page.GetNextPageToken(); r.GetPageToken() == "" {
				return pages
			}
			pages += "| "
		}
	}
	for name, c := range map[string]struct {
		request *streamvetv1.ListVerdictsRequest
		want    string
	}{
		"all":     {&streamvetv1.ListVerdictsRequest{}, "1 2 3 4 5 6 7 "},
		"pages":   {&streamvetv1.ListVerdictsRequest{PageSize: 3}, "1 2 3 | 4 5 6 | 7 "},
		"since":   {&streamvetv1.ListVerdictsRequest{Since: middle, PageSize: 2}, "4 5 | 6 7 "},
		"until":   {&streamvetv1.ListVerdictsRequest{Until: middle, PageSize: 2}, "1 2 | 3 "},
		"between": {&streamvetv1.ListVerdictsRequest{Since: timestamppb.New(time.Unix(1, 0)), Until: middle}, "1 2 3 "},
		"filter":  {&streamvetv1.ListVerdictsRequest{Filter: &streamvetv1.VerdictFilter{Sources: []string{"sport"}}, PageSize: 3}, "4 5 6 | 7 "},
		"none":    {&streamvetv1.ListVerdictsRequest{Filter: &streamvetv1.VerdictFilter{Defects: []string{"freeze"}}}, ""},
	} {
		if got := list(c.request); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	first, err := h.verdicts().ListVerdicts(within(t), &streamvetv1.ListVerdictsRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.verdicts().ListVerdicts(within(t), &streamvetv1.ListVerdictsRequest{PageToken: first.GetNextPageToken(), Until: middle})
	wantError(t, err, codes.InvalidArgument, 0)
}

func TestGetVerdictAndEvidence(t *testing.T) {
	h := open(t, options{})
	raised := verdictOf("news", 1, streamvetv1.State_STATE_RAISED)
	raised.Evidence = &streamvetv1.Evidence{MediaType: "image/jpeg", Data: []byte("picture"), At: durationpb.New(time.Second)}
	for _, v := range []*streamvetv1.Verdict{raised, verdictOf("news", 2, streamvetv1.State_STATE_RAISED), verdictOf("news", 1, streamvetv1.State_STATE_CLEARED)} {
		if _, err := h.journal.Append(within(t), v); err != nil {
			t.Fatal(err)
		}
	}
	get := func(r *streamvetv1.GetVerdictRequest) (*streamvetv1.Record, error) {
		v, err := h.verdicts().GetVerdict(within(t), r)
		return v.GetRecord(), err
	}
	r, err := get(&streamvetv1.GetVerdictRequest{Sequence: 1})
	if err != nil || r.GetVerdict().GetState() != streamvetv1.State_STATE_RAISED {
		t.Fatalf("by sequence: %v, %v", r, err)
	}
	e, err := h.verdicts().GetEvidence(within(t), &streamvetv1.GetEvidenceRequest{Key: r.GetVerdict().GetEvidence().GetKey()})
	if err != nil || string(e.GetEvidence().GetData()) != "picture" || e.GetEvidence().GetMediaType() != "image/jpeg" {
		t.Errorf("the picture: %v, %v", e, err)
	}
	if r, err := get(&streamvetv1.GetVerdictRequest{Source: "news", Id: "v1"}); err != nil || r.GetSequence() != 3 {
		t.Errorf("the latest: %v, %v", r, err)
	}
	_, err = get(&streamvetv1.GetVerdictRequest{Sequence: 9})
	wantError(t, err, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN)
	_, err = get(&streamvetv1.GetVerdictRequest{Source: "news", Id: "v9"})
	wantError(t, err, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN)
	_, err = h.verdicts().GetEvidence(within(t), &streamvetv1.GetEvidenceRequest{Key: "none"})
	wantError(t, err, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN)
}

func TestGetStatus(t *testing.T) {
	h := open(t, options{sources: 3})
	h.add(&streamvetv1.SourceConfig{Name: "a", Url: "rtsp://camera.invalid/", Paused: true})
	f := h.follow(within(t), &streamvetv1.FollowVerdictsRequest{})
	h.event(f)
	r, err := streamvetv1.NewServerServiceClient(h.conn).GetStatus(within(t), &streamvetv1.GetStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if r.GetVersion() != "test" || r.GetDevice() == "" || r.GetSourcesLeft() != 2 || r.GetFollowers() != 1 || r.GetDetectors() != 1 ||
		len(r.GetSources()) != 1 || r.GetSources()[0].GetState() != paused || r.GetJournal().GetState() != streamvetv1.JournalState_JOURNAL_STATE_OK ||
		r.GetRole() != streamvetv1.Role_ROLE_OPERATE || r.GetStarted() == nil {
		t.Errorf("status: %v", r)
	}
}
