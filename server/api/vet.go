package api

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/streamvet/streamvet/engine"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/registry"
)

// vets is VetService.
type vets struct {
	streamvetv1.UnimplementedVetServiceServer
	*Services
}

// uploadPatience is how long an upload may pause.
const uploadPatience = time.Minute

func (s *vets) Vet(stream grpc.BidiStreamingServer[streamvetv1.VetRequest, streamvetv1.VetResponse]) error {
	first, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		return outOfOrder("nothing was sent: send options first")
	}
	if err != nil {
		return err
	}
	options := first.GetOptions()
	if options == nil {
		return outOfOrder("a chunk came first: send options, then chunks")
	}
	leave, err := enter(&s.vets, s.Limits.Vets, "calls of Vet")
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	go func() { // a server that ends stops what runs
		select {
		case <-s.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	v := &vetting{services: s.Services, stream: stream, options: options, ctx: ctx, began: time.Now(), found: make(chan *streamvetv1.Verdict, 64)}
	if err := v.run(); err != nil {
		if s.hasEnded() && stream.Context().Err() == nil {
			return shutdown()
		}
		return s.failed(stream.Context(), err)
	}
	return nil
}

func outOfOrder(text string) error {
	return fail(codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_UNSPECIFIED, "messages out of order: %s", text)
}

// vetting is one call of Vet.
type vetting struct {
	services *Services
	stream   grpc.BidiStreamingServer[streamvetv1.VetRequest, streamvetv1.VetResponse]
	options  *streamvetv1.VetOptions
	ctx      context.Context // of the call, and of the server
	began    time.Time
	upload   *upload // nil for a URL
	found    chan *streamvetv1.Verdict
	source   *engine.Source
	over     bool // it is live, and was watched for as long as the server does
}

func (v *vetting) run() error {
	c, err := v.input()
	if err != nil {
		return err
	}
	if v.upload != nil {
		defer v.upload.close()
	}
	// The sink may wait for the handler: a call that fails must let the engine go.
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	v.ctx = ctx
	if v.source, err = v.services.Engine.Add(v.ctx, c); err != nil {
		return v.blame(err)
	}
	err = v.report()
	cancel()
	sum, ended := v.source.Wait()
	if err == nil && ended != nil {
		err = v.blame(ended)
	}
	if err == nil && v.upload != nil {
		err = v.upload.cause()
	}
	if err == nil && v.services.hasEnded() {
		err = shutdown()
	}
	if err != nil {
		return err
	}
	return v.summary(sum)
}

// input is what the engine is to read.
func (v *vetting) input() (engine.SourceConfig, error) {
	o := v.options
	selection, unknown, err := registry.Selection(o.GetDetection(), v.services.Engine.Detectors())
	if err == nil && len(unknown) > 0 {
		err = fail(codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_UNSPECIFIED, "detection: there is no detector %q", unknown)
	}
	if err != nil {
		return engine.SourceConfig{}, err
	}
	c := registry.Input(&streamvetv1.SourceConfig{Url: o.GetUrl()}, v.services.Reach)
	c.Name = c.Address
	if o.GetUpload() != nil {
		if v.upload, err = receive(v.ctx, v.services.Limits, o.GetUpload(), v.stream); err != nil {
			return c, err
		}
		c = engine.SourceConfig{URL: v.upload.name, Address: v.upload.name, Name: v.upload.name, Input: v.upload.file, Guard: v.services.Reach, StallTimeout: uploadPatience}
	} else if err := v.services.Reach.Check(o.GetUrl()); err != nil {
		return c, err
	}
	c.Selection, c.Sink, c.Until = selection, (*vetSink)(v), o.GetMaxDuration().AsDuration()
	return c, nil
}

// report tells what comes out until the source has ended.
func (v *vetting) report() error {
	info := v.source.Info()
	if err := v.send(&streamvetv1.VetResponse{Event: &streamvetv1.VetResponse_Media{Media: registry.MediaInfo(&info)}}); err != nil {
		return err
	}
	every := v.options.GetProgressEvery().AsDuration()
	if every <= 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var over <-chan time.Time
	if v.source.Realtime() {
		t := time.NewTimer(v.services.Limits.LiveVet)
		defer t.Stop()
		over = t.C
	}
	for {
		var err error
		select {
		case one := <-v.found:
			err = v.tell(one)
		case <-tick.C:
			err = v.send(&streamvetv1.VetResponse{Event: &streamvetv1.VetResponse_Progress{Progress: v.progress(v.source.Progress())}})
		case <-over:
			v.over = true
			v.source.Stop()
		case <-v.source.Done():
			return v.rest()
		}
		if err != nil {
			return err
		}
	}
}

// rest tells the verdicts that are left when the source has ended.
func (v *vetting) rest() error {
	for {
		select {
		case one := <-v.found:
			if err := v.tell(one); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (v *vetting) tell(one *streamvetv1.Verdict) error {
	return v.send(&streamvetv1.VetResponse{Event: &streamvetv1.VetResponse_Verdict{Verdict: one}})
}

func (v *vetting) send(r *streamvetv1.VetResponse) error { return v.stream.Send(r) }
