package server

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// closing is how long what is left may take to close when the time of a clean end
// is over.
const closing = 5 * time.Second

// lastTraces is how long the collector may take for the last ones.
const lastTraces = 2 * time.Second

// end ends all in order. All steps share the time that is configured; one that
// takes longer is left behind, and the next begins.
func (s *Server) end() error {
	s.phase.Store(ending)
	s.notify("STOPPING=1")
	if s.health != nil {
		s.health.Shutdown()
	}
	timeout := s.config.Load().Shutdown.Timeout
	all, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	// Verdicts that cannot be stored must not take all of the time.
	some, cancelSome := context.WithTimeout(all, timeout*2/3)
	defer cancelSome()
	err := errors.Join(
		s.step(some, "the sources", s.endSources),
		s.step(all, "the calls", s.endCalls),
		s.step(all, "HTTP", s.endPages),
	)
	last, cancelLast := context.WithTimeout(context.WithoutCancel(all), max(closing, timeout/10))
	defer cancelLast()
	err = errors.Join(err, s.step(last, "the rest", func(context.Context) error { return s.Close() }))
	if err == nil {
		s.log.Info("ended")
	}
	return err
}

// step runs one step, and leaves it behind when ctx ends a moment before it.
func (s *Server) step(ctx context.Context, name string, run func(context.Context) error) error {
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Until(deadlineOf(ctx))+time.Second)
	defer cancel()
	var err error
	select {
	case err = <-done:
	case <-grace.Done():
		err = errors.New("it takes too long, and is left behind")
	}
	s.log.Debug("ended", "what", name, "took", time.Since(began).String(), "error", err)
	if err != nil {
		return fmt.Errorf("end %s: %w", name, err)
	}
	return nil
}

func deadlineOf(ctx context.Context) time.Time {
	t, _ := ctx.Deadline()
	return t
}

// endSources takes no new ones, stops those that there are, and stores what they
// have found.
func (s *Server) endSources(ctx context.Context) error {
	if s.sources == nil {
		return nil
	}
	return s.sources.Close(ctx)
}

// endCalls lets calls finish: those that go on are asked to, then told to, and
// cut off when the time is over.
func (s *Server) endCalls(ctx context.Context) error {
	if s.grpc == nil {
		return nil
	}
	s.services.End()
	done := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(done)
	}()
	left := time.Until(deadlineOf(ctx))
	tell := time.AfterFunc(left/2, s.access.EndCalls)
	defer tell.Stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.grpc.Stop()
		<-done
		return errors.New("some calls were cut off")
	}
}

// Close frees all that was made, the last first. Run does it too; it may be called
// again.
func (s *Server) Close() error { return s.close() }

func (s *Server) free() error {
	var errs []error
	if s.rpcs != nil {
		s.rpcs.Close() // it was closed already if it was served
	}
	if s.pages != nil {
		s.pages.Close()
	}
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	if s.tracer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), lastTraces)
		if err := s.tracer.Close(ctx); err != nil {
			s.log.Warn("the last traces are lost", "error", err)
		}
		cancel()
	}
	if s.state != nil {
		errs = append(errs, s.state.close())
	}
	return errors.Join(errs...)
}
