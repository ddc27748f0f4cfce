package engine

import (
	"slices"
	"strings"

	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// ShadowSink is a Sink that also takes what shadows find. Without it that is
// dropped.
type ShadowSink interface {
	// Shadow takes a verdict of a shadow, as Sink.Verdict does; its detector is named
	// as the one that it is the shadow of.
	Shadow(*streamvetv1.Verdict)
}

// ShadowScoreSink is a ShadowSink that also takes the scores of shadows.
type ShadowScoreSink interface {
	ShadowSink
	// ShadowScores takes scores as Sink.Scores does; their detectors are named as the
	// ones that they are the shadows of.
	ShadowScores(track int, scores []verdict.Score)
}

// shadowMark ends the name of a shadow within the engine; no manifest can have it.
const shadowMark = "@shadow"

// shade makes detectors shadows.
func shade(ds []models.Detector) []models.Detector {
	ds = slices.Clone(ds)
	for i := range ds {
		ds[i].Name += shadowMark
	}
	return ds
}

func isShadow(detector string) bool { return strings.HasSuffix(detector, shadowMark) }

// plainName is the name that a detector has outside.
func plainName(detector string) string { return strings.TrimSuffix(detector, shadowMark) }

// withoutShadows are the scores that the sink is told; it works in place.
func withoutShadows(scores []verdict.Score) []verdict.Score {
	return slices.DeleteFunc(scores, func(s verdict.Score) bool { return isShadow(s.Detector) })
}

// ofShadows appends the scores of shadows to dst, by their plain names.
func ofShadows(dst, scores []verdict.Score) []verdict.Score {
	for _, s := range scores {
		if isShadow(s.Detector) {
			s.Detector = plainName(s.Detector)
			dst = append(dst, s)
		}
	}
	return dst
}
