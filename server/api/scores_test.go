package api

import (
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/registry"
)

// The scores of a source come until it ends.
func TestFollowScores(t *testing.T) {
	h := open(t, options{detectors: []string{"black", "freeze"}, paced: true})
	path := clip(t, h.files, "short.ts", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=2", "-c:v", "mpeg2video", "-g", "12")
	h.add(&streamvetv1.SourceConfig{Name: "film", Url: "file://" + path})
	f, err := h.scores().FollowScores(within(t), &streamvetv1.FollowScoresRequest{Source: "film", Detectors: []string{"black"}, Step: durationpb.New(200 * time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	var all []*streamvetv1.Score
	for {
		r, err := f.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.GetLost() > 0 {
			t.Errorf("%d were lost", r.GetLost())
		}
		all = append(all, r.GetScores()...)
	}
	if len(all) < 2 || len(all) > 10 {
		t.Fatalf("%d scores of 2 s in steps of 0.2 s", len(all))
	}
	for i, s := range all[1:] {
		if s.GetDetector() != "black" || s.GetDefect() != "black" || s.GetStart().AsDuration() <= all[i].GetStart().AsDuration() || s.GetCount() != 5 || s.GetLength().AsDuration() != 200*time.Millisecond || s.GetEpoch() != 0 {
			t.Errorf("score %d is %v", i+1, s)
		}
	}
	f, err = h.scores().FollowScores(within(t), &streamvetv1.FollowScoresRequest{Source: "none"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Recv()
	wantError(t, err, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN)
}

// Scores within a step are told as the highest of them, lane by lane.
func TestMerger(t *testing.T) {
	m := newMerger(&streamvetv1.FollowScoresRequest{Step: durationpb.New(time.Second)})
	give := func(detector string, at time.Duration, epoch uint32, value, reading float64) {
		m.take(registry.Score{Epoch: epoch, Score: verdict.Score{Detector: detector, Defect: "black", PTS: at, Duration: 400 * time.Millisecond, Value: value, Reading: reading}})
	}
	give("a", 0, 1, 0.2, 2)
	give("b", 0, 1, 0.1, 1)
	give("a", 400*time.Millisecond, 1, 0.9, 9)
	give("a", 800*time.Millisecond, 1, 0.3, 3)
	if len(m.ready) != 0 {
		t.Errorf("ready too early: %v", m.ready)
	}
	give("a", 1200*time.Millisecond, 1, 0.4, 4)
	if len(m.ready) != 1 || m.ready[0].GetScore() != 0.9 || m.ready[0].GetReading() != 9 || m.ready[0].GetCount() != 3 || m.ready[0].GetLength().AsDuration() != 1200*time.Millisecond {
		t.Errorf("the step: %v", m.ready)
	}
	give("a", 0, 2, 0.5, 5) // another epoch: all of the one before is over
	if len(m.ready) != 3 || len(m.open) != 1 {
		t.Errorf("over epochs: %v, open %v", m.ready, m.open)
	}
	m.flush()
	if len(m.ready) != 4 || len(m.open) != 0 {
		t.Errorf("at the end: %v", m.ready)
	}
}
