package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/streamvet/streamvet/engine/verdict"
)

// TruthVersion is the version of the truth file's form. Version 1, which had no
// damage by macroblock, is read too.
const TruthVersion = 2

// Truth says what was injected where. All seconds are on the output file's own
// timeline, which begins at 0 with whatever track begins first.
type Truth struct {
	Version int    `json:"version"`
	Source  string `json:"source"` // the clip that was spoiled
	// SourceStart is where in it the stretch begins that was taken, in seconds.
	SourceStart float64 `json:"source_start,omitempty"`
	Media       string  `json:"media"` // the file that this is the truth of
	MediaBytes  int64   `json:"media_bytes,omitempty"`

	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
	// FPS and FrameRate are the same rate; the latter is exact ("30000/1001").
	FPS       float64 `json:"fps,omitempty"`
	FrameRate string  `json:"frame_rate,omitempty"`
	// Frames counts the places on the grid of pictures. A picture that was left
	// out (stutter:drop) or lost keeps its place.
	Frames int64 `json:"frames,omitempty"`
	// PictureStart is when picture 0 is shown, SoundStart when sample 0 is heard:
	// not always 0, since some containers let one track begin a little later.
	PictureStart float64 `json:"picture_start"`
	SoundStart   float64 `json:"sound_start"`
	SampleRate   int     `json:"sample_rate,omitempty"`
	Channels     int     `json:"channels,omitempty"`
	Duration     float64 `json:"duration"` // seconds, of the longer track
	Encoder      string  `json:"encoder"`
	Seed         uint64  `json:"seed"`

	Defects []Entry `json:"defects"` // by Start; none: this is clean
	// Damage is what damage to the bitstream did, block by block; nil where none was done.
	Damage *Damage `json:"damage,omitempty"`
}

// Entry is one defect over [Start, End).
type Entry struct {
	Defect    verdict.Defect     `json:"defect"`
	Kind      string             `json:"kind"` // of the injection
	Level     int                `json:"level,omitempty"`
	Injection int                `json:"injection"` // which --defect flag it comes from, from 1
	Params    map[string]float64 `json:"params,omitempty"`
	Start     float64            `json:"start"`
	End       float64            `json:"end"`
	// The same on the grid: of pictures, or of samples.
	StartFrame  *int64 `json:"start_frame,omitempty"`
	EndFrame    *int64 `json:"end_frame,omitempty"`
	StartSample *int64 `json:"start_sample,omitempty"`
	EndSample   *int64 `json:"end_sample,omitempty"`
	// Frames lists the pictures that were hit, where that is not all of them.
	Frames []int64 `json:"frames,omitempty"`
	// Region is the part of the picture that damage changed, over all its frames.
	Region *verdict.Region `json:"region,omitempty"`
	// Invisible marks what nobody can see or hear: silence in a silent place,
	// clipping that cut nothing off, damage that was concealed.
	Invisible bool `json:"invisible"`
}

// OfPictures tells whether the entry is on the grid of pictures.
func (e Entry) OfPictures() bool { return e.StartFrame != nil }

// LoadTruth reads a truth file. It refuses unknown fields, and whatever does not
// fit: entries out of order, outside the media or off their grid.
func LoadTruth(path string) (Truth, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Truth{}, fmt.Errorf("load truth: %w", err)
	}
	t, err := ParseTruth(data)
	if err != nil {
		return Truth{}, fmt.Errorf("load truth %s: %w", path, err)
	}
	return t, nil
}

// ParseTruth is LoadTruth for what is already in memory.
func ParseTruth(data []byte) (Truth, error) {
	var t Truth
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return Truth{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return Truth{}, errors.New("there is more after the truth")
	}
	return t, t.Validate()
}

// Validate says what does not fit, or nil.
func (t Truth) Validate() error {
	switch {
	case t.Version < 1 || t.Version > TruthVersion:
		return fmt.Errorf("version %d is not known, 1 to %d are", t.Version, TruthVersion)
	case !(t.Duration > 0) || math.IsInf(t.Duration, 0):
		return fmt.Errorf("duration %v is not positive", t.Duration)
	case t.Frames < 0 || t.SampleRate < 0 || t.Channels < 0 || t.Width < 0 || t.Height < 0:
		return errors.New("a count is negative")
	case t.Frames > 0 && !parseRate(t.FrameRate+rateTail(t.FrameRate)).Valid():
		return fmt.Errorf("frame_rate %q is no rate", t.FrameRate)
	}
	for i, e := range t.Defects {
		if err := t.check(e); err != nil {
			return fmt.Errorf("defect %d (%s at %v s): %w", i+1, e.Defect, e.Start, err)
		}
		if i > 0 && e.Start < t.Defects[i-1].Start {
			return fmt.Errorf("defect %d starts before the one in front of it", i+1)
		}
	}
	if t.Damage != nil {
		if err := t.Damage.validate(t.Width, t.Height, t.Frames); err != nil {
			return fmt.Errorf("damage: %w", err)
		}
	}
	return nil
}

