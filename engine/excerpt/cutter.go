package excerpt

import (
	"fmt"
	"iter"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
)

// The rates of tracks that are taken, in Hz.
const (
	RateMin = 8000
	RateMax = 192000
)

const (
	// jumpMin is the step of the timestamps from which the sound counts as cut there:
	// containers round by up to a few milliseconds, lost packets leave at least 20.
	jumpMin = 20 * time.Millisecond
	// sampleMax bounds samples; a decoder gives more only for damaged input.
	sampleMax = 8
	// piece is how many samples are taken at once, however long a block is.
	piece = 4096
)

// Config is what a network hears.
type Config struct {
	Rate   int // Hz
	Window int // samples of a window
	// Hop is how many samples in its middle a window speaks for, and how far it is
	// from one window to the next: 1 to Window.
	Hop int
	// Mix gives one row, the mean of all channels, in the place of one for each.
	Mix bool
}

// Lead is how many samples of context come before those that a window speaks for.
func (c Config) Lead() int { return (c.Window - c.Hop) / 2 }

// Check tells why there are no such windows, or nil.
func (c Config) Check() error {
	if c.Rate < 1 || c.Hop < 1 || c.Hop > c.Window {
		return fmt.Errorf("windows of %d samples, one every %d, at %d Hz: they must be positive, and the hop no longer than the window", c.Window, c.Hop, c.Rate)
	}
	return nil
}

// Cutter cuts the sound of one track. Not safe for concurrent use.
type Cutter struct {
	config         Config
	rate, channels int
	resampler      *resampler // nil where the track has the network's rate

	begun bool
	start time.Duration // of the stretch under way
	taken int64         // samples of the track in it
	// rows are of each channel, or of their mean, the samples at the network's rate from next-Lead on.
	// Sample number 0 is at start.
	rows [][]float32
	next int64 // the first sample that the next window speaks for

	shown [][]float32 // Window.Rows; reused
}

