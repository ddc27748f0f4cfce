// Package report draws what was found in one or more inputs as a page of HTML
// that needs nothing else: no network, no other file.
package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Bounds of what a page shows of one input. Verdicts beyond are counted, those
// beyond the pictures go without.
const (
	verdictsMax = 1000
	picturesMax = 300
)

// lineKey names one line of scores.
type lineKey struct {
	track    int
	detector string
	defect   verdict.Defect
}

// Recorder keeps what the page shows of one input while it is vetted. Its memory
// is bounded however long the input is. Its methods are called one at a time.
type Recorder struct {
	url       string
	detectors []models.Detector
	lines     map[lineKey]*series
	loudness  map[int]*series // LUFS, by track
	waves     map[int]*series
	verdicts  []*streamvetv1.Verdict // latest state of each, in the order raised
	place     map[string]int
	unshown   int
	pictures  int
	summary   engine.Summary
	err       error
}

// NewRecorder makes a recorder for one input, which is vetted with detectors.
func NewRecorder(url string, detectors []models.Detector) *Recorder {
	return &Recorder{
		url: url, detectors: detectors, lines: map[lineKey]*series{},
		loudness: map[int]*series{}, waves: map[int]*series{}, place: map[string]int{},
	}
}

// Verdict takes a verdict in any of its states.
func (r *Recorder) Verdict(v *streamvetv1.Verdict) {
	i, known := r.place[v.Id]
	switch {
	case known:
		if v.Evidence == nil || r.pictures > picturesMax {
			v.Evidence = r.verdicts[i].Evidence
		}
		r.verdicts[i] = v
	case len(r.verdicts) >= verdictsMax:
		if v.State == streamvetv1.State_STATE_RAISED {
			r.unshown++
		}
	default:
		if v.Evidence != nil {
			r.pictures++
		}
		if r.pictures > picturesMax {
			v.Evidence = nil
		}
		r.place[v.Id] = len(r.verdicts)
		r.verdicts = append(r.verdicts, v)
	}
}

// Scores takes scores of one track.
func (r *Recorder) Scores(track int, scores []verdict.Score) {
	for _, s := range scores {
		k := lineKey{track, s.Detector, s.Defect}
		line := r.lines[k]
		if line == nil {
			line = newSeries()
			r.lines[k] = line
		}
		line.add(s.PTS, s.Duration, s.Value, s.Value)
		if s.Defect == verdict.Loudness && s.Reading < 0 {
			seriesOf(r.loudness, track).add(s.PTS, s.Duration, s.Reading, s.Reading)
		}
	}
}

// Waveform takes peaks of the sound of one track.
func (r *Recorder) Waveform(track int, peaks []sound.Peak) {
	wave := seriesOf(r.waves, track)
	for _, p := range peaks {
		wave.add(p.PTS, p.Duration, float64(p.Min), float64(p.Max))
	}
}

// End takes what became of the input.
func (r *Recorder) End(s engine.Summary, err error) { r.summary, r.err = s, err }

func seriesOf(m map[int]*series, track int) *series {
	if m[track] == nil {
		m[track] = newSeries()
	}
	return m[track]
}

// length is how much time the page spans.
func (r *Recorder) length() time.Duration {
	l := max(r.summary.Position, time.Second)
	for _, v := range r.verdicts {
		l = max(l, v.End.AsDuration())
	}
	return l
}

// inOrder gives the verdicts as they follow each other in time. They were raised
// in another order: sound and picture are vetted side by side.
func (r *Recorder) inOrder() []*streamvetv1.Verdict {
	return slices.SortedStableFunc(slices.Values(r.verdicts), func(a, b *streamvetv1.Verdict) int {
		return cmp.Compare(a.Start.AsDuration(), b.Start.AsDuration())
	})
}

// sortedLines gives the keys of the lines, those with the highest peaks first.
func (r *Recorder) sortedLines() []lineKey {
	keys := make([]lineKey, 0, len(r.lines))
	for k := range r.lines {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b lineKey) int {
		return cmp.Or(
			-cmp.Compare(r.found(a), r.found(b)),
			-cmp.Compare(r.lines[a].peak(), r.lines[b].peak()),
			cmp.Compare(a.detector, b.detector), cmp.Compare(a.defect, b.defect), cmp.Compare(a.track, b.track))
	})
	return keys
}

// found counts the verdicts of a line.
func (r *Recorder) found(k lineKey) int {
	n := 0
	for _, v := range r.verdicts {
		if int(v.Track) == k.track && v.Detector == k.detector && v.Defect == string(k.defect) {
			n++
		}
	}
	return n
}
