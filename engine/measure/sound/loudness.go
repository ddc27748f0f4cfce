package sound

import "github.com/streamvet/streamvet/engine/frame"

// truePeak scores readings of the true peak of ITU-R BS.1770-4 Annex 2.
//
// Reading: dBTP of the loudest channel. EBU R128 permits -1 dBTP at delivery;
// lossy coding of loud masters then overshoots by 1 to 2 dB, so the default
// raises well above full scale, where players clip audibly.
type truePeak struct {
	out        output
	half, span float64 // dBTP at which the score is 0.5; dB to 0 and to 1
}

func truePeakKind() kind {
	return kind{"true_peak", params{"peak_dbtp": 2, "span_db": 2}, func(o output, p params, _ format) scorer {
		return &truePeak{out: o, half: p["peak_dbtp"], span: p["span_db"]}
	}}
}

func (m *truePeak) observe(*hop, *scores) {}
func (m *truePeak) flush(*scores)         {}

func (m *truePeak) read(first, n int64, l *frame.Loudness, s *scores) {
	db := finite(l.TruePeak)
	s.add(m.out, first, n, ramp(db, m.half-m.span, m.half, m.half+m.span), db)
}

// loudness scores short-term loudness (EBU Tech 3341, 3 s) above a ceiling that
// no programme reaches, and integrated loudness below a floor if one is set.
//
// Reading: LUFS, short-term, or integrated where that scores higher.
//
// The target of R128, -23 LUFS, is no default: hardly anything made for the web
// meets it. Jumps of the level are not scored: a cut from one scene to the next
// is the same to the ear that knows no picture.
type loudness struct {
	out      output
	ceiling  float64 // short-term LUFS at which the score is 0.5
	floor    float64 // integrated LUFS at which the score is 0.5; 0 or more: no floor
	span     float64 // LU to a score of 0 and of 1
	measured int64   // samples that readings spoke for
	settle   int64   // samples before the integrated loudness counts
}

// gateLUFS is the absolute gate of BS.1770: programme below it has no integrated loudness.
const gateLUFS = -70

func loudnessKind() kind {
	return kind{"loudness", params{"max_lufs": -6, "min_integrated_lufs": 0, "span_lu": 6}, func(o output, p params, f format) scorer {
		return &loudness{out: o, ceiling: p["max_lufs"], floor: p["min_integrated_lufs"], span: p["span_lu"], settle: int64(10 * f.rate)}
	}}
}

func (m *loudness) observe(*hop, *scores) {}
func (m *loudness) flush(*scores)         { m.measured = 0 }

func (m *loudness) read(first, n int64, l *frame.Loudness, s *scores) {
	m.measured += n
	lufs := finite(l.ShortTerm)
	value := ramp(lufs, m.ceiling-m.span, m.ceiling, m.ceiling+m.span)
	whole := finite(l.Integrated)
	if m.floor < 0 && whole > gateLUFS && m.measured >= m.settle {
		if v := ramp(whole, m.floor+m.span, m.floor, m.floor-m.span); v > value {
			value, lufs = v, whole
		}
	}
	s.add(m.out, first, n, value, lufs)
}

// finite bounds a level; what is not a number becomes the floor.
func finite(db float64) float64 {
	if db != db {
		return floorDB
	}
	return min(max(db, floorDB), -floorDB)
}
