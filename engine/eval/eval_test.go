package eval

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/quick"
)

func histOf(scores ...float64) *Hist {
	h := &Hist{}
	for _, s := range scores {
		h.Add(s)
	}
	return h
}

// The expected values were computed by hand from the definitions.
func TestSeparation(t *testing.T) {
	for _, c := range []struct {
		name            string
		pos, neg        []float64
		auc, ap, recall float64 // recall at 20 % false positives
	}{
		{"apart", []float64{.9, .8}, []float64{.1, .2, .3}, 1, 1, 1},
		{"the wrong way round", []float64{.1}, []float64{.5, .9}, 0, 1. / 3, 0},
		{"all level", []float64{.5, .5}, []float64{.5, .5}, .5, .5, 0},
		// Pairs: .8 beats all 4; .4 beats 2 and ties with one; so (4 + 2.5)/8.
		// Thresholds: .8: P 1, R 1/2; .6: one negative; .4: 2 of 4, P 1/2, R 1.
		{"a tie", []float64{.8, .4}, []float64{.6, .4, .2, .1}, 6.5 / 8, .5*1 + .5*.5, .5},
		// 10 positives level with 1 of 5 negatives: exactly 20 % of them.
		{"at the limit", []float64{.7, .7, .3}, []float64{.7, .1, .1, .1, .1}, (2*4.5 + 4) / 15, 2./3*2/3 + 1./3*3/4, 1},
		{"zero is a score", []float64{0, 1}, []float64{0, 0}, (1 + 2) / 4., .5*1 + .5*.5, .5},
	} {
		got := curveOf(histOf(c.pos...), histOf(c.neg...)).measure(.2)
		if math.Abs(got.auc-c.auc) > 1e-12 || math.Abs(got.ap-c.ap) > 1e-12 || math.Abs(got.recall-c.recall) > 1e-12 {
			t.Errorf("%s: %+v, want %v %v %v", c.name, got, c.auc, c.ap, c.recall)
		}
	}
}

// An empty class has no separation, and least of all a perfect one.
func TestAnEmptyClassHasNoScore(t *testing.T) {
	for _, c := range []curve{curveOf(histOf(), histOf(.1)), curveOf(histOf(.9), histOf()), curveOf(histOf(), histOf())} {
		s := c.measure(.01)
		if !math.IsNaN(s.auc) || !math.IsNaN(s.ap) || !math.IsNaN(s.recall) || c.points(10) != nil {
			t.Errorf("%+v", s)
		}
	}
}

func random(rng *rand.Rand, n int) (pos, neg *Hist, scores []float64, labels []bool) {
	pos, neg = &Hist{}, &Hist{}
	for range n {
		level, label := rng.IntN(201), rng.IntN(3) == 0
		if label {
			level = min(level+20, 200)
		}
		s := float64(level) / 200
		if label {
			pos.Add(s)
		} else {
			neg.Add(s)
		}
		scores, labels = append(scores, s), append(labels, label)
	}
	return pos, neg, scores, labels
}

// The AUC is what counting all pairs gives.
func TestAUCIsTheShareOfPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		pos, neg, scores, labels := random(rng, 300)
		var won, pairs float64
		for i, a := range scores {
			for j, b := range scores {
				if !labels[i] || labels[j] {
					continue
				}
				pairs++
				if a > b {
					won++
				} else if a == b {
					won += .5
				}
			}
		}
		if got := curveOf(pos, neg).measure(.01).auc; math.Abs(got-won/pairs) > 1e-9 {
			t.Errorf("%v, want %v", got, won/pairs)
		}
	}
}

func TestShuffledLabelsSeparateNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	sum := 0.0
	const rounds = 40
	for range rounds {
		pos, neg := &Hist{}, &Hist{}
		for range 2000 {
			if s := math.Pow(rng.Float64(), 3); rng.IntN(2) == 0 {
				pos.Add(s)
			} else {
				neg.Add(s)
			}
		}
		m := curveOf(pos, neg).measure(.01)
		if math.Abs(m.auc-.5) > .06 || math.Abs(m.ap-.5) > .08 || m.recall > .06 {
			t.Errorf("%+v", m)
		}
		sum += m.auc
	}
	if mean := sum / rounds; math.Abs(mean-.5) > .01 {
		t.Errorf("on average %v", mean)
	}
}

// Only the order of scores counts: a monotone change of all of them changes nothing.
func TestMonotoneChangesOfScoresChangeNothing(t *testing.T) {
	f := func(seed uint64) bool {
		rng := rand.New(rand.NewPCG(seed, 3))
		pos, neg, scores, labels := random(rng, 400)
		want := curveOf(pos, neg).measure(.01)
		for _, change := range []func(float64) float64{math.Sqrt, func(s float64) float64 { return .25 + s/2 }, func(s float64) float64 { return s / (2 - s) }} {
			p, n := &Hist{}, &Hist{}
			for i, s := range scores {
				if labels[i] {
					p.Add(change(s))
				} else {
					n.Add(change(s))
				}
			}
			got := curveOf(p, n).measure(.01)
			if math.Abs(got.auc-want.auc) > 1e-12 || math.Abs(got.ap-want.ap) > 1e-12 || got.recall != want.recall {
				return false
			}
		}
		return true
	}
	if err := quick.Check(f, &quick.Config{MaxCount: 50}); err != nil {
		t.Error(err)
	}
}

