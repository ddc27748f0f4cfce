package measure

import "github.com/streamvet/streamvet/engine/verdict"

// banding: smooth shading broken into plateaus with visible contours. Reading:
// contours of 2..4 levels between plateaus, per thousand positions looked at;
// the form is that of CAMBI (Tandon et al., arXiv 2102.00079) at one scale.
// 0.5 at `contours`. Steps of one level are what 8 bits have and do not count.
type banding struct{ contours float64 }

func newBanding() pictureForm { return &banding{contours: 2} }

func (d *banding) knobs() []knob { return []knob{{"contours", &d.contours, 0.05, 500}} }

func (d *banding) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	s := &p.m.BandSteps
	steps := uint64(s[1]) + uint64(s[2]) + uint64(s[3])
	perMille := 1000 * ratio(steps, uint64(p.m.BandSamples))
	return append(dst, p.score(o, ramp(perMille, d.contours/4, d.contours, 5*d.contours), perMille))
}
