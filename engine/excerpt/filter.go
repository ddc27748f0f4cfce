package excerpt

import "math"

// The filter of FFmpeg's swresample with its default settings, so that what `ffmpeg
// -ar` makes can stand in for what a network hears: a sinc of 32 taps at the lower
// rate, cut off at 0.97 of it, under a Kaiser window.
const (
	sincTaps   = 32
	cutoff     = 0.97
	kaiserBeta = 9
	// maxPhases bounds the table. Between rates that would need more, neighbours are
	// interpolated, as swresample does.
	maxPhases = 1024
)

// filter resamples by up/down, a fraction in its lowest terms.
type filter struct {
	up, down int
	phases   int
	taps     int
	center   int       // the tap at the sample itself, in phase 0
	table    []float32 // of phases+1, each of taps
}

func newFilter(from, to int) *filter {
	g := gcd(from, to)
	f := &filter{up: to / g, down: from / g}
	f.phases = min(f.up, maxPhases)
	factor := min(cutoff*float64(to)/float64(from), 1)
	f.taps = (int(math.Ceil(sincTaps/factor)) + 1) &^ 1
	f.center = (f.taps - 1) / 2
	rows := make([]float64, (f.phases+1)*f.taps)
	norm := 0.0
	for p := range f.phases + 1 {
		for i := range f.taps {
			x := float64(i-f.center) - float64(p)/float64(f.phases)
			w := 2 * x / float64(f.taps)
			y := sinc(x*factor) * bessel(kaiserBeta*math.Sqrt(max(1-w*w, 0)))
			rows[p*f.taps+i] = y
			if p == 0 {
				norm += y
			}
		}
	}
	f.table = make([]float32, len(rows))
	for i, y := range rows {
		f.table[i] = float32(y / norm)
	}
	return f
}

// at is the value at phase n/up of a sample between 0 and 1 after x[center].
func (f *filter) at(n int, x []float32) float32 {
	if f.phases == f.up {
		return dot(f.row(n), x)
	}
	p, rest := n*f.phases/f.up, n*f.phases%f.up
	share := float32(rest) / float32(f.up)
	return float32((1-share)*dot(f.row(p), x)) + float32(share*dot(f.row(p+1), x))
}

func (f *filter) row(phase int) []float32 { return f.table[phase*f.taps : (phase+1)*f.taps] }

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel is the modified Bessel function of the first kind, of order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-18*sum; k++ {
		term *= x / 2 / k * x / 2 / k
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
