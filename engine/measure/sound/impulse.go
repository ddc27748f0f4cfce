package sound

import "math"

// impulse is what is known of a discontinuity.
type impulse struct {
	height  float64 // dB of its largest prediction error above the largest around it
	tail    float64 // dB of the same above the largest within 8 ms after it
	width   float64 // ms in which errors reach a quarter of the largest
	balance float64 // ratio of power between the two sides, >= 1
}

// impulseProbe finds out by linear prediction whether a sound goes on unchanged
// around a discontinuity: it learns an all-pole model from the 20 ms on either
// side and looks at what the model does not predict. After Vaseghi and Rayner,
// "Detection and suppression of impulsive noise in speech communication systems"
// (IEE Proc. 137, 1990), with the discontinuity left out of the model.
type impulseProbe struct {
	ms     int // samples of one
	window []float32
	errors []float32
	taper  []float32
}

const (
	probeOrder = 16
	probeTail  = 8 // ms after an impulse in which a bang would go on
)

func newImpulseProbe(f format) impulseProbe {
	p := impulseProbe{ms: f.msSamples}
	n := 2 * clickReach * f.msSamples
	p.window, p.errors = make([]float32, n), make([]float32, n)
	p.taper = make([]float32, clickReach*f.msSamples-p.gap())
	for i := range p.taper {
		p.taper[i] = float32(math.Sin(math.Pi * (float64(i) + 0.5) / float64(len(p.taper))))
	}
	return p
}

// gap is how much on either side belongs to the impulse: 1.5 ms.
func (p *impulseProbe) gap() int { return p.ms * 3 / 2 }

// examine looks at the discontinuity at x[at]; ok is false too near to an end of x.
func (p *impulseProbe) examine(x []float32, at int) (found impulse, ok bool) {
	reach := clickReach * p.ms
	if at < reach+probeOrder || at+reach > len(x) {
		return impulse{}, false
	}
	model, ok := p.model(x[at-reach : at+reach])
	if !ok {
		return impulse{}, false
	}
	p.predict(x[at-reach-probeOrder:at+reach], &model)
	e, k, gap := p.errors, reach, p.gap()
	peak := largest(e[k-p.ms : k+p.ms])
	around := max(largest(e[:k-gap-probeOrder]), largest(e[k+gap+probeOrder:]))
	after := largest(e[k+gap+probeOrder/2 : k+probeTail*p.ms])
	found.height = 2 * decibels(float64(peak), float64(around))
	found.tail = 2 * decibels(float64(peak), float64(after))
	wide := 0
	for _, v := range e[k-2*p.ms : k+2*p.ms] {
		if v > peak/4 {
			wide++
		}
	}
	found.width = float64(wide) / float64(p.ms)
	before, behind := meanSquare(x[at-10*p.ms:at-2*p.ms]), meanSquare(x[at+2*p.ms:at+10*p.ms])
	found.balance = max(before, behind) / max(min(before, behind), 1e-9)
	return found, true
}

// model learns the prediction filter (its first coefficient is 1) from the two sides.
func (p *impulseProbe) model(x []float32) ([probeOrder + 1]float64, bool) {
	w := p.window
	clear(w)
	side := len(p.taper)
	for i, t := range p.taper {
		w[i] = x[i] * t
		w[len(w)-side+i] = x[len(x)-side+i] * t
	}
	var r [probeOrder + 1]float64
	for lag := range r {
		var sum float32
		a, b := w[lag:], w[:len(w)-lag]
		for i, v := range a {
			sum += v * b[i]
		}
		r[lag] = float64(sum)
	}
	r[0] = r[0]*1.0001 + 1e-9 // keeps the recursion stable for pure tones and silence
	return levinson(&r)
}

// levinson solves for the prediction filter by the Levinson-Durbin recursion.
func levinson(r *[probeOrder + 1]float64) (a [probeOrder + 1]float64, ok bool) {
	a[0] = 1
	e := r[0]
	for i := 1; i <= probeOrder; i++ {
		sum := r[i]
		for j := 1; j < i; j++ {
			sum += a[j] * r[i-j]
		}
		k := -sum / e
		next := a
		for j := 1; j < i; j++ {
			next[j] = a[j] + k*a[i-j]
		}
		next[i] = k
		a = next
		if e *= 1 - k*k; e <= 0 {
			return a, false
		}
	}
	return a, true
}

// predict fills errors with the sizes of the prediction errors of x, whose first probeOrder samples only lead in.
func (p *impulseProbe) predict(x []float32, model *[probeOrder + 1]float64) {
	var a [probeOrder + 1]float32
	for i, v := range model {
		a[probeOrder-i] = float32(v) // in the order of the samples
	}
	for i := range p.errors {
		var sum float32
		for j, v := range x[i : i+probeOrder+1] {
			sum += a[j] * v
		}
		if sum < 0 {
			sum = -sum
		}
		p.errors[i] = sum
	}
}

func largest(x []float32) float32 {
	var m float32
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

func meanSquare(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum / float64(max(len(x), 1))
}
