package livetest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/verdict"
)

// What has an end is vetted as fast as it comes, to the same verdicts over HTTP as
// in a playlist of HLS, and is not connected again.
func TestOnDemand(t *testing.T) {
	need(t, "ffmpeg", nginxProgram)
	port := freePort(t)
	dir, _ := nginx(t, port, freePort(t))
	awaitListener(t, port)
	once := clip(t, onceOnly)
	for _, name := range []string{"list.m3u8", "film.mp4", "film.ts"} {
		if _, err := remux(once, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	e := openEngine(t, "black", "silence", "stall", "decode_error")
	for _, name := range []string{"list.m3u8", "film.mp4", "film.ts"} {
		w := newWitness()
		c := engine.SourceConfig{URL: fmt.Sprintf("http://127.0.0.1:%d/%s", port, name), Sink: w, DetectLive: true}
		if err := e.Supervise(t.Context(), c, soon, w.tell); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w.phase() != engine.Ended || w.epoch() != 1 || w.count(verdict.Stall, raised) != 0 || w.count(verdict.DecodeError, raised) != 0 {
			t.Errorf("%s:\n%s", name, w)
		}
		for _, d := range []verdict.Defect{verdict.Black, verdict.Silence} {
			if n := w.count(d, cleared); n != 1 {
				t.Errorf("%s: %d verdicts of %s", name, n, d)
			}
		}
		for _, v := range w.verdicts {
			if v.State == cleared && (away(v.Start.AsDuration(), 2*time.Second) > 100*time.Millisecond || away(v.End.AsDuration(), 4*time.Second) > 100*time.Millisecond) {
				t.Errorf("%s: %s from %v to %v", name, v.Defect, v.Start.AsDuration(), v.End.AsDuration())
			}
		}
	}
}

func away(a, b time.Duration) time.Duration { return (a - b).Abs() }

// A server that has nothing there yet is asked until it has.
func TestNotThereYet(t *testing.T) {
	need(t, "ffmpeg")
	once := clip(t, onceOnly)
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked < 4 {
			http.Error(w, "later", []int{404, 403, 503}[asked-1])
			return
		}
		http.ServeFile(w, r, once)
	}))
	defer s.Close()
	e := openEngine(t, "black")
	w := newWitness()
	if err := e.Supervise(t.Context(), engine.SourceConfig{URL: s.URL + "/film.mp4", Sink: w}, soon, w.tell); err != nil {
		t.Fatal(err)
	}
	if w.epoch() != 4 || w.count(verdict.Black, cleared) != 1 || w.verdicts[0].Epoch != 4 {
		t.Errorf("%s", w)
	}
}
