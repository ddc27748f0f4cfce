package engine

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// scribe writes verdicts down in the form that they have everywhere outside.
type scribe struct {
	detectors map[string]models.Detector
	now       func() time.Time
}

func newScribe(detectors []models.Detector) *scribe {
	s := &scribe{detectors: make(map[string]models.Detector, len(detectors)), now: time.Now}
	for _, d := range detectors {
		s.detectors[d.Name] = d
	}
	return s
}

func (s *scribe) record(v verdict.Verdict) *streamvetv1.Verdict {
	d := s.detectors[v.Detector]
	r := &streamvetv1.Verdict{
		Id:              fmt.Sprintf("%d/%s/%s/%d", v.Track, v.Detector, v.Defect, v.Number),
		Source:          v.Source,
		Track:           uint32(v.Track),
		Defect:          string(v.Defect),
		State:           streamvetv1.State(v.State),
		Severity:        streamvetv1.Severity(v.Severity),
		Start:           durationpb.New(v.Start),
		End:             durationpb.New(v.End),
		Score:           v.Peak,
		Peak:            durationpb.New(v.PeakAt),
		Reading:         v.Reading,
		Detector:        v.Detector,
		DetectorVersion: d.Version,
		Time:            timestamppb.New(s.now()),
	}
	for _, o := range d.Outputs {
		if o.Defect == v.Defect {
			r.Unit = o.Unit
		}
	}
	if d.Network != nil {
		r.ModelSha256 = d.Network.SHA256
	}
	if v.Region != nil {
		r.Region = &streamvetv1.Region{X: v.Region.X, Y: v.Region.Y, Width: v.Region.Width, Height: v.Region.Height}
	}
	return r
}

// FromRecord turns a record back into the verdict that it is of. Number is left
// 0: the record has it only as part of its id.
func FromRecord(r *streamvetv1.Verdict) verdict.Verdict {
	v := verdict.Verdict{
		Source: r.Source, Track: int(r.Track), Defect: verdict.Defect(r.Defect), Detector: r.Detector,
		State: verdict.State(r.State), Severity: verdict.Severity(r.Severity),
		Start: r.Start.AsDuration(), End: r.End.AsDuration(),
		Peak: r.Score, PeakAt: r.Peak.AsDuration(), Reading: r.Reading,
	}
	if g := r.Region; g != nil {
		v.Region = &verdict.Region{X: g.X, Y: g.Y, Width: g.Width, Height: g.Height}
	}
	return v
}
