package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// embedded is a NATS server in this process. It listens nowhere and syncs every
// write before it acknowledges it.
type embedded struct {
	server  *server.Server
	ear     *ear
	dir     string
	minFree int64
}

const (
	startTimeout = 5 * time.Minute // a long journal with damaged indexes is read whole
	readyTimeout = 10 * time.Second
	noLimit      = 1 << 60 // what the streams may take is their own limit
)

func startEmbedded(ctx context.Context, dir string, minFree int64, log *slog.Logger, wake func()) (*embedded, error) {
	clearTrials(dir)
	srv, err := server.NewServer(&server.Options{
		ServerName:             "streamvet",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               dir,
		SyncAlways:             true,
		JetStreamMaxStore:      noLimit,
		JetStreamMaxMemory:     noLimit,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, fmt.Errorf("journal: set up its server: %w", err)
	}
	e := &embedded{server: srv, ear: &ear{log: log, wake: wake}, dir: dir, minFree: minFree}
	srv.SetLoggerV2(e.ear, false, false, false)

	// Start returns when the journal was read, or not at all ready if it could not be.
	started := make(chan struct{})
	go func() { srv.Start(); close(started) }()
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	select {
	case <-started:
	case <-ctx.Done():
		err = ctx.Err()
	case <-timeout.C:
		err = errors.New("it did not start in time")
	}
	if fatal := e.ear.fatal(); fatal != nil {
		err = fatal
	} else if err == nil && !srv.ReadyForConnections(readyTimeout) {
		err = errors.New("it is not ready")
	}
	if err != nil {
		e.close()
		<-started
		if disk := probe(dir); disk != nil { // of which the server does not tell
			err = disk
		}
		return nil, fmt.Errorf("journal: start its server in %s: %w", dir, classify(err))
	}
	return e, nil
}

func (e *embedded) connect(name string) (*nats.Conn, error) {
	return nats.Connect("", nats.InProcessServer(e.server), nats.Name(name), nats.NoReconnect(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			e.ear.log.Warn("journal: its connection", "error", err)
		}))
}

// broken asks the server. After one failed write it takes no other.
func (e *embedded) broken() error {
	health := e.server.Healthz(&server.HealthzOptions{Details: true, Account: account})
	for range 100 {
		// It gives its own readiness a millisecond, which a busy machine may not have.
		if len(health.Errors) == 0 || health.Errors[0].Type != server.HealthzErrorConn {
			break
		}
		health = e.server.Healthz(&server.HealthzOptions{Details: true, Account: account})
	}
	if len(health.Errors) == 0 {
		return nil
	}
	// A server that has shut down its streams does not say why; its log did.
	if disk := e.ear.diskError(); disk != nil {
		return classify(disk)
	}
	return classify(errors.New(health.Errors[0].Error))
}

func (e *embedded) room() error { return room(e.dir, e.minFree) }

func (e *embedded) close() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

// ear hears what the server logs: it hands warnings on, and wakes the supervisor,
// since the server tells of a failed write in no other way.
type ear struct {
	log  *slog.Logger
	wake func()

	mu   sync.Mutex
	disk error // the last line that quoted an error of the disk
	end  error
}

func (e *ear) hear(format string, args []any) string {
	line := fmt.Sprintf(format, args...)
	err := errors.New(line)
	e.mu.Lock()
	if kind := classify(err); errors.Is(kind, ErrFull) || errors.Is(kind, ErrReadOnly) {
		e.disk = err
	}
	e.mu.Unlock()
	e.wake()
	return line
}

func (e *ear) Errorf(format string, args ...any) {
	e.log.Error("journal: its server", "says", e.hear(format, args))
}

func (e *ear) Warnf(format string, args ...any) {
	e.log.Warn("journal: its server", "says", e.hear(format, args))
}

func (e *ear) Fatalf(format string, args ...any) {
	line := e.hear(format, args)
	e.mu.Lock()
	e.end = errors.New(line)
	e.mu.Unlock()
}

func (e *ear) Noticef(format string, args ...any) {
	e.log.Debug("journal: its server", "says", fmt.Sprintf(format, args...))
}
func (e *ear) Debugf(string, ...any) {}
func (e *ear) Tracef(string, ...any) {}

func (e *ear) diskError() error { e.mu.Lock(); defer e.mu.Unlock(); return e.disk }
func (e *ear) fatal() error     { e.mu.Lock(); defer e.mu.Unlock(); return e.end }

// account is the one that the server gives those who name none.
const account = "$G"

// streamDirectory is where the embedded server keeps a stream.
func streamDirectory(dir, stream string) string {
	return filepath.Join(dir, "jetstream", account, "streams", stream)
}

// clearTrials removes what probe, and the server in the same way, have left where
// a process was killed.
func clearTrials(dir string) {
	os.Remove(filepath.Join(dir, "probe"))
	for _, where := range []string{filepath.Join(dir, "jetstream"), streamDirectory(dir, "*")} {
		trials, _ := filepath.Glob(filepath.Join(where, "_test_*"))
		for _, path := range trials {
			os.Remove(path)
		}
	}
}
