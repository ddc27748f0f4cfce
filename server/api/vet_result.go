package api

import (
	"errors"
	"io/fs"
	"net"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/reach"
)

// vetSink is the engine's side of a vetting. A client that does not read lets the
// engine wait.
type vetSink vetting

// Verdict implements engine.Sink.
func (v *vetSink) Verdict(one *streamvetv1.Verdict) {
	select {
	case v.found <- one:
	case <-v.ctx.Done():
	}
}

// Scores implements engine.Sink.
func (v *vetSink) Scores(int, []verdict.Score) {}

// Waveform implements engine.Sink.
func (v *vetSink) Waveform(int, []sound.Peak) {}

func (v *vetting) progress(p engine.Progress) *streamvetv1.VetProgress {
	to := &streamvetv1.VetProgress{
		Position: durationpb.New(p.Position), Frames: uint64(p.Frames), Elapsed: durationpb.New(time.Since(v.began)),
		Open: uint32(max(p.Open, 0)), Raised: uint32(p.Raised),
	}
	if v.upload != nil {
		to.ReceivedBytes = uint64(v.upload.received.Load())
	}
	return to
}

func (v *vetting) summary(sum engine.Summary) error {
	to := &streamvetv1.VetSummary{Progress: v.progress(sum.Progress), ByDefect: map[string]uint32{}, Cut: sum.Cut || v.over}
	for defect, n := range sum.ByDefect {
		to.ByDefect[string(defect)] = uint32(n)
	}
	return v.send(&streamvetv1.VetResponse{Event: &streamvetv1.VetResponse_Summary{Summary: to}})
}

// blame says whose fault it is that the input could not be vetted.
func (v *vetting) blame(err error) error {
	if v.upload != nil {
		if cause := v.upload.cause(); cause != nil {
			return cause // what the engine says is only what follows from it
		}
	}
	var dns *net.DNSError
	text := reach.RedactAll(err.Error())
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	var refusal *engine.Refusal
	switch {
	case is(reach.ErrRefused, engine.ErrClosed, engine.ErrSelection), errors.As(err, &refusal):
		return err
	case is(media.ErrAddress, fs.ErrPermission):
		return fail(codes.PermissionDenied, streamvetv1.ErrorReason_ERROR_REASON_ADDRESS, "%s", text)
	case is(fs.ErrNotExist):
		return fail(codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN, "%s", text)
	case is(media.ErrNotMedia, media.ErrCutShort, media.ErrNoTracks, media.ErrEmpty, media.ErrDirectory, engine.ErrNothing):
		return fail(codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_MEDIA, "%s", text)
	case is(media.ErrDeviceLost):
		return err
	case is(media.ErrStalled), errors.As(err, &dns), v.source == nil:
		return fail(codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_INPUT, "%s", text)
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	if v.upload == nil { // it was connected, and is lost
		return fail(codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_INPUT, "%s", text)
	}
	return err
}
