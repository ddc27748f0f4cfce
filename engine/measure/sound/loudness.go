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
	db := max(finite(l.TruePeak), floorDB)
	s.add(m.out, first, n, ramp(db, m.half-m.span, m.half, m.half+m.span), db)
}

// loudness scores short-term loudness (EBU Tech 3341, 3 s) that is too high for
// any programme.
//
// Reading: LUFS.
type loudness struct {
	out        output
	half, span float64 // LUFS at which the score is 0.5; LU to 0 and to 1
}

func loudnessKind() kind {
	return kind{"loudness", params{"max_lufs": -6, "span_lu": 6}, func(o output, p params, _ format) scorer {
		return &loudness{out: o, half: p["max_lufs"], span: p["span_lu"]}
	}}
}

func (m *loudness) observe(*hop, *scores) {}
func (m *loudness) flush(*scores)         {}

func (m *loudness) read(first, n int64, l *frame.Loudness, s *scores) {
	lufs := max(finite(l.ShortTerm), floorDB)
	s.add(m.out, first, n, ramp(lufs, m.half-m.span, m.half, m.half+m.span), lufs)
}

// finite makes the floor of what is not a number.
func finite(x float64) float64 {
	if x != x {
		return floorDB
	}
	return min(x, -floorDB)
}