// Swapping the classes mirrors the AUC.
func TestSwappedClassesMirrorTheAUC(t *testing.T) {
	pos, neg, _, _ := random(rand.New(rand.NewPCG(4, 4)), 500)
	a, b := curveOf(pos, neg).measure(.01).auc, curveOf(neg, pos).measure(.01).auc
	if math.Abs(a+b-1) > 1e-12 {
		t.Errorf("%v and %v", a, b)
	}
}

func TestThresholdKeepsTheFalsePositives(t *testing.T) {
	c := curveOf(histOf(.9), histOf(.8, .6, .4, .2))
	for share, want := range map[float64]float64{0: .9, .24: .9, .25: .8, .5: .6, 1: .2} {
		if got := c.threshold(share); math.Abs(got-want) > 1e-4 {
			t.Errorf("at %v: %v, want %v", share, got, want)
		}
	}
	if got := curveOf(histOf(.5), histOf(1)).threshold(.5); got != 2 {
		t.Errorf("%v: no score keeps one of one out", got)
	}
}

func TestPointsRunFromTheTopToTheBottom(t *testing.T) {
	pos, neg, _, _ := random(rand.New(rand.NewPCG(5, 5)), 20000)
	for _, n := range []int{5, 50, 1000} {
		ps := curveOf(pos, neg).points(n)
		if last := ps[len(ps)-1]; last.Recall != 1 || last.FalsePositives != 1 || len(ps) > 2*n+2 {
			t.Errorf("%d points, the last one %+v", len(ps), last)
		}
		for i := 1; i < len(ps); i++ {
			if ps[i].Recall < ps[i-1].Recall || ps[i].FalsePositives < ps[i-1].FalsePositives || ps[i].Score >= ps[i-1].Score {
				t.Errorf("%+v comes after %+v", ps[i], ps[i-1])
			}
		}
	}
}

func TestHistograms(t *testing.T) {
	h := histOf(0, 0, 1, .5, -3, 7, math.NaN(), math.Inf(1))
	if h.Total() != 8 || !reflect.DeepEqual(h.Columns(2), []int64{4, 4}) {
		t.Errorf("%d, %v", h.Total(), h.Columns(2))
	}
	data, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	again := &Hist{}
	if err := json.Unmarshal(data, again); err != nil || !reflect.DeepEqual(h, again) {
		t.Errorf("%s became %+v, %v", data, again, err)
	}
	for _, bad := range []string{"[1]", "[1,0]", "[-1,2]", "[16384,1]", "{}", "[1,-2]"} {
		if err := json.Unmarshal([]byte(bad), &Hist{}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	sum := histOf(.5)
	sum.Merge(h)
	sum.Merge(&Hist{})
	if sum.Total() != 9 {
		t.Errorf("%d", sum.Total())
	}
}

func TestQuantiles(t *testing.T) {
	v := []float64{1, 2, 4, 8}
	for q, want := range map[float64]float64{0: 1, .5: 3, 1: 8, .9: 8*.7 + 4*.3} {
		if got := quantile(v, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if !math.IsNaN(quantile(nil, .5)) {
		t.Error("none has a median")
	}
}

// Garwood's table.
func TestExactIntervalsOfCounts(t *testing.T) {
	for n, want := range map[int]Interval{0: {0, 3.689}, 1: {.0253, 5.572}, 5: {1.623, 11.668}, 10: {4.795, 18.390}, 100: {81.36, 121.63}} {
		if got := garwood(n); math.Abs(got.Low-want.Low) > .01 || math.Abs(got.High-want.High) > .01 {
			t.Errorf("%d: %+v, want %+v", n, got, want)
		}
	}
}

// The interval of a mean over groups holds the true mean about as often as it says.
func TestBootstrapCoversTheMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	held := 0
	const rounds, groups = 200, 40
	for range rounds {
		values := make([]float64, groups)
		for i := range values {
			values[i] = rng.NormFloat64()
		}
		in := bootstrap(groups, 200, func(weights []int) []float64 {
			sum := 0.0
			for i, w := range weights {
				sum += float64(w) * values[i]
			}
			return []float64{sum / groups, math.NaN()}
		})
		if in[1] != nil {
			t.Fatal("nothing has an interval")
		}
		if in[0].Low <= 0 && in[0].High >= 0 {
			held++
		}
	}
	if held < rounds*85/100 || held == rounds {
		t.Errorf("%d of %d intervals hold the mean", held, rounds)
	}
	if got := bootstrap(2, 100, func([]int) []float64 { return []float64{1} }); got[0] != nil {
		t.Error("two groups have an interval")
	}
}

func FuzzHist(f *testing.F) {
	f.Add([]byte("[3,4,16383,1]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h := &Hist{}
		if json.Unmarshal(data, h) == nil && curveOf(h, h).measure(.01).auc != .5 && h.Total() > 0 {
			t.Fatal("a class against itself")
		}
	})
}
