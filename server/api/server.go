package api

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// server is ServerService.
type server struct {
	streamvetv1.UnimplementedServerServiceServer
	*Services
}

func (s *server) GetStatus(ctx context.Context, _ *streamvetv1.GetStatusRequest) (*streamvetv1.GetStatusResponse, error) {
	response := &streamvetv1.GetStatusResponse{
		Version: s.Version, Started: timestamppb.New(s.started),
		Device: s.Engine.Device(), Fallback: s.Engine.Fallback(),
		Journal: journalStatus(s.Journal.State()), Followers: uint32(s.Followers()),
		Detectors: uint32(len(s.Engine.Detectors())), Role: s.Role(ctx),
	}
	counts := s.Registry.States()
	for _, state := range slices.Sorted(maps.Keys(counts)) {
		response.Sources = append(response.Sources, &streamvetv1.SourceCount{State: state, Count: uint32(counts[state])})
	}
	if n, limited := s.Registry.Left(); limited {
		left := uint32(n)
		response.SourcesLeft = &left
	}
	return response, nil
}
