package engine

import (
	"slices"
	"sync"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
)

// bitstream scores what container and decoder say of the tracks of a source.
type bitstream struct {
	mu     sync.Mutex // held while its scores are judged, so that they stay in order
	forms  *measure.Bitstream
	judge  *judge
	scores []verdict.Score // reused
}

func newBitstream(forms []measure.Detector, j *judge, video []*media.VideoTrack, sound []*media.AudioTrack) (*bitstream, error) {
	var tracks []measure.Track
	for _, t := range video {
		tracks = append(tracks, measure.Track{Number: t.Info.Index, Kind: measure.VideoTrack})
	}
	for _, t := range sound {
		tracks = append(tracks, measure.Track{Number: t.Info.Index, Kind: measure.AudioTrack})
	}
	if len(video) == 0 { // there is nothing that sound could be out of step with
		forms = slices.DeleteFunc(slices.Clone(forms), func(d measure.Detector) bool { return d.Measure == "av_desync" })
	}
	f, err := measure.NewBitstream(forms, tracks...)
	if err != nil {
		return nil, err
	}
	return &bitstream{forms: f, judge: j}, nil
}

// picture takes the next picture of a track.
func (b *bitstream) picture(track int, f *frame.Video, look camera) error {
	return b.observe(measure.VideoUnit(track, f), look)
}

// sound takes the next block of sound of a track.
func (b *bitstream) sound(track int, a *frame.Audio) error {
	return b.observe(measure.AudioUnit(track, a), nil)
}

func (b *bitstream) observe(u measure.Unit, look camera) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scores = b.forms.Observe(b.scores[:0], u)
	return b.judge.scores(u.Track, b.scores, look)
}

// end says of a track what can be said once all have ended.
func (b *bitstream) end(track int, tail frame.Evidence) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scores = b.forms.End(b.scores[:0], track, tail)
	return b.judge.scores(track, b.scores, nil)
}
