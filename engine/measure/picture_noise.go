package measure

import (
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

// noise: random noise over the whole picture. Reading: standard deviation of
// the noise in 8-bit levels after Immerkaer ("Fast noise variance estimation",
// CVIU 64(2), 1996), in the flattest tenth of the blocks, so that texture does
// not count. 0.5 at `sigma`: film grain is 2..5, a clean camera below 2.
type noise struct{ sigma float64 }

func newNoise() pictureForm { return &noise{sigma: 8} }

func (d *noise) knobs() []knob { return []knob{{"sigma", &d.sigma, 1, 25}} }

func (d *noise) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	sigma := p.noiseSigma(0.1)
	value := ramp(sigma, d.sigma/2, d.sigma, 3*d.sigma)
	if p.drawn() {
		value = 0 // text has no flat blocks
	}
	return append(dst, p.score(o, value, sigma))
}

// noiseSigma is the noise of the block at quantile q, 0 where fewer than one
// block in twenty can be judged.
func (p *picture) noiseSigma(q float64) float64 {
	const perBin = 2 * 0.2089 // levels of sigma a bin: sqrt(pi/2)/6 * mean|N*y|
	if p.m.NoiseBlocks < 8 || 20*uint64(p.m.NoiseBlocks) < uint64(p.m.Blocks) {
		return 0
	}
	want, have := q*float64(p.m.NoiseBlocks), 0.0
	for k, n := range p.m.NoiseHistogram {
		if have+float64(n) >= want && n > 0 {
			return perBin * (float64(k) + (want-have)/float64(n))
		}
		have += float64(n)
	}
	return perBin * frame.NoiseBins
}
