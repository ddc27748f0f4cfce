package api

import (
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
)

const (
	// markEvery is after how long without a record a follower gets a mark.
	markEvery = 5 * time.Second
	// behind is after how many records at a stretch it is told that it has caught up again.
	behind = 256
)

func (s *verdicts) FollowVerdicts(r *streamvetv1.FollowVerdictsRequest, stream grpc.ServerStreamingServer[streamvetv1.FollowVerdictsResponse]) error {
	leave, err := enter(&s.followers, s.Limits.Followers, "calls that follow the journal")
	if err != nil {
		return err
	}
	defer leave()
	follower, err := s.Journal.Follow(stream.Context(), positionOf(r.GetFrom()), filterOf(r.GetFilter()))
	if err != nil {
		if replaced(r, s.Journal.State().ID) { // a sequence beyond this one's is no wonder
			return errReplaced
		}
		return s.failed(stream.Context(), err)
	}
	defer follower.Close()
	if replaced(r, follower.JournalID()) {
		return errReplaced
	}
	f := &following{services: s.Services, journal: s.Journal, follower: follower, stream: stream}
	return s.failed(stream.Context(), f.run())
}

var errReplaced = fail(codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_JOURNAL_REPLACED,
	"the journal is another one by now, whose sequences began anew: follow from its start")

func replaced(r *streamvetv1.FollowVerdictsRequest, id string) bool {
	return r.GetJournal() != "" && id != "" && r.GetJournal() != id
}

// following is one call of FollowVerdicts. A client that does not read holds up
// this call alone: what it has not got lies on disk.
type following struct {
	services *Services
	journal  *journal.Journal
	follower *journal.Follower
	stream   grpc.ServerStreamingServer[streamvetv1.FollowVerdictsResponse]

	marked  bool // the first mark was sent
	records int  // since it was told that it has caught up
	caught  bool // it was told
	last    time.Time
	ending  bool   // the server ends
	target  uint64 // what is told before that
}

func (f *following) run() error {
	for {
		changed := f.journal.Changed()
		reached := f.follower.Reached()
		record, wait, err := f.follower.Poll(f.stream.Context())
		live := f.follower.Live() && record.Verdict == nil && err == nil && f.follower.Reached() >= f.journal.Synced()
		if !f.marked {
			if err := f.mark(reached, live); err != nil {
				return err
			}
		}
		var gap *journal.Gap
		switch {
		case errors.As(err, &gap):
			err = f.tellGap(gap)
		case err != nil:
			return err
		case record.Verdict != nil:
			err = f.tell(record)
		case live && !f.caught:
			err = f.mark(f.follower.Reached(), true)
		case live && f.ends():
			return shutdown()
		case wait == nil: // the filter has let nothing through
			err = f.markIfDue(false)
		default:
			err = f.wait(wait, changed, live)
		}
		if err != nil {
			return err
		}
	}
}

// ends tells whether the server ends, and the client has all that was stored until then.
func (f *following) ends() bool {
	if !f.ending && f.services.hasEnded() {
		f.ending, f.target = true, f.journal.Synced()
	}
	return f.ending && f.follower.Reached() >= f.target
}

// wait waits for what comes next, and keeps the client informed.
func (f *following) wait(more, changed <-chan struct{}, live bool) error {
	ending := f.services.ending
	if f.ending {
		ending = nil
	}
	due := time.NewTimer(time.Until(f.last.Add(markEvery)))
	defer due.Stop()
	select {
	case <-more:
	case <-changed:
		return f.mark(f.follower.Reached(), live)
	case <-due.C:
		return f.markIfDue(live)
	case <-ending:
		if !f.follower.Live() { // the journal cannot be read: there is nothing to wait for
			return shutdown()
		}
		f.ends()
	case <-f.stream.Context().Done():
		return f.stream.Context().Err()
	}
	return nil
}

func (f *following) tell(r journal.Record) error {
	if f.records++; f.records >= behind {
		f.caught = false
	}
	return f.send(&streamvetv1.FollowVerdictsResponse{Event: &streamvetv1.FollowVerdictsResponse_Record{Record: recordOf(r)}})
}

func (f *following) tellGap(g *journal.Gap) error {
	reason := streamvetv1.GapReason_GAP_REASON_RETENTION
	if g.Damage {
		reason = streamvetv1.GapReason_GAP_REASON_DAMAGE
	}
	return f.send(&streamvetv1.FollowVerdictsResponse{Event: &streamvetv1.FollowVerdictsResponse_Gap{
		Gap: &streamvetv1.Gap{First: g.First, Last: g.Last, Reason: reason},
	}})
}

func (f *following) markIfDue(live bool) error {
	if time.Since(f.last) < markEvery {
		return nil
	}
	return f.mark(f.follower.Reached(), live)
}

func (f *following) mark(reached uint64, live bool) error {
	f.marked = true
	if live {
		f.caught, f.records = true, 0
	}
	state := f.journal.State()
	state.ID = f.follower.JournalID() // the sequence is one of that
	return f.send(&streamvetv1.FollowVerdictsResponse{Event: &streamvetv1.FollowVerdictsResponse_Mark{
		Mark: &streamvetv1.Mark{Sequence: reached, CaughtUp: live, Journal: journalStatus(state)},
	}})
}

func (f *following) send(r *streamvetv1.FollowVerdictsResponse) error {
	f.last = time.Now()
	return f.stream.Send(r)
}
