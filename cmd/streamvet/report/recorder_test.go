package report

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func shipped(t testing.TB) []models.Detector {
	t.Helper()
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	return set.Detectors()
}

// record makes a verdict of black.
func record(n int, state streamvetv1.State, start, end time.Duration) *streamvetv1.Verdict {
	return &streamvetv1.Verdict{
		Id: fmt.Sprintf("0/black/black/%d", n), Source: "film.mp4", Defect: "black", State: state, Severity: streamvetv1.Severity_SEVERITY_MAJOR,
		Start: durationpb.New(start), End: durationpb.New(end), Score: 0.75, Peak: durationpb.New(start), Reading: 0.99, Unit: "share of the picture",
		Detector: "black", DetectorVersion: "0.1.0",
	}
}

func TestRecorderKeepsTheLatestState(t *testing.T) {
	r := NewRecorder("film.mp4", nil)
	first := record(1, streamvetv1.State_STATE_RAISED, time.Second, 2*time.Second)
	first.Evidence = &streamvetv1.Evidence{MediaType: "image/jpeg", Data: []byte{1}}
	r.Verdict(first)
	r.Verdict(record(2, streamvetv1.State_STATE_RAISED, 5*time.Second, 6*time.Second))
	r.Verdict(record(1, streamvetv1.State_STATE_UPDATED, time.Second, 3*time.Second))
	r.Verdict(record(1, streamvetv1.State_STATE_CLEARED, time.Second, 4*time.Second))
	if len(r.verdicts) != 2 {
		t.Fatalf("%d verdicts", len(r.verdicts))
	}
	v := r.verdicts[0]
	if v.State != streamvetv1.State_STATE_CLEARED || v.End.AsDuration() != 4*time.Second || v.Evidence == nil {
		t.Errorf("%v", v)
	}
	r.End(engine.Summary{Progress: engine.Progress{Position: 5 * time.Second}}, nil)
	if r.length() != 6*time.Second {
		t.Errorf("the page spans %v; the last verdict ends at 6 s", r.length())
	}
}

func TestRecorderCountsWhatItDoesNotKeep(t *testing.T) {
	r := NewRecorder("film.mp4", nil)
	for i := range 1500 {
		at := time.Duration(i) * time.Second
		raised := record(i, streamvetv1.State_STATE_RAISED, at, at)
		raised.Evidence = &streamvetv1.Evidence{MediaType: "image/jpeg", Data: []byte{1}}
		r.Verdict(raised)
		r.Verdict(record(i, streamvetv1.State_STATE_UPDATED, at, at))
		r.Verdict(record(i, streamvetv1.State_STATE_CLEARED, at, at+time.Second))
	}
	if len(r.verdicts) != verdictsMax || len(r.place) != verdictsMax || r.unshown != 1500-verdictsMax {
		t.Errorf("%d kept, %d not", len(r.verdicts), r.unshown)
	}
	pictures := 0
	for _, v := range r.verdicts {
		if v.Evidence != nil {
			pictures++
		}
	}
	if pictures != picturesMax || r.verdicts[0].Evidence == nil {
		t.Errorf("%d pictures are kept", pictures)
	}
}

// Ten hours with everything on: memory has a bound that the first hour sets.
func TestRecorderIsBounded(t *testing.T) {
	r := NewRecorder("film.mp4", nil)
	grow := func(from, to time.Duration) {
		scores := make([]verdict.Score, 2)
		peaks := make([]sound.Peak, 1)
		for at := from; at < to; at += 100 * time.Millisecond {
			for i, d := range []verdict.Defect{verdict.Black, verdict.Loudness} {
				scores[i] = verdict.Score{Detector: string(d), Defect: d, PTS: at, Duration: 100 * time.Millisecond, Value: 0.1, Reading: -20}
			}
			r.Scores(0, scores)
			peaks[0] = sound.Peak{PTS: at, Duration: 100 * time.Millisecond, Min: -0.5, Max: 0.5}
			r.Waveform(1, peaks)
		}
	}
	grow(0, time.Hour)
	before := heap()
	grow(time.Hour, 10*time.Hour)
	if after := heap(); after > before+1<<20 {
		t.Errorf("%d bytes after an hour, %d after ten", before, after)
	}
	if len(r.lines) != 2 || len(r.loudness) != 1 || len(r.waves) != 1 {
		t.Errorf("%d lines, %d of loudness, %d waves", len(r.lines), len(r.loudness), len(r.waves))
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
