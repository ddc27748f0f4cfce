package measure

import (
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
	// Onsets are those that were found with it, in time order; only read during the call.
	Onsets []Onset
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
	// observe appends the scores of unit u of track t, if it has any of that kind.
	observe(dst []verdict.Score, o output, t *track, u *Unit) []verdict.Score
	// end appends what can only be said of track t when the source has ended.
	end(dst []verdict.Score, o output, b *Bitstream, t *track) []verdict.Score
}

// bitstreamForms makes every closed form, by name.
func bitstreamForms() map[string]func() bitstreamForm {
	return map[string]func() bitstreamForm{
		"decode_error":   newDecodeError,
		"timestamp_jump": newTimestampJump,
		"format_change":  newFormatChange,
		"missing_track":  newMissingTrack,
		"av_desync":      newDesync,
	}
}

// BitstreamMeasures names the closed forms that NewBitstream knows, sorted.
func BitstreamMeasures() []string { return sortedKeys(bitstreamForms()) }

// Bitstream scores what container and decoder say of the tracks of a source.
// Every score belongs to the track of the unit that brought it. What is said of a track
// depends on that track alone, or, of sound beside pictures, waits for these: it is
// the same however the tracks take turns. Not safe for concurrent use.
type Bitstream struct {
	detectors []Detector
	forms     []bitstreamForm
	outputs   []output
	tracks    []track
	unit      Unit // under observation; here so that Observe allocates nothing
}

// track is what is known of one track. The closed forms keep their state here.
type track struct {
	Track
	seen       bool
	start, end time.Duration // of what has come, on the source's timeline
	tainted    bool          // picture: damaged since the last keyframe
	samples    time.Duration // sound by its samples, since anchor
	anchor     time.Duration // PTS from which samples are counted
}

// NewBitstream makes the closed forms of the detectors for a source with the
// tracks given.
func NewBitstream(detectors []Detector, tracks ...Track) (*Bitstream, error) {
	b := &Bitstream{}
	for _, t := range tracks {
		b.tracks = append(b.tracks, track{Track: t})
	}
	if err := b.Change(detectors); err != nil {
		return nil, err
	}
	return b, nil
}

// Change goes on with other detectors. Those that stay as they are keep what they
// know. On an error all stays as it was.
func (b *Bitstream) Change(detectors []Detector) error {
	known := bitstreamForms()
	var forms []bitstreamForm
	var outputs []output
	for _, d := range detectors {
		make, ok := known[d.Measure]
		if !ok {
			return unknownMeasure(d, BitstreamMeasures())
		}
		form := make()
		o, err := configure(d, form.knobs())
		if err != nil {
			return err
		}
		if i := unchanged(b.detectors, d); i >= 0 {
			form = b.forms[i]
		}
		forms, outputs = append(forms, form), append(outputs, o)
	}
	b.detectors, b.forms, b.outputs = detectors, forms, outputs
	return nil
}

// Observe takes the next picture or block of sound of a track, in the order of
// the track, and appends the scores of that track to dst. Units of tracks that
// were not declared are passed over. It allocates nothing but what dst needs.
func (b *Bitstream) Observe(dst []verdict.Score, u Unit) []verdict.Score {
	t := b.find(u.Track)
	if t == nil {
		return dst
	}
	b.unit = u
	b.unit.Duration = max(u.Duration, time.Millisecond)
	if !t.seen {
		t.seen, t.start, t.end, t.anchor = true, u.PTS, u.PTS, u.PTS
	}
	for k, f := range b.forms {
		dst = f.observe(dst, b.outputs[k], t, &b.unit)
	}
	t.end = max(t.end, u.PTS+b.unit.Duration)
	return dst
}

// End appends what is left to say of a track once all tracks have ended. tail is
// what its decoder said after the last frame.
func (b *Bitstream) End(dst []verdict.Score, number int, tail frame.Evidence) []verdict.Score {
	t := b.find(number)
	if t == nil {
		return dst
	}
	if tail != (frame.Evidence{}) {
		u := Unit{Track: number, PTS: t.end, Duration: time.Millisecond, Evidence: tail}
		for k, f := range b.forms {
			dst = f.observe(dst, b.outputs[k], t, &u)
		}
	}
	for k, f := range b.forms {
		dst = f.end(dst, b.outputs[k], b, t)
	}
	return dst
}

func (b *Bitstream) find(number int) *track {
	for i := range b.tracks {
		if b.tracks[i].Number == number {
			return &b.tracks[i]
		}
	}
	return nil
}

// end is how far the furthest track has come.
func (b *Bitstream) end() time.Duration {
	var end time.Duration
	for i := range b.tracks {
		end = max(end, b.tracks[i].end)
	}
	return end
}
