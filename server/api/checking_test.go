package api

import (
	"context"
	"errors"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// checking is what stands before the services in a server: requests that break a
// rule of their message do not get in.
func checking(t testing.TB) []grpc.ServerOption {
	t.Helper()
	v, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	check := func(m any) error {
		if err := v.Validate(m.(proto.Message)); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		return nil
	}
	return []grpc.ServerOption{
		grpc.UnaryInterceptor(func(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if err := check(r); err != nil {
				return nil, err
			}
			return next(ctx, r)
		}),
		grpc.StreamInterceptor(func(s any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			return next(s, checkedStream{stream, check})
		}),
	}
}

type checkedStream struct {
	grpc.ServerStream
	check func(any) error
}

func (s checkedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return s.check(m)
}

// wantError checks the code and the reason of an error.
func wantError(t testing.TB, err error, code codes.Code, reason streamvetv1.ErrorReason) {
	t.Helper()
	s := status.Convert(err)
	got := streamvetv1.ErrorReason_ERROR_REASON_UNSPECIFIED
	for _, d := range s.Details() {
		if i, ok := d.(*errdetails.ErrorInfo); ok && i.GetDomain() == "streamvet" {
			got = streamvetv1.ErrorReason(streamvetv1.ErrorReason_value["ERROR_REASON_"+i.GetReason()])
		}
	}
	if s.Code() != code || got != reason {
		t.Errorf("got %v with %v, want %v with %v: %v", s.Code(), got, code, reason, errors.Join(err))
	}
}
