package access

import (
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// refuse is the error of a call: its reason stands in the details as docs/api.md
// says. The text is for people and holds no secret.
func refuse(code codes.Code, reason streamvetv1.ErrorReason, text string, more ...protoadapt.MessageV1) error {
	s := status.New(code, text)
	details := append([]protoadapt.MessageV1{&errdetails.ErrorInfo{
		Domain: "streamvet", Reason: strings.TrimPrefix(reason.String(), "ERROR_REASON_"),
	}}, more...)
	if full, err := s.WithDetails(details...); err == nil {
		s = full
	}
	return s.Err()
}

func refuseToken(text string) error {
	return refuse(codes.Unauthenticated, streamvetv1.ErrorReason_ERROR_REASON_TOKEN, text)
}

func refuseRate(wait time.Duration, text string) error {
	return refuse(codes.ResourceExhausted, streamvetv1.ErrorReason_ERROR_REASON_RATE, text,
		&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
}
