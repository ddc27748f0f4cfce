package api

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/streamvet/streamvet/engine"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
	"github.com/streamvet/streamvet/server/reach"
	"github.com/streamvet/streamvet/server/registry"
)

// Options are what the services stand on. Engine, Journal, Registry and Reach are needed.
type Options struct {
	Engine   *engine.Engine
	Journal  *journal.Journal
	Registry *registry.Registry
	Reach    *reach.Policy
	// Detectors is the directory of detectors beside those that are shipped; empty:
	// there is none.
	Detectors string
	// Keep tells whether a detector is wanted, by its name, when the directory is read
	// again; nil: all are.
	Keep func(name string) bool
	// Version is what the server says it is.
	Version string
	// Role says what the caller may do; nil: everything.
	Role func(context.Context) streamvetv1.Role
	// Limits bound what callers can ask for at once.
	Limits Limits
	Logger *slog.Logger
}

// Limits bound what callers can ask for at once. Zero values stand for the defaults.
type Limits struct {
	Followers   int    // calls of FollowVerdicts; default 10000
	Watchers    int    // calls of WatchSources, FollowScores and CompareShadow; default 1000
	Vets        int    // calls of Vet; default 4
	UploadBytes uint64 // of one call of Vet; default 16 GiB
	// IndexLastBytes is how much of that may be gathered in memory, for files with their
	// index at the end; default 256 MiB.
	IndexLastBytes uint64
	LiveVet        time.Duration // how much of a live source one call of Vet sees; default an hour
}

func (l Limits) withDefaults() Limits {
	orElse(&l.Followers, 10000)
	orElse(&l.Watchers, 1000)
	orElse(&l.Vets, 4)
	orElse(&l.UploadBytes, 16<<30)
	orElse(&l.IndexLastBytes, 256<<20)
	orElse(&l.LiveVet, time.Hour)
	return l
}

func orElse[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Services are the services of one server.
type Services struct {
	Options
	started time.Time
	ending  chan struct{}
	once    sync.Once

	followers, watchers, vets atomic.Int64
	scans                     chan struct{} // searches of the journal under way
	detectors                 *detectors
}

// maxScans is how many calls may search the journal at the same time.
const maxScans = 4

// Register makes the services and puts them on s.
func Register(s grpc.ServiceRegistrar, o Options) *Services {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Role == nil {
		o.Role = func(context.Context) streamvetv1.Role { return streamvetv1.Role_ROLE_OPERATE }
	}
	o.Limits = o.Limits.withDefaults()
	all := &Services{Options: o, started: time.Now(), ending: make(chan struct{}), scans: make(chan struct{}, maxScans)}
	streamvetv1.RegisterSourceServiceServer(s, &sources{Services: all})
	streamvetv1.RegisterVerdictServiceServer(s, &verdicts{Services: all})
	all.detectors = newDetectors(all)
	streamvetv1.RegisterDetectorServiceServer(s, all.detectors)
	streamvetv1.RegisterScoreServiceServer(s, &scores{Services: all})
	streamvetv1.RegisterVetServiceServer(s, &vets{Services: all})
	streamvetv1.RegisterServerServiceServer(s, &server{Services: all})
	return all
}

// End lets the calls that go on end: those that follow the journal once they have
// told what is in it. It may be called again.
func (s *Services) End() { s.once.Do(func() { close(s.ending) }) }

// ReloadDetectors does what the method of that name does.
func (s *Services) ReloadDetectors(ctx context.Context) (*streamvetv1.ReloadDetectorsResponse, error) {
	return s.detectors.ReloadDetectors(ctx, &streamvetv1.ReloadDetectorsRequest{})
}

// Followers is how many calls follow the journal now.
func (s *Services) Followers() int { return int(s.followers.Load()) }

// rest waits; false when ctx or the server ends.
func (s *Services) rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.ending:
	}
	return false
}

// enter counts a call that goes on, or refuses it where there are too many.
func enter(count *atomic.Int64, limit int, what string) (leave func(), err error) {
	if count.Add(1) > int64(limit) {
		count.Add(-1)
		return nil, capacity("there are %d %s already, which is the limit: end one, or try again later", limit, what)
	}
	return func() { count.Add(-1) }, nil
}
