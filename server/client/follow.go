package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Place is how far a follower has come: all up to Sequence, in that journal. The
// zero value is nowhere yet.
type Place struct {
	Sequence uint64 `json:"sequence"`
	Journal  string `json:"journal"`
}

// Event is one thing that a follower is told: one of Record, Gap, Mark and
// Replaced is set.
type Event struct {
	Record *streamvetv1.Record
	// Gap tells of records that can no longer be had.
	Gap *streamvetv1.Gap
	// Mark tells how far the call has come, and how the journal is.
	Mark *streamvetv1.Mark
	// Replaced says that the server has another journal by now: what follows is all
	// that is in that, from its start, and records of the one before may be lost.
	Replaced bool
	// Place is where to go on from once the event is dealt with.
	Place Place
}

// Following says what to follow.
type Following struct {
	// From is where to begin; nil: now. It holds while Place is nowhere.
	From *streamvetv1.Position
	// Place is where an earlier Follow has come to.
	Place Place
	// Filter chooses records; nil: all.
	Filter *streamvetv1.VerdictFilter
	// Trouble is told of each call that has failed, and how long until the next one; nil:
	// nobody is.
	Trouble func(err error, wait time.Duration)
}

// FromStart is the oldest record that is kept.
func FromStart() *streamvetv1.Position {
	return &streamvetv1.Position{At: &streamvetv1.Position_Start{Start: true}}
}

// FromNow is behind the newest record.
func FromNow() *streamvetv1.Position {
	return &streamvetv1.Position{At: &streamvetv1.Position_Now{Now: true}}
}

// FromSequence is the record with that sequence.
func FromSequence(n uint64) *streamvetv1.Position {
	return &streamvetv1.Position{At: &streamvetv1.Position_Sequence{Sequence: n}}
}

// FromTime is the first record that was stored at t or later.
func FromTime(t time.Time) *streamvetv1.Position {
	return &streamvetv1.Position{At: &streamvetv1.Position_Time{Time: timestamppb.New(t)}}
}

// Waits between calls.
const (
	firstWait   = 100 * time.Millisecond
	longestWait = 10 * time.Second
)

// Follow calls handle for one event after another until ctx ends, handle fails, or
// the server says that trying again is of no use; the error is the one of these.
// What ends a call otherwise only makes it go on with another one, behind the last
// event that handle has dealt with: records come in order, each once, unless the
// process itself ends between handle and keeping its Place.
func (c *Client) Follow(ctx context.Context, f Following, handle func(Event) error) error {
	wait := firstWait
	for {
		err := c.call(ctx, &f, func(e Event) error {
			wait = firstWait
			return handle(e)
		})
		var stop *stopped
		switch {
		case errors.As(err, &stop):
			return stop.err
		case ctx.Err() != nil:
			return ctx.Err()
		case isReplaced(err) && f.Place != Place{}:
			f.Place, f.From = Place{}, FromStart()
			if err := handle(Event{Replaced: true}); err != nil {
				return err
			}
			continue
		case isFinal(err):
			return fmt.Errorf("follow verdicts: %w", err)
		}
		d := time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64()))
		if f.Trouble != nil {
			f.Trouble(err, d)
		}
		if err := c.pause(ctx, d); err != nil {
			return err
		}
		wait = min(2*wait, longestWait)
	}
}

// stopped is the error of a handler, which ends it all.
type stopped struct{ err error }

func (s *stopped) Error() string { return s.err.Error() }

// call is one call. Its place is f's.
func (c *Client) call(ctx context.Context, f *Following, handle func(Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := streamvetv1.NewVerdictServiceClient(c.Conn).FollowVerdicts(ctx, f.request())
	if err != nil {
		return err
	}
	place := f.Place
	for {
		r, err := stream.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the server has ended the call")
			}
			return err
		}
		e := Event{Record: r.GetRecord(), Gap: r.GetGap(), Mark: r.GetMark()}
		switch {
		case e.Record != nil:
			place.Sequence = e.Record.GetSequence()
		case e.Gap != nil:
			place.Sequence = e.Gap.GetLast()
		case e.Mark != nil:
			place = Place{e.Mark.GetSequence(), e.Mark.GetJournal().GetId()}
		default:
			continue // of a newer server
		}
		e.Place = place
		if err := handle(e); err != nil {
			return &stopped{err}
		}
		f.Place = place
	}
}

func (f *Following) request() *streamvetv1.FollowVerdictsRequest {
	r := &streamvetv1.FollowVerdictsRequest{Filter: f.Filter, From: f.From}
	if f.Place != (Place{}) {
		r.From, r.Journal = FromSequence(f.Place.Sequence+1), f.Place.Journal
	}
	return r
}

// Reason is the reason in the details of an error of a streamvet server.
func Reason(err error) streamvetv1.ErrorReason {
	for _, d := range status.Convert(err).Details() {
		if i, ok := d.(*errdetails.ErrorInfo); ok && i.GetDomain() == "streamvet" {
			return streamvetv1.ErrorReason(streamvetv1.ErrorReason_value["ERROR_REASON_"+i.GetReason()])
		}
	}
	return streamvetv1.ErrorReason_ERROR_REASON_UNSPECIFIED
}

func isReplaced(err error) bool {
	return Reason(err) == streamvetv1.ErrorReason_ERROR_REASON_JOURNAL_REPLACED
}

// isFinal tells whether the same request would fail again.
func isFinal(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented, codes.OutOfRange:
		return true
	}
	return false
}
