package engine

import (
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Sink takes what comes out of one source. Its methods are never called at the
// same time for one source, and none is called after Source.Wait has returned.
// They should be quick: the source waits for them.
type Sink interface {
	// Verdict takes a verdict each time that it is raised, updated or cleared. The
	// record is the sink's to keep.
	Verdict(*streamvetv1.Verdict)
	// Scores takes the scores of one track, to read; the slice is reused after the call.
	// Scores of one detector come in time order.
	Scores(track int, scores []verdict.Score)
	// Waveform takes the peaks of consecutive windows of sound; the slice is
	// reused after the call.
	Waveform(track int, peaks []sound.Peak)
}
