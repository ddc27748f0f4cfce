package server

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// end ends all in order. Each step has what is left of the time; one that takes
// longer is cut off, and the next begins.
func (s *Server) end() error {
	s.ending.Store(true)
	s.health.Shutdown()
	deadline, cancel := context.WithTimeout(context.Background(), s.loaded.Shutdown.Timeout)
	defer cancel()
	var errs []error
	step := func(name string, run func(context.Context) error) {
		began := time.Now()
		err := run(deadline)
		s.log.Debug("ended", "what", name, "took", time.Since(began), "error", err)
		if err != nil {
			errs = append(errs, fmt.Errorf("end %s: %w", name, err))
		}
	}
	step("the calls", s.endCalls)
	step("HTTP", s.endPages)
	errs = append(errs, s.free())
	err := errors.Join(errs...)
	if err == nil {
		s.log.Info("ended")
	}
	return err
}

// endCalls lets calls finish. Streaming ones are told to; those that do not in
// time are cut off.
func (s *Server) endCalls(ctx context.Context) error {
	s.access.EndCalls()
	done := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.grpc.Stop()
		<-done
		return errors.New("some calls were cut off")
	}
}

// free closes what New made, in the order of their use.
func (s *Server) free() error {
	var errs []error
	if s.rpcs != nil {
		s.rpcs.Close() // closed already where it was served
	}
	if s.pages != nil {
		s.pages.Close()
	}
	if s.grpc != nil {
		s.grpc.Stop()
	}
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	if s.state != nil {
		errs = append(errs, s.state.close())
	}
	return errors.Join(errs...)
}
