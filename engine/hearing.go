package engine

import (
	"time"

	"github.com/streamvet/streamvet/engine/excerpt"
	"github.com/streamvet/streamvet/engine/verdict"
)

// hearing is one window on its way through a network. Its rows may be in several
// batches; all of them are answered by the inference goroutine.
type hearing struct {
	network *network
	ears    *ears
	came    time.Time      // its last block, out of the decoder
	window  excerpt.Window // without the rows
	rows    int            // without an answer
	failed  bool           // one of them could not be run
	scores  [][]float32    // by output and step: the greatest of all channels
}

// begin makes a hearing of a window with so many rows, or takes one that is over.
func (n *network) begin(w excerpt.Window, rows int) *hearing {
	w.Rows = nil
	h := n.overHearing()
	h.window, h.rows, h.failed = w, rows, false
	for i, s := range n.steps {
		h.scores[i] = h.scores[i][:s.of(w.Samples)]
		clear(h.scores[i])
	}
	return h
}

func (n *network) overHearing() *hearing {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last := len(n.over) - 1; last >= 0 {
		h := n.over[last]
		n.over = n.over[:last]
		return h
	}
	h := &hearing{network: n}
	for _, s := range n.steps {
		h.scores = append(h.scores, make([]float32, s.count))
	}
	return h
}

// end keeps a hearing for another window.
func (h *hearing) end() {
	h.ears = nil
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.network.over = append(h.network.over, h)
}

// answer takes what the network says of one row; with that of the last one the
// window's scores are judged.
func (h *hearing) answer(f filled, row int) error {
	h.rows--
	if h.failed = h.failed || f.err != nil; !h.failed {
		h.take(f, row)
	}
	if h.rows > 0 {
		return f.err
	}
	defer h.end()
	if h.failed {
		return f.err
	}
	source := h.ears.source
	f.lane.answer = h.appendScores(f.lane.answer[:0])
	err := source.judge.scores(h.ears.track, f.lane.answer, nil)
	source.judged(h.came)
	return err
}

// take keeps the scores of a row that are greater than those so far.
func (h *hearing) take(f filled, row int) {
	b := f.lane.bindings[f.batch.Tensor]
	for i, s := range h.network.steps {
		for k, v := range b.Scores(i, row)[s.first : s.first+len(h.scores[i])] {
			h.scores[i][k] = max(h.scores[i][k], v)
		}
	}
}

// appendScores gives the scores of a window, those of each output in time order.
func (h *hearing) appendScores(dst []verdict.Score) []verdict.Score {
	d := &h.network.detector
	for i, s := range h.network.steps {
		for k, v := range h.scores[i] {
			from, to := k*s.samples, min((k+1)*s.samples, h.window.Samples)
			pts := h.window.At(from)
			dst = append(dst, verdict.Score{
				Detector: d.Name, Defect: d.Outputs[i].Defect, PTS: pts, Duration: h.window.At(to) - pts,
				Value: float64(v), Reading: float64(v),
			})
		}
	}
	return dst
}
