package api

import (
	"context"
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
)

// verdicts is VerdictService.
type verdicts struct {
	streamvetv1.UnimplementedVerdictServiceServer
	*Services
}

func (s *verdicts) GetVerdict(ctx context.Context, r *streamvetv1.GetVerdictRequest) (*streamvetv1.GetVerdictResponse, error) {
	var record journal.Record
	var err error
	if r.GetSequence() != 0 {
		record, err = s.Journal.Get(ctx, r.GetSequence())
	} else {
		record, err = s.latest(ctx, r.GetSource(), r.GetId())
	}
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &streamvetv1.GetVerdictResponse{Record: recordOf(record)}, nil
}

func (s *verdicts) latest(ctx context.Context, source, id string) (journal.Record, error) {
	done, err := s.scan(ctx)
	if err != nil {
		return journal.Record{}, err
	}
	defer done()
	return s.Journal.Latest(ctx, source, id)
}

// scan waits until a search of the journal may begin.
func (s *Services) scan(ctx context.Context) (done func(), err error) {
	select {
	case s.scans <- struct{}{}:
		return func() { <-s.scans }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *verdicts) ListVerdicts(ctx context.Context, r *streamvetv1.ListVerdictsRequest) (*streamvetv1.ListVerdictsResponse, error) {
	place, err := openToken(r.GetPageToken(), r.GetFilter(), r.GetSince(), r.GetUntil())
	if err != nil {
		return nil, err
	}
	from, to := journal.FromStart(), journal.FromNow()
	if r.GetSince() != nil {
		from = journal.FromTime(r.GetSince().AsTime())
	}
	if r.GetUntil() != nil {
		to = journal.FromTime(r.GetUntil().AsTime())
	}
	if place != "" {
		n, err := strconv.ParseUint(place, 10, 64)
		if err != nil {
			return nil, errToken
		}
		from = journal.FromSequence(n)
	}
	done, err := s.scan(ctx)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	defer done()
	records, next, err := s.Journal.Range(ctx, from, to, filterOf(r.GetFilter()), pageSize(r.GetPageSize()))
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	response := &streamvetv1.ListVerdictsResponse{}
	for _, one := range records {
		response.Records = append(response.Records, recordOf(one))
	}
	if next != 0 {
		response.NextPageToken = sealToken(strconv.FormatUint(next, 10), r.GetFilter(), r.GetSince(), r.GetUntil())
	}
	return response, nil
}

func (s *verdicts) GetEvidence(ctx context.Context, r *streamvetv1.GetEvidenceRequest) (*streamvetv1.GetEvidenceResponse, error) {
	e, err := s.Journal.Evidence(ctx, r.GetKey())
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &streamvetv1.GetEvidenceResponse{Evidence: e}, nil
}

func recordOf(r journal.Record) *streamvetv1.Record {
	return &streamvetv1.Record{Sequence: r.Sequence, Stored: timestamppb.New(r.Stored), Verdict: r.Verdict}
}

func filterOf(f *streamvetv1.VerdictFilter) journal.Filter {
	return journal.Filter{
		Sources: f.GetSources(), Labels: f.GetLabels(), Defects: f.GetDefects(),
		MinSeverity: f.GetMinSeverity(), States: f.GetStates(),
	}
}

func positionOf(p *streamvetv1.Position) journal.Position {
	switch at := p.GetAt().(type) {
	case *streamvetv1.Position_Sequence:
		return journal.FromSequence(at.Sequence)
	case *streamvetv1.Position_Time:
		return journal.FromTime(at.Time.AsTime())
	case *streamvetv1.Position_Start:
		return journal.FromStart()
	}
	return journal.FromNow()
}

// journalStatus tells how the journal is.
func journalStatus(s journal.State) *streamvetv1.JournalStatus {
	states := map[journal.Status]streamvetv1.JournalState{
		journal.OK:          streamvetv1.JournalState_JOURNAL_STATE_OK,
		journal.Full:        streamvetv1.JournalState_JOURNAL_STATE_FULL,
		journal.ReadOnly:    streamvetv1.JournalState_JOURNAL_STATE_READ_ONLY,
		journal.Unavailable: streamvetv1.JournalState_JOURNAL_STATE_UNAVAILABLE,
	}
	return &streamvetv1.JournalStatus{
		Id: s.ID, State: states[s.Status], Reason: s.Reason,
		FirstSequence: s.First, LatestSequence: s.Latest, SizeBytes: s.Bytes,
	}
}