// New makes a Cutter for a track of that format. After a change of format the
// caller takes the Rest and makes a new one.
func New(c Config, rate, channels int) (*Cutter, error) {
	switch {
	case rate < RateMin || rate > RateMax:
		return nil, fmt.Errorf("sound of %d Hz: it must be %d..%d Hz", rate, RateMin, RateMax)
	case channels < 1 || channels > frame.ChannelsMax:
		return nil, fmt.Errorf("sound of %d channels: it must be 1..%d", channels, frame.ChannelsMax)
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	rows := channels
	if c.Mix {
		rows = 1
	}
	k := &Cutter{config: c, rate: rate, channels: channels, rows: make([][]float32, rows)}
	if rate != c.Rate {
		k.resampler = newResampler(rate, c.Rate, rows)
	}
	return k, nil
}

// Window is what a network hears at once. It is valid until the loop goes on, and
// the loop's to change.
type Window struct {
	// Rows are the samples of each channel, or of their mean, Config.Window of them; full scale is 1.
	Rows [][]float32
	// Samples is how many samples of its middle there are, 1 to Config.Hop: at the end
	// of a stretch the rest is silence, and there is nothing to say of it.
	Samples int

	start time.Duration // of the stretch
	first int64
	rate  int64
}

// At is when sample n of the middle plays.
func (w Window) At(n int) time.Duration { return w.start + duration(w.first+int64(n), w.rate) }

// Windows takes the next block and gives the windows that it makes full. Where the
// timestamps jump, what came before ends and another stretch begins. The block is
// not used after the loop, which must be run to its end.
func (k *Cutter) Windows(a *frame.Audio) iter.Seq[Window] {
	return func(yield func(Window) bool) {
		if a.SampleRate != k.rate || a.Channels != k.channels {
			return
		}
		if k.begun && (a.PTS-k.start-duration(k.taken, int64(k.rate))).Abs() > jumpMin {
			if !k.end(yield) {
				return
			}
		}
		if !k.begun {
			k.begin(a.PTS)
		}
		n := len(a.Samples[0])
		for _, x := range a.Samples[1:a.Channels] {
			n = min(n, len(x))
		}
		for from := 0; from < n; from += piece {
			k.take(a, from, min(from+piece, n))
			for len(k.rows[0]) >= k.config.Window {
				if !yield(k.window(k.config.Hop)) {
					return
				}
				k.advance()
			}
		}
	}
}

// Rest gives the windows of what is left, as at the end of a track. Silence stands
// for what would come after it.
func (k *Cutter) Rest() iter.Seq[Window] {
	return func(yield func(Window) bool) { k.end(yield) }
}

func (k *Cutter) begin(at time.Duration) {
	k.begun, k.start, k.taken, k.next = true, at, 0, 0
	for c := range k.rows {
		k.rows[c] = append(k.rows[c][:0], make([]float32, k.config.Lead())...)
	}
	if k.resampler != nil {
		k.resampler.reset()
	}
}

// take appends samples [from, to) of a block.
func (k *Cutter) take(a *frame.Audio, from, to int) {
	k.taken += int64(to - from)
	for c := range k.rows {
		room := k.room(c, to-from)
		if k.config.Mix {
			mean(room, a.Samples[:k.channels], from)
			continue
		}
		copy(room, a.Samples[c][from:to])
		bound(room)
	}
	if k.resampler != nil {
		k.resampler.resample(k.rows, to-from)
	}
}

// room gives space for n more samples of the track in row c, all 0.
func (k *Cutter) room(c, n int) []float32 {
	if k.resampler != nil {
		return k.resampler.room(c, n)
	}
	k.rows[c] = append(k.rows[c], make([]float32, n)...)
	return k.rows[c][len(k.rows[c])-n:]
}

// end gives the windows of what is left of the stretch. It is false where the loop
// over them was left.
func (k *Cutter) end(yield func(Window) bool) bool {
	if !k.begun {
		return true
	}
	k.begun = false
	if k.resampler != nil {
		k.resampler.flush(k.rows)
	}
	end := k.next + int64(len(k.rows[0])-k.config.Lead()) // of the stretch
	for k.next < end {
		for c := range k.rows {
			k.rows[c] = append(k.rows[c], make([]float32, max(k.config.Window-len(k.rows[c]), 0))...)
		}
		if !yield(k.window(int(min(int64(k.config.Hop), end-k.next)))) {
			return false
		}
		k.advance()
	}
	return true
}

// window is the one that speaks for so many samples from next on.
func (k *Cutter) window(samples int) Window {
	k.shown = k.shown[:0]
	for _, row := range k.rows {
		k.shown = append(k.shown, row[:k.config.Window:k.config.Window])
	}
	return Window{Rows: k.shown, Samples: samples, start: k.start, first: k.next, rate: int64(k.config.Rate)}
}

// advance drops what no later window has.
func (k *Cutter) advance() {
	k.next += int64(k.config.Hop)
	for c, row := range k.rows {
		k.rows[c] = row[:copy(row, row[k.config.Hop:])]
	}
}

// mean adds the mean of the channels from a sample on to dst. Each is bounded
// before, so that a channel that is no number leaves the others.
func mean(dst []float32, channels [][]float32, from int) {
	var part [piece]float32
	x := part[:len(dst)]
	for _, c := range channels {
		copy(x, c[from:])
		bound(x)
		for i, v := range x {
			dst[i] += v
		}
	}
	for i := range dst {
		dst[i] /= float32(len(channels))
	}
}

// bound makes 0 of what is not a number and bounds the rest.
func bound(x []float32) {
	for i, v := range x {
		if v >= -sampleMax && v <= sampleMax {
			continue
		}
		switch {
		case v > 0:
			x[i] = sampleMax
		case v < 0:
			x[i] = -sampleMax
		default:
			x[i] = 0
		}
	}
}

// duration is how long n samples last.
func duration(n, rate int64) time.Duration {
	// Whole seconds apart, so that no number of samples overflows.
	return time.Duration(n/rate)*time.Second + time.Duration(n%rate)*time.Second/time.Duration(rate)
}
