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
	mute   bool // there are no pictures
	lineup *lineup
	judge  *judge
	scores []verdict.Score // reused
}

func newBitstream(l *lineup, j *judge, video []*media.VideoTrack, sound []*media.AudioTrack) (*bitstream, error) {
	var tracks []measure.Track
	for _, t := range video {
		tracks = append(tracks, measure.Track{Number: t.Info.Index, Kind: measure.VideoTrack})
	}
	for _, t := range sound {
		tracks = append(tracks, measure.Track{Number: t.Info.Index, Kind: measure.AudioTrack})
	}
	f, err := measure.NewBitstream(nil, tracks...)
	if err != nil {
		return nil, err
	}
	b := &bitstream{forms: f, judge: j, mute: len(video) == 0}
	return b, b.change(l)
}

// change takes up another lineup; the first track that does so brings it.
func (b *bitstream) change(l *lineup) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l == b.lineup {
		return nil
	}
	b.lineup = l
	forms := l.bitForms
	if b.mute { // there is nothing that sound could be out of step with
		forms = slices.DeleteFunc(slices.Clone(forms), func(d measure.Detector) bool { return d.Measure == "av_desync" })
	}
	return b.forms.Change(forms)
}

// picture takes the next picture of a track, and the onset that was found in it.
func (b *bitstream) picture(track int, f *frame.Video, onsets []measure.Onset, look camera) error {
	u := measure.VideoUnit(track, f)
	u.Onsets = onsets
	return b.observe(u, look)
}

// sound takes the next block of sound of a track, and the onsets found in it.
func (b *bitstream) sound(track int, a *frame.Audio, onsets []measure.Onset) error {
	u := measure.AudioUnit(track, a)
	u.Onsets = onsets
	return b.observe(u, nil)
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