// rateTail makes "25" a fraction.
func rateTail(s string) string {
	if bytes.ContainsRune([]byte(s), '/') {
		return ""
	}
	return "/1"
}

// Rate is FrameRate as a fraction.
func (t Truth) Rate() Rate { return parseRate(t.FrameRate + rateTail(t.FrameRate)) }

func (t Truth) check(e Entry) error {
	const slack = 1e-6
	switch {
	case !e.Defect.Known():
		return errors.New("no such defect")
	case !(e.Start >= 0 && e.End > e.Start):
		return fmt.Errorf("[%v, %v) is no stretch of time", e.Start, e.End)
	case e.End > t.Duration+slack:
		return fmt.Errorf("it ends at %v s, after the media's end at %v s", e.End, t.Duration)
	case (e.StartFrame == nil) != (e.EndFrame == nil) || (e.StartSample == nil) != (e.EndSample == nil):
		return errors.New("a start without an end on the grid")
	case (e.StartFrame == nil) == (e.StartSample == nil):
		return errors.New("it needs start_frame and end_frame, or start_sample and end_sample")
	}
	if !e.OfPictures() {
		if t.SampleRate == 0 {
			return errors.New("samples in media without sound")
		}
		rate := float64(t.SampleRate)
		return onGrid(e, t.SoundStart+float64(*e.StartSample)/rate, t.SoundStart+float64(*e.EndSample)/rate, 1/rate)
	}
	if *e.StartFrame < 0 || *e.EndFrame > t.Frames || *e.StartFrame >= *e.EndFrame {
		return fmt.Errorf("pictures %d to %d are not inside the media's %d", *e.StartFrame, *e.EndFrame, t.Frames)
	}
	for i, f := range e.Frames {
		if f < *e.StartFrame || f >= *e.EndFrame || i > 0 && f <= e.Frames[i-1] {
			return fmt.Errorf("frames: %d is out of order or out of range", f)
		}
	}
	rate := t.Rate()
	return onGrid(e, t.PictureStart+rate.Seconds(*e.StartFrame), t.PictureStart+rate.Seconds(*e.EndFrame), rate.Seconds(1))
}

func onGrid(e Entry, start, end, unit float64) error {
	if math.Abs(start-e.Start) > unit/2 || math.Abs(end-e.End) > unit/2 {
		return fmt.Errorf("seconds and grid disagree: the grid says [%v, %v)", start, end)
	}
	return nil
}

// encode gives the file's form.
func (t Truth) encode() ([]byte, error) {
	out, err := json.MarshalIndent(t, "", "  ")
	return append(out, '\n'), err
}

// add puts an entry on the grid of pictures, cut to the media. It does nothing
// where nothing is left.
func (t *Truth) addPictures(e Entry, at span) {
	at.start, at.end = max(at.start, 0), min(at.end, t.Frames)
	if at.start >= at.end {
		return
	}
	rate := t.Rate()
	e.StartFrame, e.EndFrame = &at.start, &at.end
	e.Start = t.PictureStart + rate.Seconds(at.start)
	e.End = min(t.PictureStart+rate.Seconds(at.end), t.Duration)
	e.Frames = slices.DeleteFunc(e.Frames, func(f int64) bool { return !at.contains(f) })
	t.Defects = append(t.Defects, e)
}

// addSound is addPictures for the grid of samples.
func (t *Truth) addSound(e Entry, at span, samples int64) {
	at.start, at.end = max(at.start, 0), min(at.end, samples)
	if at.start >= at.end {
		return
	}
	rate := float64(t.SampleRate)
	e.StartSample, e.EndSample = &at.start, &at.end
	e.Start = t.SoundStart + float64(at.start)/rate
	e.End = min(t.SoundStart+float64(at.end)/rate, t.Duration)
	t.Defects = append(t.Defects, e)
}

func (t *Truth) sort() {
	slices.SortStableFunc(t.Defects, func(a, b Entry) int {
		switch {
		case a.Start < b.Start:
			return -1
		case a.Start > b.Start:
			return 1
		}
		return a.Injection - b.Injection
	})
}
