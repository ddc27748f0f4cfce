package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// Names in NATS.
const (
	streamName     = "STREAMVET_VERDICTS"
	evidenceBucket = "STREAMVET_EVIDENCE"
	evidencePieces = "$O." + evidenceBucket + ".C."
	evidenceNames  = "$O." + evidenceBucket + ".M."
	idKey          = "streamvet_journal"
	formatKey      = "streamvet_format"
)

// session is an open store with the streams in it. When an embedded server has
// failed to write, its session is replaced by another.
type session struct {
	store
	options  Options
	writes   *nats.Conn // of its own, so that reading never stands before an append
	reads    *nats.Conn
	js       jetstream.JetStream // over writes
	feeds    jetstream.JetStream // over reads
	pictures jetstream.ObjectStore
	reading  chan struct{} // as many reads at once as it holds

	// grouped: a group of appends can be one batch with one sync. whole: a reader
	// sees everything that was acknowledged, as it does where there is one replica.
	grouped, whole bool

	id     string                // of the journal
	stream string                // the id that its stream has
	state  jetstream.StreamState // when it was opened

	doubt    atomic.Bool        // something was not acknowledged, and it is not known why
	replaced atomic.Bool        // somebody has put another stream in the records' place
	alive    context.Context    // until it takes no appends any more
	end      context.CancelFunc // ends alive
	stop     context.CancelFunc // ends its tail
	tails    sync.WaitGroup
}

// readsAtOnce bounds how much of the journal is on its way to followers.
const readsAtOnce = 8

func openSession(ctx context.Context, o Options, wake func()) (s *session, err error) {
	s = &session{options: o, reading: make(chan struct{}, readsAtOnce), stop: func() {}}
	s.alive, s.end = context.WithCancel(context.Background())
	if s.store, err = o.openStore(ctx, wake); err != nil {
		return nil, err
	}
	if err = s.openStreams(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) openStreams(ctx context.Context) (err error) {
	if s.writes, err = s.connect("streamvet journal: append"); err != nil {
		return fmt.Errorf("journal: connect: %w", classify(err))
	}
	if s.reads, err = s.connect("streamvet journal: read"); err != nil {
		return fmt.Errorf("journal: connect: %w", classify(err))
	}
	s.js, err = jetstream.New(s.writes,
		jetstream.WithPublishAsyncTimeout(s.options.ackTimeout),
		jetstream.WithDefaultTimeout(s.options.ackTimeout))
	if err != nil {
		return fmt.Errorf("journal: connect: %w", err)
	}
	if s.feeds, err = jetstream.New(s.reads, jetstream.WithDefaultTimeout(s.options.ackTimeout)); err != nil {
		return fmt.Errorf("journal: connect: %w", err)
	}
	info, err := s.ensure(ctx, s.options.verdictStream())
	if err != nil {
		return err
	}
	evidence, err := s.ensure(ctx, s.options.evidenceStream())
	if err != nil {
		return err
	}
	if s.pictures, err = s.js.ObjectStore(ctx, evidenceBucket); err != nil {
		return fmt.Errorf("journal: open the evidence: %w", classify(err))
	}
	s.id, s.stream, s.state = info.Config.Metadata[idKey], info.Config.Metadata[idKey], info.State
	s.whole = info.Config.Replicas == 1
	s.grouped = s.options.URL == "" && info.Config.AllowAtomicPublish && evidence.Config.AllowAtomicPublish
	return nil
}

// verdictStream is how the records' stream is to be.
func (o Options) verdictStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               streamName,
		Description:        "verdicts of streamvet, as protobuf messages streamvet.v1.Verdict",
		Subjects:           []string{subjectPrefix + ">"},
		MaxAge:             max(o.MaxAge, 0),
		MaxBytes:           max(o.MaxBytes, -1),
		Duplicates:         o.RetryWindow,
		Replicas:           o.Replicas,
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardOld,
		DenyDelete:         true,
		AllowDirect:        true,
		AllowAtomicPublish: o.URL == "",
	}
}

