package sound

import (
	"fmt"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/verdict"
)

// The sample rates that a Sound takes, in Hz.
const (
	RateMin = 8000
	RateMax = 192000
)

// jumpMin is the step of the timestamps from which the sound counts as cut there:
// containers round by up to a few milliseconds, lost packets leave at least 20.
const jumpMin = 20 * time.Millisecond

// scorer is one closed form; it scores one defect.
type scorer interface {
	// observe takes the next hop and adds the scores that have become final.
	observe(h *hop, s *scores)
	// flush adds the scores that were held back and forgets the signal so far.
	flush(s *scores)
}

// reader is a scorer that uses readings of EBU R128. Each speaks for n samples from first.
type reader interface {
	read(first, n int64, l *frame.Loudness, s *scores)
}

// Sound scores the sound of one track. Not safe for concurrent use.
type Sound struct {
	format  format
	clock   clock
	cutter  cutter
	scorers []scorer
	readers []reader
	peaks   []Peak
	attacks attacks
	begun   bool
	readTo  int64  // the sample up to which loudness was read
	out     scores // of the call in progress; here so that it allocates nothing
}

// New makes a Sound that runs the detectors on a track of that format. After a
// change of format the caller flushes it and makes a new one.
func New(detectors []measure.Detector, rate, channels int) (*Sound, error) {
	if rate < RateMin || rate > RateMax {
		return nil, fmt.Errorf("sound of %d Hz: it must be %d..%d Hz", rate, RateMin, RateMax)
	}
	if channels < 1 || channels > frame.ChannelsMax {
		return nil, fmt.Errorf("sound of %d channels: it must be 1..%d", channels, frame.ChannelsMax)
	}
	f := format{rate: rate, channels: channels, msSamples: (rate + 500) / 1000}
	s := &Sound{format: f, clock: clock{rate: int64(rate)}, cutter: newCutter(f)}
	for _, d := range detectors {
		m, err := build(d, f)
		if err != nil {
			return nil, err
		}
		s.scorers = append(s.scorers, m)
		if r, ok := m.(reader); ok {
			s.readers = append(s.readers, r)
		}
	}
	return s, nil
}

// Observe takes the next block and appends the scores that have become final to
// dst. The scores of one detector come in time order; some are held back until
// it is known how a hole ends. Samples of a are not used after the call. A block
// of another format is ignored.
func (s *Sound) Observe(dst []verdict.Score, a *frame.Audio) []verdict.Score {
	s.peaks, s.attacks.found = s.peaks[:0], s.attacks.found[:0]
	if a.Channels != s.format.channels || a.SampleRate != s.format.rate {
		return dst
	}
	s.out = scores{list: dst, clock: &s.clock}
	out := &s.out
	if step := a.PTS - s.clock.at(s.cutter.taken); !s.begun || step.Abs() > jumpMin {
		s.restart(out)
		s.clock.set(s.cutter.taken, a.PTS)
		s.begun = true
	}
	if a.Evidence.Damaged() { // what is heard may be damage
		s.attacks.restart()
	}
	n := len(a.Samples[0])
	for c := 1; c < a.Channels; c++ {
		n = min(n, len(a.Samples[c]))
	}
	for used := 0; used < n; {
		used += s.cutter.take(a, used, n)
		if h := s.cutter.hop(); h != nil {
			s.hop(h, out)
		}
	}
	if a.Loudness.Valid {
		s.read(&a.Loudness, out)
	}
	return out.list
}

func (s *Sound) hop(h *hop, out *scores) {
	s.peak(h)
	s.attacks.take(h, &s.clock)
	for _, m := range s.scorers {
		m.observe(h, out)
	}
}

// read passes a reading on. Readings are taken every 100 ms, so each is made to
// speak for whole such steps, however the block that brought it was cut.
func (s *Sound) read(l *frame.Loudness, out *scores) {
	step := int64(s.format.rate / 10)
	end := s.cutter.taken / step * step
	first := max(s.readTo, end-10*step) // a reading speaks for a second at most
	if end <= first {
		return
	}
	for _, r := range s.readers {
		r.read(first, end-first, l, out)
	}
	s.readTo = end
}

// Flush appends the scores that were held back, as at the end of a track. The
// last hop, if it is not full, is left out.
func (s *Sound) Flush(dst []verdict.Score) []verdict.Score {
	out := scores{list: dst, clock: &s.clock}
	s.restart(&out)
	s.begun = false
	return out.list
}

func (s *Sound) restart(out *scores) {
	for _, m := range s.scorers {
		m.flush(out)
	}
	s.cutter.reset()
	s.attacks.restart()
}
