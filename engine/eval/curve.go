package eval

import "math"

// Point is what a threshold at Score does: the share of positives and of
// negatives that reach it, and the share of positives among all that do.
type Point struct {
	Score, Recall, FalsePositives, Precision float64
}

// step is the weight of positives and negatives of one height.
type step struct {
	bin      uint16
	pos, neg float64
}

// curve is the heights of two classes, the highest first, and their weights.
type curve struct {
	steps    []step
	pos, neg float64
}

// curveOf puts two histograms side by side.
func curveOf(pos, neg *Hist) curve {
	a, b := pos.sorted(), neg.sorted()
	c := curve{pos: float64(pos.total), neg: float64(neg.total)}
	for len(a) > 0 || len(b) > 0 {
		var s step
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].bin > b[0].bin:
			s = step{a[0].bin, float64(a[0].n), 0}
			a = a[1:]
		case len(a) == 0 || b[0].bin > a[0].bin:
			s = step{b[0].bin, 0, float64(b[0].n)}
			b = b[1:]
		default:
			s = step{a[0].bin, float64(a[0].n), float64(b[0].n)}
			a, b = a[1:], b[1:]
		}
		c.steps = append(c.steps, s)
	}
	return c
}

// separation is how well scores tell the classes apart; each is NaN where a class
// is empty.
type separation struct{ auc, ap, recall float64 }

// measure computes all three; recall is that at a share of false positives.
func (c curve) measure(falsePositives float64) separation {
	if !(c.pos > 0) || !(c.neg > 0) {
		return separation{math.NaN(), math.NaN(), math.NaN()}
	}
	var s separation
	var tp, fp float64
	for _, st := range c.steps {
		// Positives of this height beat all negatives below it, and half of those level with it.
		s.auc += st.pos * (c.neg - fp - st.neg/2)
		tp, fp = tp+st.pos, fp+st.neg
		if tp > 0 {
			s.ap += st.pos * tp / (tp + fp)
		}
		if fp <= falsePositives*c.neg {
			s.recall = tp / c.pos
		}
	}
	s.auc /= c.pos * c.neg
	s.ap /= c.pos
	return s
}

// threshold is the lowest score that at most a share of the negatives reaches; 2
// where even the highest one is reached by more.
func (c curve) threshold(falsePositives float64) float64 {
	out, fp := 2.0, 0.0
	for _, st := range c.steps {
		if fp += st.neg; fp > falsePositives*c.neg {
			break
		}
		out = scoreOf(st.bin)
	}
	return out
}

// points are at most n of the curve's points, from the highest threshold to the
// lowest, the first and the last one among them.
func (c curve) points(n int) []Point {
	if !(c.pos > 0) || !(c.neg > 0) {
		return nil
	}
	var all []Point
	var tp, fp float64
	for _, st := range c.steps {
		tp, fp = tp+st.pos, fp+st.neg
		p := Point{Score: scoreOf(st.bin), Recall: tp / c.pos, FalsePositives: fp / c.neg}
		p.Precision = tp / (tp + fp)
		all = append(all, p)
	}
	if len(all) <= n {
		return all
	}
	// Thin out where neighbours lie close on the plot.
	least := 1.5 / float64(n)
	out := all[:1:1]
	for _, p := range all[1 : len(all)-1] {
		last := out[len(out)-1]
		if math.Abs(p.Recall-last.Recall)+math.Abs(p.FalsePositives-last.FalsePositives) >= 2*least || math.Abs(p.Precision-last.Precision) >= 2*least {
			out = append(out, p)
		}
	}
	if len(out) > 2*n {
		out = out[:2*n]
	}
	return append(out, all[len(all)-1])
}
