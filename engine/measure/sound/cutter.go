package sound

import (
	"math"

	"github.com/streamvet/streamvet/engine/frame"
)

const (
	hopMS    = 10 // milliseconds of a hop
	pastHops = 16 // hops of samples that measures may look back on
	// sampleMax bounds samples; a decoder gives more only for damaged input.
	sampleMax = 8
	// lowHz is the corner of the two poles before the millisecond means: those
	// alias at multiples of 1 kHz, where this adds more than 20 dB.
	lowHz = 250
)

// hop is 10 ms of sound with what the measures share.
type hop struct {
	first    int64 // number of its first sample
	samples  int   // its length
	integer  bool  // as frame.Audio.Integer
	channels []channelHop
}

// channelHop is one channel of a hop.
type channelHop struct {
	x []float32 // its samples, all finite
	// past ends with x; it grows up to pastHops hops after a start.
	past         []float32
	sum, energy  float64 // of the samples, of their squares
	lowest, peak float32 // the extremes, signed
	ms           [hopMS]millisecond
}

// held is how many samples of the hop equal the one before them.
func (ch *channelHop) held() int {
	n := 0
	for i := range ch.ms {
		n += ch.ms[i].held
	}
	return n
}

// millisecond is what is kept of one millisecond of one channel.
type millisecond struct {
	energy float32 // mean square
	high   float32 // mean square above lowHz, 6 dB per octave
	low    float64 // mean of the signal below lowHz, 12 dB per octave
	held   int     // samples equal to the one before
}

// cutter cuts blocks into hops.
type cutter struct {
	format format
	hopLen int
	coef   float64
	taken  int64 // samples taken since New
	fill   int   // samples in the hop that is being filled
	out    hop
	lanes  []lane
}

// lane is the memory of one channel.
type lane struct {
	buf     []float32 // samples of the past and of the hop that is being filled
	used    int       // samples of the past in buf
	l1, l2  float64   // the two poles
	last    float32
	started bool
}

func newCutter(f format) cutter {
	k := cutter{format: f, hopLen: f.msSamples * hopMS}
	k.coef = 1 - math.Exp(-2*math.Pi*lowHz/float64(f.rate))
	k.out.channels = make([]channelHop, f.channels)
	k.lanes = make([]lane, f.channels)
	for i := range k.lanes {
		k.lanes[i].buf = make([]float32, 2*pastHops*k.hopLen)
	}
	return k
}

// reset drops the samples of a hop that is not full, and the past.
func (k *cutter) reset() {
	k.fill = 0
	for i := range k.lanes {
		k.lanes[i] = lane{buf: k.lanes[i].buf}
	}
}

// take copies what fits into the hop from samples [from, to) of a.
func (k *cutter) take(a *frame.Audio, from, to int) int {
	n := min(to-from, k.hopLen-k.fill)
	for c := range k.lanes {
		l := &k.lanes[c]
		l.room(k.hopLen)
		at := l.used + k.fill
		copyFinite(l.buf[at:at+n], a.Samples[c][from:from+n])
	}
	k.fill += n
	k.taken += int64(n)
	k.out.integer = a.Integer
	return n
}

// room makes space for a hop behind the past.
func (l *lane) room(hopLen int) {
	if l.used+hopLen <= len(l.buf) {
		return
	}
	keep := (pastHops - 1) * hopLen
	copy(l.buf, l.buf[l.used-keep:l.used])
	l.used = keep
}

// copyFinite makes 0 of what is not a number and bounds the rest.
func copyFinite(dst, src []float32) {
	for i, v := range src {
		if !(v >= -sampleMax && v <= sampleMax) {
			switch {
			case v > 0:
				v = sampleMax
			case v < 0:
				v = -sampleMax
			default:
				v = 0
			}
		}
		dst[i] = v
	}
}

// hop gives the hop if it is full, else nil. It is valid until the next take.
func (k *cutter) hop() *hop {
	if k.fill < k.hopLen {
		return nil
	}
	k.fill = 0
	k.out.first = k.taken - int64(k.hopLen)
	k.out.samples = k.hopLen
	for c := range k.lanes {
		k.lanes[c].summarise(&k.out.channels[c], k.hopLen, k.coef)
	}
	return &k.out
}

func (l *lane) summarise(ch *channelHop, hopLen int, coef float64) {
	from := l.used
	l.used += hopLen
	ch.x = l.buf[from:l.used]
	ch.past = l.buf[max(0, l.used-pastHops*hopLen):l.used]
	if !l.started {
		// Poles that start at the first sample leave no step behind.
		l.l1, l.l2, l.last, l.started = float64(ch.x[0]), float64(ch.x[0]), ch.x[0], true
	}
	ch.sum, ch.energy, ch.lowest, ch.peak = 0, 0, ch.x[0], ch.x[0]
	n := hopLen / hopMS
	for m := range ch.ms {
		ch.ms[m] = l.millisecond(ch, ch.x[m*n:(m+1)*n], coef)
	}
}

// tiny keeps the poles out of the denormal numbers, which are slow.
const tiny = 1e-24

func (l *lane) millisecond(ch *channelHop, x []float32, coef float64) millisecond {
	var sum, energy, high, low float64
	l1, l2, last, held := l.l1, l.l2, l.last, 0
	lowest, peak := ch.lowest, ch.peak
	keep := 1 - coef
	for _, v := range x {
		f := float64(v)
		sum += f
		energy += f * f
		l1 = keep*l1 + (coef*f + tiny)
		l2 = keep*l2 + coef*l1
		low += l2
		h := f - l1
		high += h * h
		if v == last {
			held++
		}
		last = v
		if v < lowest {
			lowest = v
		}
		if v > peak {
			peak = v
		}
	}
	l.l1, l.l2, l.last = l1, l2, last
	ch.sum += sum
	ch.energy += energy
	ch.lowest, ch.peak = lowest, peak
	n := float64(len(x))
	return millisecond{float32(energy / n), float32(high / n), low / n, held}
}
