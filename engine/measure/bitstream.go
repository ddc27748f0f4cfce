package measure

import (
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

// TrackKind tells picture from sound.
type TrackKind uint8

const (
	VideoTrack TrackKind = iota
	AudioTrack
)

func (k TrackKind) String() string { return [...]string{"video", "audio"}[min(k, AudioTrack)] }

// Unit is the timing of one picture or one block of sound.
type Unit struct {
	Track         int // number of the track in its source
	PTS, Duration time.Duration
	Keyframe      bool // pictures only
	// Samples and SampleRate count the sound in this block; 0 for pictures.
	Samples, SampleRate int
	Evidence            frame.Evidence
}

// VideoUnit takes a Unit from a picture.
func VideoUnit(track int, v *frame.Video) Unit {
	return Unit{Track: track, PTS: v.PTS, Duration: v.Duration, Keyframe: v.Keyframe, Evidence: v.Evidence}
}

// AudioUnit takes a Unit from a block of sound.
func AudioUnit(track int, a *frame.Audio) Unit {
	u := Unit{Track: track, PTS: a.PTS, Duration: a.Duration, SampleRate: a.SampleRate, Evidence: a.Evidence}
	if a.Channels > 0 {
		u.Samples = len(a.Samples[0])
	}
	return u
}

// Track is a track that the container declares.
type Track struct {
	Number int
	Kind   TrackKind
}

// bitstreamForm is one closed form over what container and decoder say.
type bitstreamForm interface {
	knobs() []knob
	// take learns from a unit of track t.
	take(b *Bitstream, t *track, u *Unit)
	// tell appends the score for the time from..to of the clock track.
	tell(dst []verdict.Score, o output, b *Bitstream, from, to time.Duration) []verdict.Score
	// end appends what can only be said at the end of the source.
	end(dst []verdict.Score, o output, b *Bitstream) []verdict.Score
}

var bitstreamForms = map[string]func() bitstreamForm{
	"decode_error":   newDecodeError,
	"timestamp_jump": newTimestampJump,
	"format_change":  newFormatChange,
	"missing_track":  newMissingTrack,
	"av_desync":      newDesync,
}

// BitstreamMeasures names the closed forms that NewBitstream knows, sorted.
func BitstreamMeasures() []string { return sortedKeys(bitstreamForms) }

// Bitstream scores what container and decoder say of all tracks of a source.
// Scores come at the pace of one track, the clock: the first video track, or
// the first audio track where there is no picture or it has ended. Not safe for
// concurrent use.
type Bitstream struct {
	forms   []bitstreamForm
	outputs []output
	tracks  []track
	clock   int           // index in tracks
	told    time.Duration // scores speak for the time up to here
}

// track is what is known of one track.
type track struct {
	Track
	seen       bool
	start, end time.Duration // of what has come, on the source's timeline
	jumps      time.Duration // sum of the timestamp jumps that were taken out
	samples    time.Duration // sound by its samples, since anchor
	anchor     time.Duration // PTS from which samples are counted
	tainted    bool          // picture: damaged since the last keyframe
}

// NewBitstream makes the closed forms of the detectors for a source with the
// tracks given.
func NewBitstream(detectors []Detector, tracks ...Track) (*Bitstream, error) {
	b := &Bitstream{}
	for _, t := range tracks {
		b.tracks = append(b.tracks, track{Track: t})
	}
	b.clock = max(slices.IndexFunc(b.tracks, func(t track) bool { return t.Kind == VideoTrack }), 0)
	for _, d := range detectors {
		make, ok := bitstreamForms[d.Measure]
		if !ok {
			return nil, unknownMeasure(d, BitstreamMeasures())
		}
		form := make()
		o, err := configure(d, form.knobs())
		if err != nil {
			return nil, err
		}
		b.forms, b.outputs = append(b.forms, form), append(b.outputs, o)
	}
	return b, nil
}

// Observe takes the next picture or block of sound of a track, in the order of
// the track, and appends the scores that are due to dst. Units of tracks that
// were not declared are passed over. It allocates nothing but what dst needs.
func (b *Bitstream) Observe(dst []verdict.Score, u Unit) []verdict.Score {
	i := b.find(u.Track)
	if i < 0 {
		return dst
	}
	u.Duration = max(u.Duration, 0)
	t := &b.tracks[i]
	if !t.seen {
		t.seen, t.start, t.end, t.anchor = true, u.PTS, u.PTS, u.PTS
	}
	t.jumps += u.Evidence.Jump
	for _, f := range b.forms {
		f.take(b, t, &u)
	}
	t.end = max(t.end, u.PTS+u.Duration)
	if i != b.clock && b.clockLost(t) {
		b.clock = i
	}
	if i != b.clock || t.end <= b.told {
		return dst
	}
	return b.tell(dst, max(u.PTS, b.told), t.end)
}

// End says that the source has ended, and appends what is left to say.
func (b *Bitstream) End(dst []verdict.Score) []verdict.Score {
	if end := b.end(); end > b.told {
		dst = b.tell(dst, b.told, end)
	}
	for k, f := range b.forms {
		dst = f.end(dst, b.outputs[k], b)
	}
	return dst
}

func (b *Bitstream) tell(dst []verdict.Score, from, to time.Duration) []verdict.Score {
	for k, f := range b.forms {
		dst = f.tell(dst, b.outputs[k], b, from, to)
	}
	b.told = to
	return dst
}

// clockLost tells whether the clock track is so far behind t that it must have ended.
func (b *Bitstream) clockLost(t *track) bool {
	const patience = 2 * time.Second
	return t.end-b.tracks[b.clock].end > patience
}

func (b *Bitstream) find(number int) int {
	for i := range b.tracks {
		if b.tracks[i].Number == number {
			return i
		}
	}
	return -1
}

// end is how far the furthest track has come.
func (b *Bitstream) end() time.Duration {
	var end time.Duration
	for i := range b.tracks {
		end = max(end, b.tracks[i].end)
	}
	return end
}

// covered is how far all tracks have come.
func (b *Bitstream) covered() time.Duration {
	covered := b.end()
	for i := range b.tracks {
		covered = min(covered, b.tracks[i].end)
	}
	return covered
}
