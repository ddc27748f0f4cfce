package api

import (
	"context"
	"testing"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// A file is added, and what is found in it reaches a follower.
func TestAVerdictReachesAFollower(t *testing.T) {
	h := open(t, options{})
	path := blackAfter(t, h.files, "1")
	c := h.dial()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	follow, err := streamvetv1.NewVerdictServiceClient(c).FollowVerdicts(ctx, &streamvetv1.FollowVerdictsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := follow.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if m := first.GetMark(); !m.GetCaughtUp() || m.GetJournal().GetId() == "" || m.GetJournal().GetState() != streamvetv1.JournalState_JOURNAL_STATE_OK {
		t.Errorf("the first message is %v, want a mark that has caught up", first)
	}
	added, err := streamvetv1.NewSourceServiceClient(c).AddSource(ctx, &streamvetv1.AddSourceRequest{Config: &streamvetv1.SourceConfig{
		Name: "news", Url: "file://" + path, Labels: map[string]string{"site": "north"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if s := added.GetSource(); s.GetRevision() != 1 || s.GetStatus().GetState() != streamvetv1.SourceState_SOURCE_STATE_CONNECTING {
		t.Errorf("added: %v", s)
	}
	for _, want := range []streamvetv1.State{streamvetv1.State_STATE_RAISED, streamvetv1.State_STATE_CLEARED} {
		event, err := follow.Recv()
		if err != nil {
			t.Fatal(err)
		}
		v := event.GetRecord().GetVerdict()
		if v.GetState() != want || v.GetDefect() != "black" || v.GetSource() != "news" || v.GetLabels()["site"] != "north" {
			t.Errorf("got %v, want black %v", event, want)
		}
		if want == streamvetv1.State_STATE_RAISED && v.GetEvidence().GetKey() == "" {
			t.Error("its picture has no key")
		}
	}
}
