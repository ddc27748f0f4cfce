package registry

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// source is what is told of the entry.
func (e *entry) source() *streamvetv1.Source {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.record
	return &streamvetv1.Source{
		Config: redacted(r.Config), Status: e.status(),
		Created: timestamppb.New(r.Created), Updated: timestamppb.New(r.Updated), Revision: r.Revision, FromFile: r.FromFile,
	}
}

// status is what became of the source; mu is held.
func (e *entry) status() *streamvetv1.SourceStatus {
	l, t := &e.life, e.sink.tally()
	s := &streamvetv1.SourceStatus{
		State: e.state(), Reason: e.reason(), Since: timestamppb.New(l.since),
		Frames: uint64(l.frames), Drops: map[string]uint64{},
		OpenVerdicts: uint32(t.open), RaisedVerdicts: t.raised, Restarts: max(l.connects, 1) - 1,
		LastError: l.lastError, LastErrorTime: timeOf(l.lastFault), NextAttempt: timeOf(l.next),
	}
	if t.live {
		s.Epoch, s.EpochStart = uint32(l.epoch), timeOf(t.began)
	}
	if l.info != nil {
		s.Media = mediaInfo(l.info)
	}
	for d, n := range l.drops {
		s.Drops[d] = uint64(n)
	}
	if l.source != nil {
		counts := l.source.Counts()
		s.Position = durationpb.New(counts.Position)
		s.Frames += uint64(counts.Frames)
		for d, n := range counts.Drops {
			s.Drops[d] += uint64(n)
		}
	}
	return s
}

// state is that of the supervisor, but for a source that is silent; mu is held.
func (e *entry) state() streamvetv1.SourceState {
	if e.life.state == streamvetv1.SourceState_SOURCE_STATE_RUNNING && e.life.silent {
		return streamvetv1.SourceState_SOURCE_STATE_STALLED
	}
	return e.life.state
}

// reason says all that is not well; mu is held.
func (e *entry) reason() string {
	var all []string
	if e.life.reason != "" {
		all = append(all, e.life.reason)
	}
	if e.state() == streamvetv1.SourceState_SOURCE_STATE_STALLED {
		all = append(all, "nothing comes")
	}
	if len(e.life.left) > 0 {
		all = append(all, "detectors that are not loaded: "+strings.Join(e.life.left, ", "))
	}
	switch n, trouble, lost := e.sink.outbox.waiting(); {
	case lost > 0:
		all = append(all, fmt.Sprintf("%d verdicts were lost and %d wait, for the journal takes none: %s", lost, n, trouble))
	case trouble != "":
		all = append(all, fmt.Sprintf("%d verdicts wait for the journal: %s", n, trouble))
	}
	return strings.Join(all, "; ")
}

func timeOf(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func stateName(s streamvetv1.SourceState) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "SOURCE_STATE_"))
}
