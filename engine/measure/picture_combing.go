package measure

import "github.com/streamvet/streamvet/engine/verdict"

// combing: two fields of different time are woven into a picture that is not
// flagged as interlaced. Samples stand out from the rows above and below where
// something moves; texture stands out from the columns at its sides as well,
// and a still pattern of lines always does, so both are taken off. Reading: what
// is left, as a share of the part of the picture that moves. 0.5 at `share`, or
// where that much of the whole picture stands out.
type combing struct {
	share float64
	usual float64 // what the scene has at rest, as a share of the picture
}

func newCombing() pictureForm { return &combing{share: 0.05} }

func (d *combing) knobs() []knob { return []knob{{"share", &d.share, 0.001, 0.5}} }

func (d *combing) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	rows := ratio(uint64(p.m.CombPixels), uint64(p.m.Pixels))
	columns := ratio(uint64(p.m.CombColumns), uint64(p.m.Pixels))
	moving := max(ratio(uint64(p.m.BlocksChanged[2]), uint64(p.m.Blocks)), 0.08)
	excess := max(rows-columns, 0)
	d.learn(p, excess)
	reading := (excess - d.usual) / moving
	if all := rows - 2*columns; all >= d.share {
		reading = max(reading, all)
	}
	value := ramp(reading, d.share/4, d.share, 4*d.share)
	if p.Interlaced || p.change < 0.1 || rows < 2.5*columns {
		value = 0
	}
	return append(dst, p.score(o, value, max(reading, 0)))
}

// learn keeps the lowest excess of the scene, and forgets it over minutes.
func (d *combing) learn(p *picture, excess float64) {
	switch {
	case p.sinceCut == 1:
		d.usual = excess
	case excess < d.usual:
		d.usual += (excess - d.usual) / 2
	default:
		d.usual += (excess - d.usual) / 2000
	}
}
