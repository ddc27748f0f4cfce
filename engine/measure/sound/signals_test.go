package sound

import (
	"math"
	"math/rand/v2"
)

// signal is one channel at testRate, made of parts that are added up.
type signal []float32

const testRate = 48000

func seconds(s float64) signal { return make(signal, int(s*testRate)) }

func (x signal) at(s float64) int { return min(int(s*testRate), len(x)) }

// each changes the samples of [from, to) by what f makes of their time and value.
func (x signal) each(from, to float64, f func(at, v float64) float64) signal {
	for i := x.at(from); i < x.at(to); i++ {
		x[i] = float32(f(float64(i)/testRate, float64(x[i])))
	}
	return x
}

func (x signal) zero(from, to float64) signal {
	return x.each(from, to, func(_, _ float64) float64 { return 0 })
}

func (x signal) gain(from, to, g float64) signal {
	return x.each(from, to, func(_, v float64) float64 { return g * v })
}

func (x signal) clip(limit float64) signal {
	return x.each(0, 1e9, func(_, v float64) float64 { return min(max(v, -limit), limit) })
}

func (x signal) tone(hz, amplitude float64) signal {
	return x.each(0, 1e9, func(at, v float64) float64 { return v + amplitude*math.Sin(2*math.Pi*hz*at) })
}

func (x signal) copy() signal { return append(signal(nil), x...) }

// noise is like the long-term spectrum of speech: flat to 500 Hz, then 6 dB per octave.
func (x signal) noise(rms float64, seed uint64) signal {
	random := rand.New(rand.NewPCG(seed, 1))
	const pole = 0.065
	low, scale := 0.0, rms/math.Sqrt(pole/(2-pole))
	return x.each(0, 1e9, func(_, v float64) float64 {
		low += pole * (random.NormFloat64() - low)
		return v + scale*low
	})
}

// notes multiplies with an envelope: notes of length in every period, that begin
// and end exponentially with the given time constants.
func (x signal) notes(period, length, attack, release float64) signal {
	env := 0.0
	return x.each(0, 1e9, func(at, v float64) float64 {
		goal, tau := 0.0, release
		if math.Mod(at, period) < length {
			goal, tau = 1, attack
		}
		env += (goal - env) / (tau * testRate)
		return v * env
	})
}

// strike multiplies with an envelope that jumps to 1 every period and decays.
func (x signal) strike(period, decay float64) signal {
	return x.each(0, 1e9, func(at, v float64) float64 { return v * math.Exp(-math.Mod(at, period)/decay) })
}

// fade goes to nothing from a time on, exponentially.
func (x signal) fade(from, tau float64) signal {
	return x.each(from, 1e9, func(at, v float64) float64 { return v * math.Exp((from-at)/tau) })
}

// quantised is the signal as 16-bit samples.
func (x signal) quantised() signal {
	return x.each(0, 1e9, func(_, v float64) float64 { return math.Round(min(max(v, -1), 1)*32767) / 32768 })
}

func mono(x signal) []signal      { return []signal{x} }
func stereo(l, r signal) []signal { return []signal{l, r} }
func both(x signal) []signal      { return []signal{x, x.copy()} }
