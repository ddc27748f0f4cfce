package api

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// fillMany appends verdicts first to last of half a KiB, many at once.
func (h *house) fillMany(first, last int) {
	h.t.Helper()
	var group errgroup.Group
	group.SetLimit(256)
	for i := first; i <= last; i++ {
		group.Go(func() error {
			v := verdictOf("news", i, streamvetv1.State_STATE_RAISED)
			v.Detector = string(make([]byte, 512))
			_, err := h.journal.Append(context.Background(), v)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		h.t.Fatal(err)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Clients that never read cost no memory for what they leave, and nobody else
// waits for them.
func TestClientsThatNeverRead(t *testing.T) {
	h := open(t, options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const lazy = 50
	for range lazy {
		conn := h.dial() // each with windows of its own
		f, err := streamvetv1.NewVerdictServiceClient(conn).FollowVerdicts(ctx, &streamvetv1.FollowVerdictsRequest{From: start})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Recv(); err != nil { // the first mark; then nothing more
			t.Fatal(err)
		}
	}
	h.fillMany(1, 2000)
	before := heap()
	h.fillMany(2001, 22000)
	good := h.follow(within(t), &streamvetv1.FollowVerdictsRequest{From: start})
	for n := uint64(0); n < 22000; {
		if r := h.event(good).GetRecord(); r != nil {
			if n++; r.GetSequence() != n {
				t.Fatalf("record %d comes as number %d", r.GetSequence(), n)
			}
		}
	}
	// 20000 records more, for each of the lazy ones, would be 500 MiB.
	if after := heap(); after > before+100<<20 {
		t.Errorf("the heap grew from %d to %d MiB", before>>20, after>>20)
	}
	if n := h.services.Followers(); n != lazy+1 {
		t.Errorf("%d followers", n)
	}
}

// A client of Vet that never reads holds up its own vetting alone.
func TestAVetThatNeverReads(t *testing.T) {
	h := open(t, options{})
	path := blackAfter(t, h.files, "1")
	ctx, cancel := context.WithCancel(t.Context())
	for range 2 {
		h.beginVet(ctx, url("file://"+path))
	}
	v, err := h.vet(url("file://"+path), nil)
	v.check(t, err, "file://"+path)
	cancel()
}

// Scores that are not taken are lost, counted, and told.
func TestScoresThatAreNotTaken(t *testing.T) {
	h := open(t, options{paced: true})
	path := clip(t, h.files, "short.ts", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=1", "-c:v", "mpeg2video")
	h.add(&streamvetv1.SourceConfig{Name: "film", Url: "file://" + path})
	f, err := h.registry.FollowScores("film")
	if err != nil {
		t.Fatal(err)
	}
	h.await("film", ended)
	got, lost, over := f.Take(nil)
	f.Close()
	if len(got) == 0 || len(got) > 4096 || lost != 0 || !over {
		t.Errorf("%d scores, %d lost, over %v", len(got), lost, over)
	}
}

// A flood of calls is answered or refused, and leaves nothing behind.
func TestAFlood(t *testing.T) {
	h := open(t, options{sources: 20, limits: Limits{Followers: 10, Watchers: 10, Vets: 2}})
	path := "file://" + blackAfter(t, h.files, "1")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var refused, done atomic.Int64
	count := func(err error) {
		switch status.Code(err) {
		case codes.OK, codes.Canceled, codes.NotFound, codes.AlreadyExists, codes.Aborted:
			done.Add(1)
		case codes.ResourceExhausted:
			refused.Add(1)
		default:
			t.Errorf("a call ends with %v", err)
		}
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := string(rune('a' + i%4))
			for range 10 {
				_, err := h.sources().AddSource(ctx, &streamvetv1.AddSourceRequest{Config: &streamvetv1.SourceConfig{Name: name, Url: path}})
				count(err)
				_, err = h.sources().ListSources(ctx, &streamvetv1.ListSourcesRequest{})
				count(err)
				_, err = h.verdicts().ListVerdicts(ctx, &streamvetv1.ListVerdictsRequest{})
				count(err)
				short, end := context.WithCancel(ctx)
				f, err := h.verdicts().FollowVerdicts(short, &streamvetv1.FollowVerdictsRequest{From: start})
				if err == nil {
					_, err = f.Recv()
				}
				count(err)
				w, err := h.sources().WatchSources(short, &streamvetv1.WatchSourcesRequest{})
				if err == nil {
					_, err = w.Recv()
				}
				count(err)
				end()
				_, err = h.sources().RemoveSource(ctx, &streamvetv1.RemoveSourceRequest{Name: name})
				count(err)
			}
		})
	}
	group.Wait()
	if done.Load() == 0 {
		t.Error("nothing was done")
	}
	// The server is as it was.
	v, err := h.vet(url(path), nil)
	v.check(t, err, path)
	for late := time.Now().Add(patience); h.services.Followers() > 0; runtime.Gosched() {
		if time.Now().After(late) {
			t.Fatalf("%d followers are left", h.services.Followers())
		}
	}
}

// Clients that vanish take their calls with them.
func TestClientsThatVanish(t *testing.T) {
	h := open(t, options{paced: true})
	h.add(&streamvetv1.SourceConfig{Name: "film", Url: "file://" + blackAfter(t, h.files, "1")})
	before := runtime.NumGoroutine()
	for range 10 {
		conn := h.dial()
		ctx := within(t)
		f, err := streamvetv1.NewVerdictServiceClient(conn).FollowVerdicts(ctx, &streamvetv1.FollowVerdictsRequest{})
		if err == nil {
			_, err = f.Recv()
		}
		if err != nil {
			t.Fatal(err)
		}
		w, err := streamvetv1.NewSourceServiceClient(conn).WatchSources(ctx, &streamvetv1.WatchSourcesRequest{})
		if err == nil {
			_, err = w.Recv()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := streamvetv1.NewScoreServiceClient(conn).FollowScores(ctx, &streamvetv1.FollowScoresRequest{Source: "film"}); err != nil {
			t.Fatal(err)
		}
		v, err := streamvetv1.NewVetServiceClient(conn).Vet(ctx)
		if err != nil {
			t.Fatal(err)
		}
		v.Send(&streamvetv1.VetRequest{Part: &streamvetv1.VetRequest_Options{Options: uploaded("a.ts")}})
		conn.Close()
	}
	for late := time.Now().Add(patience); h.services.Followers() > 0 || h.services.vets.Load() > 0 || h.services.watchers.Load() > 0 || runtime.NumGoroutine() > before+5; runtime.Gosched() {
		if time.Now().After(late) {
			t.Fatalf("%d followers, %d watchers, %d vets, %d goroutines of %d are left", h.services.Followers(), h.services.watchers.Load(), h.services.vets.Load(), runtime.NumGoroutine(), before)
		}
	}
}
