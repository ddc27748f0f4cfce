package measure

import (
	"math"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

// FrameInfo is what the closed forms need of a picture besides its measures.
type FrameInfo struct {
	PTS, Duration time.Duration
	Index         int64
	Keyframe      bool
	Interlaced    bool
	FullRange     bool
	Evidence      frame.Evidence
}

// Info takes a FrameInfo from a picture.
func Info(v *frame.Video) FrameInfo {
	return FrameInfo{
		PTS: v.PTS, Duration: v.Duration, Index: v.Index,
		Keyframe: v.Keyframe, Interlaced: v.Interlaced, FullRange: v.Colour.FullRange,
		Evidence: v.Evidence,
	}
}

// pictureForm is one closed form over the pictures of a track.
type pictureForm interface {
	// knobs lists its parameters, set to its own numbers.
	knobs() []knob
	// observe appends the scores that picture p completes. Most forms give one for
	// p itself; one that must wait gives none, and later a longer one.
	observe(dst []verdict.Score, o output, p *picture) []verdict.Score
}

// pictureForms makes every closed form, by name.
func pictureForms() map[string]func() pictureForm {
	return map[string]func() pictureForm{
		"black":            newBlack,
		"dark":             newDark,
		"overexposed":      newOverexposed,
		"solid_color":      newSolidColor,
		"color_bars":       newColorBars,
		"letterbox_change": newLetterbox,
		"freeze":           newFreeze,
		"stutter":          newStutter,
		"combing":          newCombing,
		"flash":            newFlash,
		"blockiness":       newBlockiness,
		"noise":            newNoise,
	}
}

// PictureMeasures names the closed forms that NewPicture knows, sorted.
func PictureMeasures() []string { return sortedKeys(pictureForms()) }

// Picture scores one video track. Not safe for concurrent use.
type Picture struct {
	detectors []Detector
	forms     []pictureForm
	outputs   []output
	p         picture
}

// NewPicture makes the closed forms of the detectors. It refuses a form or a
// parameter that does not exist and names those that do.
func NewPicture(detectors []Detector) (*Picture, error) {
	s := &Picture{}
	if err := s.Change(detectors); err != nil {
		return nil, err
	}
	return s, nil
}

// Change goes on with other detectors. Those that stay as they are keep what they
// know of the track. On an error all stays as it was.
func (s *Picture) Change(detectors []Detector) error {
	n, known := Picture{detectors: detectors, p: s.p}, pictureForms()
	for _, d := range detectors {
		make, ok := known[d.Measure]
		if !ok {
			return unknownMeasure(d, PictureMeasures())
		}
		form := make()
		o, err := configure(d, form.knobs())
		if err != nil {
			return err
		}
		if i := unchanged(s.detectors, d); i >= 0 {
			form = s.forms[i]
		}
		n.forms, n.outputs = append(n.forms, form), append(n.outputs, o)
	}
	*s = n
	return nil
}

// Observe takes the next picture of the track in order and appends the scores
// it causes to dst. It allocates nothing but what dst needs to grow, and keeps
// neither f nor m.
func (s *Picture) Observe(dst []verdict.Score, f FrameInfo, m *frame.Measures) []verdict.Score {
	s.p.take(f, m)
	for i, form := range s.forms {
		dst = form.observe(dst, s.outputs[i], &s.p)
	}
	s.p.m = nil
	return dst
}

// Suspicion is what hints at damage in the last picture.
func (s *Picture) Suspicion() Suspicion { return s.p.suspicion }

// Scene counts the cuts until the picture that was observed last, that into the first
// scene included.
func (s *Picture) Scene() int { return s.p.scene }

// Onsets has the last picture, if it is one. It is valid until the next Observe.
func (s *Picture) Onsets() []Onset { return s.p.novelty.found }

// picture is the picture under observation and what all forms share of the
// ones before it.
type picture struct {
	FrameInfo
	m *frame.Measures // only valid during Observe

	black, white float64 // nominal luma levels, 8-bit units
	mean         float64 // luma
	cut          bool    // a new scene begins here
	still        still
	hush         hush
	lighting     lighting
	bars         float64 // share of the upper half that has the hues of colour bars
	suspicion    Suspicion
	novelty      novelty

	previous          [frame.GridHeight * frame.GridWidth]uint8
	sinceCut          int     // pictures, this one included
	scene             int     // counts the cuts
	jolt              float64 // change against the usual one
	coarse            float64 // change of the grid, levels a cell
	change            float64 // mean absolute difference to the previous picture, levels a sample
	usual             float64 // its running level within the scene, over pictures that move
	edges, edgeSpread float64 // running share of EdgeBlocks, and how much it varies
	told              told
}

func (p *picture) take(f FrameInfo, m *frame.Measures) {
	f.Duration = max(f.Duration, time.Millisecond)
	p.FrameInfo, p.m = f, m
	p.black, p.white = 16, 235
	if f.FullRange {
		p.black, p.white = 0, 255
	}
	p.mean = ratio(m.Sum, uint64(m.Pixels))
	p.change = ratio(m.SAD, uint64(m.Pixels))
	p.findBars()
	p.still.take(p)
	p.findCut()
	p.hush.take(p)
	p.lighting.take(p)
	p.suspect()
	p.novelty.take(p)
	p.previous = m.GridY
}

// findCut tells a cut from motion: the coarse picture changes as a whole, and
// far more than it did just before.
func (p *picture) findCut() {
	p.jolt = p.change / max(p.usual, 0.25)
	if p.m.HasPrevious == 0 {
		p.cut, p.sinceCut, p.usual = true, 1, 0
		p.scene++
		return
	}
	grid := 0
	for i, y := range p.m.GridY {
		grid += abs(int(y) - int(p.previous[i]))
	}
	again := p.cut
	p.coarse = float64(grid) / float64(len(p.previous))
	p.cut = p.coarse > 8 && p.change > 3*p.usual
	p.sinceCut++
	if p.cut {
		p.sinceCut = 1
		p.scene++
	}
	// A cut says nothing of how much moves when something does, nor does a picture at
	// rest. One cut after another is motion.
	if p.cut && !again || p.still.quiet || p.still.pop && p.Keyframe {
		return
	}
	if p.usual == 0 {
		p.usual = p.change
	}
	if p.change < p.usual {
		p.usual += (p.change - p.usual) / 4 // noise or a burst of motion is over
	} else {
		p.usual += (p.change - p.usual) / 8
	}
	p.still.liven(p.m)
}

// score is the score of the picture under observation.
func (p *picture) score(o output, value, reading float64) verdict.Score {
	return stretch(o, p.PTS, p.Duration, value, reading)
}

// stretch is a score for a stretch of time.
func stretch(o output, start, length time.Duration, value, reading float64) verdict.Score {
	return verdict.Score{
		Detector: o.detector, Defect: o.defect,
		PTS: start, Duration: max(length, time.Millisecond),
		Value: min(max(finite(value), 0), 1), Reading: finite(reading),
	}
}

// share is the share of luma samples from level lo up to and without hi, both
// in 8-bit units and rounded to whole bins of the histogram.
func (p *picture) share(lo, hi float64) float64 {
	per := 256.0 / frame.HistogramBins
	from, to := bin(lo/per), bin(hi/per)
	var in, all uint64
	for i, n := range p.m.Histogram {
		all += uint64(n)
		if i >= from && i < to {
			in += uint64(n)
		}
	}
	return ratio(in, all)
}

// quantile is the luma level below which the share q of the samples lies, to
// the resolution of the histogram.
func (p *picture) quantile(q float64) float64 {
	var all uint64
	for _, n := range p.m.Histogram {
		all += uint64(n)
	}
	per := 256.0 / frame.HistogramBins
	want, have := q*float64(all), 0.0
	for i, n := range p.m.Histogram {
		if have+float64(n) >= want && n > 0 {
			return per * (float64(i) + (want-have)/float64(n))
		}
		have += float64(n)
	}
	return 256
}

func bin(x float64) int { return int(min(max(math.Round(x), 0), frame.HistogramBins)) }
