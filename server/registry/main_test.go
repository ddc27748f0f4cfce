package registry

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
	"github.com/streamvet/streamvet/server/reach"
)

// childOf is set in a process that a test started from this binary.
const childOf = "STREAMVET_REGISTRY_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childOf); dir != "" {
		os.Exit(epochsChild(dir))
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// shelf is a journal in memory that can be told to fail.
type shelf struct {
	mu       sync.Mutex
	verdicts []*streamvetv1.Verdict
	trouble  error
	changed  chan struct{}
	came     chan struct{} // cap 1: something was stored
	tries    int
}

func newShelf() *shelf { return &shelf{changed: make(chan struct{}), came: make(chan struct{}, 1)} }

func (s *shelf) Append(_ context.Context, v *streamvetv1.Verdict) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if s.trouble != nil {
		return 0, s.trouble
	}
	s.verdicts = append(s.verdicts, v)
	poke(s.came)
	return uint64(len(s.verdicts)), nil
}

func (s *shelf) State() journal.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble != nil {
		return journal.State{Status: journal.Full, Reason: s.trouble.Error()}
	}
	return journal.State{}
}

func (s *shelf) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *shelf) Latest(_ context.Context, source, id string) (journal.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, v := range slices.Backward(s.verdicts) {
		if v.GetSource() == source && v.GetId() == id {
			return journal.Record{Sequence: uint64(i + 1), Verdict: v}, nil
		}
	}
	return journal.Record{}, journal.ErrNotFound
}

// fail lets all appends fail from now on; nil: none.
func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = err
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *shelf) stored() []*streamvetv1.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*streamvetv1.Verdict(nil), s.verdicts...)
}

// await waits until as many verdicts are stored.
func (s *shelf) await(t testing.TB, n int) []*streamvetv1.Verdict {
	t.Helper()
	late := time.After(patience)
	for {
		if all := s.stored(); len(all) >= n {
			return all
		}
		select {
		case <-s.came:
		case <-late:
			t.Fatalf("%d verdicts of %d", len(s.stored()), n)
		}
	}
}

var errFull = errors.Join(journal.ErrFull)

// room is a registry with what it stands on.
type room struct {
	*Registry
	t     testing.TB
	dir   string
	files string
	shelf *shelf
	eng   *engine.Engine
	once  sync.Once
}

func openRoom(t testing.TB, change ...func(*Options)) *room {
	t.Helper()
	return openRoomIn(t, t.TempDir(), change...)
}

func openRoomIn(t testing.TB, dir string, change ...func(*Options)) *room {
	t.Helper()
	r := &room{t: t, dir: dir, files: filepath.Join(dir, "files"), shelf: newShelf()}
	if err := os.MkdirAll(r.files, 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.eng, err = engine.Open(engine.Config{Detectors: shipped(t, "black"), Device: "cpu", DecoderThreads: 1}); err != nil {
		t.Fatal(err)
	}
	policy, err := reach.New(reach.Options{Roots: []string{r.files}})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Engine: r.eng, Journal: r.shelf, Dir: filepath.Join(dir, "state"), Reach: policy, Logger: quiet}
	for _, c := range change {
		c(&o)
	}
	if r.Registry, err = Open(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

func (r *room) close() {
	r.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			r.t.Error(err)
		}
		if err := r.eng.Close(); err != nil {
			r.t.Error(err)
		}
	})
}

func shipped(t testing.TB, names ...string) []models.Detector {
	t.Helper()
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	ds, err := set.Choose(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// film is a file of 6 s, black from 1 to 3 s.
func (r *room) film() string {
	r.t.Helper()
	ffmpeg := os.Getenv("STREAMVET_FFMPEG")
	if ffmpeg == "" {
		r.t.Fatal("STREAMVET_FFMPEG is not set: run the tests with make test")
	}
	path := filepath.Join(r.files, "film.ts")
	if _, err := os.Stat(path); err == nil {
		return "file://" + path
	}
	cmd := exec.Command(ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=6",
		"-vf", "drawbox=color=black:t=fill:enable='gte(t,1)*lt(t,3)'", "-c:v", "mpeg2video", "-q:v", "4", "-g", "12", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return "file://" + path
}

func (r *room) add(c *streamvetv1.SourceConfig) *streamvetv1.Source {
	r.t.Helper()
	s, err := r.Add(c)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// await waits until a source is as is says.
func (r *room) await(name string, is func(*streamvetv1.SourceStatus) bool) *streamvetv1.Source {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	w := r.Watch()
	defer w.Close()
	for {
		s, err := r.Get(name)
		if err != nil {
			r.t.Fatal(err)
		}
		if is(s.GetStatus()) {
			return s
		}
		if _, err := w.Next(ctx); err != nil {
			r.t.Fatalf("%s stays %v: %v", name, s.GetStatus(), err)
		}
	}
}

func in(state streamvetv1.SourceState) func(*streamvetv1.SourceStatus) bool {
	return func(s *streamvetv1.SourceStatus) bool { return s.GetState() == state }
}

const (
	ended   = streamvetv1.SourceState_SOURCE_STATE_ENDED
	paused  = streamvetv1.SourceState_SOURCE_STATE_PAUSED
	running = streamvetv1.SourceState_SOURCE_STATE_RUNNING
	failed  = streamvetv1.SourceState_SOURCE_STATE_FAILED
)
