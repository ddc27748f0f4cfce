package api

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/registry"
)

// sources is SourceService.
type sources struct {
	streamvetv1.UnimplementedSourceServiceServer
	*Services
}

func (s *sources) AddSource(ctx context.Context, r *streamvetv1.AddSourceRequest) (*streamvetv1.AddSourceResponse, error) {
	source, err := s.Registry.Add(r.GetConfig())
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &streamvetv1.AddSourceResponse{Source: source}, nil
}

func (s *sources) UpdateSource(ctx context.Context, r *streamvetv1.UpdateSourceRequest) (*streamvetv1.UpdateSourceResponse, error) {
	source, err := s.Registry.Update(r.GetConfig(), r.GetUpdateMask(), r.GetRevision())
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &streamvetv1.UpdateSourceResponse{Source: source}, nil
}

func (s *sources) RemoveSource(ctx context.Context, r *streamvetv1.RemoveSourceRequest) (*streamvetv1.RemoveSourceResponse, error) {
	if err := s.Registry.Remove(ctx, r.GetName()); err != nil {
		return nil, s.failed(ctx, err)
	}
	return &streamvetv1.RemoveSourceResponse{}, nil
}

func (s *sources) GetSource(ctx context.Context, r *streamvetv1.GetSourceRequest) (*streamvetv1.GetSourceResponse, error) {
	source, err := s.Registry.Get(r.GetName())
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &streamvetv1.GetSourceResponse{Source: source}, nil
}

func (s *sources) ListSources(_ context.Context, r *streamvetv1.ListSourcesRequest) (*streamvetv1.ListSourcesResponse, error) {
	after, err := openToken(r.GetPageToken(), r.GetFilter())
	if err != nil {
		return nil, err
	}
	page, more := s.Registry.List(r.GetFilter(), after, pageSize(r.GetPageSize()))
	response := &streamvetv1.ListSourcesResponse{Sources: page}
	if more {
		response.NextPageToken = sealToken(page[len(page)-1].GetConfig().GetName(), r.GetFilter())
	}
	return response, nil
}

// watchAlive is after how long without a change a watcher is told that all is well.
const watchAlive = 10 * time.Second

func (s *sources) WatchSources(r *streamvetv1.WatchSourcesRequest, stream grpc.ServerStreamingServer[streamvetv1.WatchSourcesResponse]) error {
	leave, err := enter(&s.watchers, s.Limits.Watchers, "calls that watch")
	if err != nil {
		return err
	}
	defer leave()
	watcher := s.Registry.Watch()
	defer watcher.Close()
	w := &sourceWatch{services: s.Services, filter: r.GetFilter(), stream: stream, told: map[string]bool{}}
	if err := w.all(); err != nil {
		return err
	}
	for {
		ctx, cancel := s.until(stream.Context(), watchAlive)
		names, err := watcher.Next(ctx)
		cancel()
		switch {
		case stream.Context().Err() != nil || errors.Is(err, registry.ErrClosed):
			return s.failed(stream.Context(), err)
		case s.hasEnded():
			return shutdown()
		case err != nil: // nothing has changed for a while
			err = w.synced()
		default:
			err = w.changed(names)
		}
		if err != nil {
			return err
		}
	}
}

// until gives a context that ends when ctx, the time or the server does.
func (s *Services) until(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, after)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-s.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-done }
}

func (s *Services) hasEnded() bool {
	select {
	case <-s.ending:
		return true
	default:
		return false
	}
}

// sourceWatch is one call of WatchSources.
type sourceWatch struct {
	services *Services
	filter   *streamvetv1.SourceFilter
	stream   grpc.ServerStreamingServer[streamvetv1.WatchSourcesResponse]
	told     map[string]bool // sources that the client knows of
}

// all tells the sources that there are.
func (w *sourceWatch) all() error {
	for after, more := "", true; more; {
		var page []*streamvetv1.Source
		page, more = w.services.Registry.List(w.filter, after, maxPage)
		for _, source := range page {
			after = source.GetConfig().GetName()
			if err := w.tell(source); err != nil {
				return err
			}
		}
	}
	return w.synced()
}

func (w *sourceWatch) changed(names []string) error {
	for _, name := range names {
		source, err := w.services.Registry.Get(name)
		switch {
		case err == nil && registry.Passes(source, w.filter):
			err = w.tell(source)
		case w.told[name]:
			delete(w.told, name)
			err = w.stream.Send(&streamvetv1.WatchSourcesResponse{Event: &streamvetv1.WatchSourcesResponse_Removed{Removed: name}})
		default:
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *sourceWatch) tell(source *streamvetv1.Source) error {
	w.told[source.GetConfig().GetName()] = true
	return w.stream.Send(&streamvetv1.WatchSourcesResponse{Event: &streamvetv1.WatchSourcesResponse_Source{Source: source}})
}

func (w *sourceWatch) synced() error {
	return w.stream.Send(&streamvetv1.WatchSourcesResponse{Event: &streamvetv1.WatchSourcesResponse_Synced{Synced: true}})
}

var errToken = fail(codes.InvalidArgument, 0, "page_token: it is not one of this list: take the next_page_token of the page before, with the same filter, or none")
