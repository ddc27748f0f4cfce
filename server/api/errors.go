package api

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/streamvet/streamvet/engine"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
	"github.com/streamvet/streamvet/server/reach"
	"github.com/streamvet/streamvet/server/registry"
)

// Domain is that of the ErrorInfo in the details of an error.
const Domain = "streamvet"

// fail is an error with its reason, or without one.
func fail(code codes.Code, reason streamvetv1.ErrorReason, format string, args ...any) error {
	s := status.New(code, fmt.Sprintf(format, args...))
	if reason == streamvetv1.ErrorReason_ERROR_REASON_UNSPECIFIED {
		return s.Err()
	}
	name := strings.TrimPrefix(reason.String(), "ERROR_REASON_")
	if detailed, err := s.WithDetails(&errdetails.ErrorInfo{Domain: Domain, Reason: name}); err == nil {
		s = detailed
	}
	return s.Err()
}

func capacity(format string, args ...any) error {
	return fail(codes.ResourceExhausted, streamvetv1.ErrorReason_ERROR_REASON_CAPACITY, format, args...)
}

// shutdown is the end of a call because the server ends.
func shutdown() error {
	return fail(codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_SHUTDOWN, "the server ends: try again elsewhere or later")
}

// kinds says how errors are told, the first that fits.
var kinds = []struct {
	of     error
	code   codes.Code
	reason streamvetv1.ErrorReason
}{
	{registry.ErrExists, codes.AlreadyExists, streamvetv1.ErrorReason_ERROR_REASON_EXISTS},
	{registry.ErrUnknown, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN},
	{registry.ErrRevision, codes.Aborted, streamvetv1.ErrorReason_ERROR_REASON_REVISION},
	{registry.ErrFromFile, codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_FROM_FILE},
	{registry.ErrCapacity, codes.ResourceExhausted, streamvetv1.ErrorReason_ERROR_REASON_CAPACITY},
	{registry.ErrClosed, codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_SHUTDOWN},
	{reach.ErrRefused, codes.PermissionDenied, streamvetv1.ErrorReason_ERROR_REASON_ADDRESS},
	{reach.ErrShape, codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_UNSPECIFIED},
	{registry.ErrInvalid, codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_UNSPECIFIED},
	{journal.ErrNotFound, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN},
	{journal.ErrAhead, codes.OutOfRange, streamvetv1.ErrorReason_ERROR_REASON_SEQUENCE},
	{journal.ErrReplaced, codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_JOURNAL_REPLACED},
	{journal.ErrClosed, codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_SHUTDOWN},
	{journal.ErrFull, codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_JOURNAL},
	{journal.ErrReadOnly, codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_JOURNAL},
	{journal.ErrUnavailable, codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_JOURNAL},
	{engine.ErrSelection, codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_UNSPECIFIED},
	{engine.ErrClosed, codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_SHUTDOWN},
}

// failed tells an error of ours as one of gRPC. ctx is the call's: where that has
// ended, nothing else matters.
func (s *Services) failed(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	var refusal *engine.Refusal
	if errors.As(err, &refusal) {
		return capacity("%s", refusal.Error())
	}
	text := reach.RedactAll(err.Error())
	for _, k := range kinds {
		if errors.Is(err, k.of) {
			return fail(k.code, k.reason, "%s", text)
		}
	}
	s.Logger.Error("a call has failed", "error", text)
	return fail(codes.Internal, streamvetv1.ErrorReason_ERROR_REASON_UNSPECIFIED, "a fault of the server: its log has more")
}
