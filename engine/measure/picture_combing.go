package measure

import "github.com/streamvet/streamvet/engine/verdict"

// combing: two fields of different time are woven into a picture that is not
// flagged as interlaced. Reading: share of the samples that stand out from the
// rows above and below, beyond what stands out from the columns left and
// right: texture gives both, combing only rows. 0.5 at `share`; still pictures
// do not comb.
type combing struct{ share float64 }

func newCombing() pictureForm { return &combing{share: 0.02} }

func (d *combing) knobs() []knob { return []knob{{"share", &d.share, 0.001, 0.5}} }

func (d *combing) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	all := uint64(p.m.Pixels)
	excess := ratio(uint64(p.m.CombPixels), all) - 2*ratio(uint64(p.m.CombColumns), all)
	value := ramp(excess, d.share/4, d.share, 4*d.share)
	if p.Interlaced || p.change < 0.5 {
		value = 0
	}
	return append(dst, p.score(o, value, max(excess, 0)))
}
