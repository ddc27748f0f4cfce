package sound

import (
	"math"
	"time"
)

// Peak is 10 ms of the waveform over all channels, for a picture of it.
type Peak struct {
	PTS, Duration time.Duration
	Min, Max      float32 // of all channels
	RMS           float32 // of the loudest channel
}

// Waveform gives the windows that the last Observe completed, in time order.
// They are valid until the next Observe or Flush.
func (s *Sound) Waveform() []Peak { return s.peaks }

func (s *Sound) peak(h *hop) {
	p := Peak{PTS: s.clock.at(h.first), Min: h.channels[0].lowest, Max: h.channels[0].peak}
	p.Duration = s.clock.at(h.first+int64(h.samples)) - p.PTS
	var energy float64
	for i := range h.channels {
		ch := &h.channels[i]
		p.Min, p.Max = min(p.Min, ch.lowest), max(p.Max, ch.peak)
		energy = max(energy, ch.energy)
	}
	p.RMS = float32(math.Sqrt(energy / float64(h.samples)))
	s.peaks = append(s.peaks, p)
}