// evidenceStream is an object store's stream, but for one thing: when it is full,
// the oldest picture goes rather than the newest.
func (o Options) evidenceStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        "OBJ_" + evidenceBucket,
		Description: "pictures that verdicts of streamvet name",
		Subjects:    []string{evidencePieces + ">", evidenceNames + ">"},
		MaxAge:      max(o.MaxAge, 0),
		MaxBytes:    max(o.EvidenceMaxBytes, -1),
		Duplicates:  o.RetryWindow,
		Replicas:    o.Replicas,
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardOld,
		AllowRollup: true,
		AllowDirect: true,

		AllowAtomicPublish: o.URL == "",
	}
}

// ensure opens a stream, or makes it, or makes it as it is to be now.
func (s *session) ensure(ctx context.Context, want jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	stream, err := s.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return s.make(ctx, want)
	}
	if err != nil {
		return nil, fmt.Errorf("journal: open %s: %w", want.Name, classify(err))
	}
	info, err := stream.Info(ctx, jetstream.WithDeletedDetails(true))
	if err != nil {
		return nil, fmt.Errorf("journal: open %s: %w", want.Name, classify(err))
	}
	if err := checkStream(info.Config); err != nil {
		return nil, err
	}
	has := info.Config
	if has.MaxAge == want.MaxAge && has.MaxBytes == want.MaxBytes && has.Duplicates == want.Duplicates &&
		has.Replicas == want.Replicas && has.AllowAtomicPublish == want.AllowAtomicPublish {
		return info, nil
	}
	want.Metadata = has.Metadata
	if _, err := s.js.UpdateStream(ctx, want); err != nil {
		// It can still be used as it is, and a full disk must not stand in the way of reading.
		s.options.Logger.Warn("journal: its limits stay as they were", "stream", want.Name, "error", err)
		return info, nil
	}
	info.Config.Replicas, info.Config.AllowAtomicPublish = want.Replicas, want.AllowAtomicPublish
	return info, nil
}

func (s *session) make(ctx context.Context, want jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	if s.options.URL == "" {
		// The server leaves out what it cannot recover. A new stream in its place would hide that.
		if _, err := os.Stat(streamDirectory(s.options.Dir, want.Name)); err == nil {
			return nil, fmt.Errorf("journal: %w: the server could not recover %s and has logged why: mend it, or move it away to begin anew",
				ErrDamaged, streamDirectory(s.options.Dir, want.Name))
		}
	}
	want.Metadata = map[string]string{idKey: nuid.Next(), formatKey: fmt.Sprint(format)}
	stream, err := s.js.CreateStream(ctx, want)
	if err != nil {
		return nil, fmt.Errorf("journal: make %s: %w", want.Name, classify(err))
	}
	return stream.CachedInfo(), nil
}

// checkStream refuses a stream that is not a journal, or a newer version's.
func checkStream(c jetstream.StreamConfig) error {
	if c.Metadata[idKey] == "" {
		return fmt.Errorf("journal: the cluster has a stream %s that is not a journal: give the journal an account of its own", c.Name)
	}
	var has int
	if _, err := fmt.Sscan(c.Metadata[formatKey], &has); err != nil {
		return fmt.Errorf("journal: %w: %s does not say its format", ErrDamaged, c.Name)
	}
	return checkFormat(has, c.Name)
}

// broken says what ended writing for good, until a session is opened again.
func (s *session) broken() error {
	if s.replaced.Load() {
		return fmt.Errorf("%w: its stream is not there any more, or another one", ErrUnavailable)
	}
	return s.store.broken()
}

// renew gives the journal another id, so that nobody resumes by a sequence that
// was another record's.
func (s *session) renew(ctx context.Context) {
	s.id = nuid.Next()
	stream, err := s.js.Stream(ctx, streamName)
	if err == nil {
		config := stream.CachedInfo().Config
		config.Metadata[idKey] = s.id
		_, err = s.js.UpdateStream(ctx, config)
	}
	if err != nil {
		s.options.Logger.Warn("journal: its new id is not on disk", "error", err)
		return
	}
	s.stream = s.id
}

func (s *session) close() {
	s.end()
	s.stop()
	s.tails.Wait()
	for _, c := range []*nats.Conn{s.writes, s.reads} {
		if c != nil {
			c.Close()
		}
	}
	s.store.close()
}
