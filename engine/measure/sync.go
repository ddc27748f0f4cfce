package measure

import (
	"math"
	"slices"
	"time"
)

// train is the latest onsets of a track, in time order.
type train struct {
	ring  [trainLength]Onset
	count int           // onsets that were ever put in
	begun bool          // something of the track has come
	start time.Duration // when
	end   time.Duration // how far it has come
}

// trainLength is for two minutes of sound with its densest onsets, one in 150 ms:
// tracks come no further apart.
const trainLength = 1024

// take puts in the onsets of a unit; all before end are known then.
func (t *train) take(u *Unit, end time.Duration) {
	if !t.begun {
		t.begun, t.start = true, u.PTS
	}
	for _, o := range u.Onsets {
		t.put(o)
	}
	t.end = max(t.end, end)
}

func (t *train) put(o Onset) {
	if t.count > 0 {
		o.At = max(o.At, t.at(t.count-1).At)
	}
	t.ring[t.count%trainLength] = o
	t.count++
}

// at is onset n, which must be one of the last trainLength.
func (t *train) at(n int) *Onset { return &t.ring[n%trainLength] }

// upTo is the number of onsets before an end, as far as they are remembered.
func (t *train) upTo(end time.Duration) int {
	n := t.count
	for n > t.oldest() && t.at(n-1).At >= end {
		n--
	}
	return n
}

func (t *train) oldest() int { return max(t.count-trainLength, 0) }

// The estimate of the offset between pictures and sound.
const (
	syncWindow  = 30 * time.Second        // onsets further apart are not compared
	syncReach   = 1500 * time.Millisecond // largest offset
	syncLeast   = 5                       // pairs
	syncMost    = 24                      // onsets of pictures
	syncSlack   = 15 * time.Millisecond   // by which the two onsets of a pair are off, beside the time between two pictures
	syncRepeats = 800 * time.Millisecond  // shortest period of a rhythm that is still told
)

// alignment is how sound lies against pictures.
type alignment struct {
	late        time.Duration // by how much sound comes after its picture; negative: before
	first, last time.Duration // of the onsets of sound that have a picture
	pairs       int
	within      time.Duration // how well pictures tell when something happens
}

// aligner finds how two trains lie against each other. Its zero value is ready;
// it is here so that looking allocates nothing.
type aligner struct {
	pictures, sounds []Onset
	gaps             []gap
	tol              time.Duration
	now, start       time.Duration
}

// gap is how much later than picture onset number picture a sound onset comes.
type gap struct {
	late           time.Duration
	picture, sound int
}

// align compares the onsets before now. It takes the shortest stretch of the
// latest ones that is long enough to be sure: that no relation would give as many
// pairs at any offset with a probability of more than chance.
func (a *aligner) align(pictures, sounds *train, now time.Duration, chance float64) (alignment, bool) {
	end := pictures.upTo(now)
	a.now, a.start = now, max(sounds.start, now-syncWindow-syncReach)
	for _, n := range [...]int{5, 6, 7, 8, 10, 12, 16, 20, syncMost} {
		first := end - n
		if first < pictures.oldest() || pictures.at(first).At < now-syncWindow {
			return alignment{}, false
		}
		a.collect(pictures, first, end, sounds)
		if found, ok := a.best(chance); ok {
			return found, true
		}
	}
	return alignment{}, false
}

// collect takes the onsets of a stretch, and all gaps between them.
func (a *aligner) collect(pictures *train, first, end int, sounds *train) {
	a.pictures, a.sounds, a.gaps = a.pictures[:0], a.sounds[:0], a.gaps[:0]
	within := time.Duration(0)
	for n := first; n < end; n++ {
		o := *pictures.at(n)
		within += o.Within
		a.pictures = append(a.pictures, o)
	}
	a.tol = syncSlack + min(within/time.Duration(end-first), 200*time.Millisecond)/2
	from, to := a.pictures[0].At-syncReach-time.Second, a.pictures[len(a.pictures)-1].At+syncReach+time.Second
	for n := sounds.upTo(min(a.now, to)); n > sounds.oldest() && sounds.at(n-1).At >= from; n-- {
		a.sounds = append(a.sounds, *sounds.at(n - 1))
	}
	slices.Reverse(a.sounds)
	for i, p := range a.pictures {
		for k, s := range a.sounds {
			if d := s.At - p.At; d.Abs() <= syncReach {
				a.gaps = append(a.gaps, gap{d, i, k})
			}
		}
	}
	slices.SortFunc(a.gaps, func(a, b gap) int { return int(a.late - b.late) })
}

// peak is a run of gaps that are within the tolerance of each other.
type peak struct {
	from, to int // in gaps
	pairs    int // pictures in it
	late     time.Duration
}

// best finds the offset that the stretch shows, if it shows one.
func (a *aligner) best(chance float64) (alignment, bool) {
	most := 0
	a.each(func(p peak) { most = max(most, p.pairs) })
	if most < syncLeast {
		return alignment{}, false
	}
	// A rhythm has several offsets that fit: the least one is meant.
	var best peak
	a.each(func(p peak) {
		if 5*p.pairs >= 4*most && (best.pairs == 0 || p.late.Abs() < best.late.Abs() || p.late == best.late && p.pairs > best.pairs) {
			best = p
		}
	})
	// Gaps around it that are nearer to zero are less in number: take the fullest.
	centre := best.late
	a.each(func(p peak) {
		if (p.late-centre).Abs() <= 2*a.tol && p.pairs > best.pairs {
			best = p
		}
	})
	if !a.sure(best, chance) || !a.alone(best) {
		return alignment{}, false
	}
	return a.alignment(best), true
}

// each visits the peaks, by offset.
func (a *aligner) each(visit func(peak)) {
	var in [syncMost]int
	pairs, to := 0, 0
	for from := range a.gaps {
		for to < len(a.gaps) && a.gaps[to].late-a.gaps[from].late <= 2*a.tol {
			if in[a.gaps[to].picture]++; in[a.gaps[to].picture] == 1 {
				pairs++
			}
			to++
		}
		visit(peak{from, to, pairs, a.gaps[(from+to-1)/2].late})
		if in[a.gaps[from].picture]--; in[a.gaps[from].picture] == 0 {
			pairs--
		}
	}
}

// sure tells whether so many pairs are more than chance gives.
func (a *aligner) sure(p peak, chance float64) bool {
	candidates := 0
	first, last := time.Duration(math.MaxInt64), time.Duration(math.MinInt64)
	for _, o := range a.pictures {
		if at := o.At + p.late; at >= a.start && at <= a.now-a.tol {
			candidates++
			first, last = min(first, at), max(last, at)
		}
	}
	candidates = max(candidates, p.pairs)
	if 3*p.pairs < 2*candidates {
		return false
	}
	q := a.covered(first-a.tol, last+a.tol)
	offsets := float64(syncReach) / float64(a.tol) // that do not overlap
	return offsets*atLeast(candidates, p.pairs, q) <= chance
}

// covered is the share of a stretch in which a picture would have a pair.
func (a *aligner) covered(from, to time.Duration) float64 {
	if to <= from {
		return 1
	}
	sum, done := time.Duration(0), from
	for _, s := range a.sounds {
		lo, hi := max(s.At-a.tol, done), min(s.At+a.tol, to)
		if hi > lo {
			sum += hi - lo
			done = hi
		}
	}
	return float64(sum) / float64(to-from)
}

// alone tells whether no other offset fits about as well, or why that does not
// matter: where pictures and sound keep a slow rhythm, and neither does anything
// else, the offsets are periods apart, and the least one is meant. Faster rhythms
// are music, and cuts to music have any phase.
func (a *aligner) alone(best peak) bool {
	rival := time.Duration(math.MaxInt64)
	a.each(func(p peak) {
		if d := (p.late - best.late).Abs(); d > 2*a.tol && 5*p.pairs >= 3*best.pairs {
			rival = min(rival, d)
		}
	})
	if rival == math.MaxInt64 {
		return true
	}
	return rival >= syncRepeats && a.answered(best) >= 0.7
}

// answered is the share of the onsets of sound between the first and the last
// pair, by strength, that have a picture.
func (a *aligner) answered(p peak) float64 {
	found := a.alignment(p)
	all, paired := 0.0, 0.0
	for k, s := range a.sounds {
		if s.At < found.first || s.At > found.last {
			continue
		}
		strength := min(s.Strength, 30)
		all += strength
		if slices.ContainsFunc(a.gaps[p.from:p.to], func(g gap) bool { return g.sound == k }) {
			paired += strength
		}
	}
	return paired / max(all, 1e-9)
}

func (a *aligner) alignment(p peak) alignment {
	found := alignment{late: a.gaps[(p.from+p.to-1)/2].late, pairs: p.pairs, first: math.MaxInt64, last: math.MinInt64, within: 2 * (a.tol - syncSlack)}
	for _, g := range a.gaps[p.from:p.to] {
		at := a.sounds[g.sound].At
		found.first, found.last = min(found.first, at), max(found.last, at)
	}
	return found
}

// atLeast is the probability of k or more hits in n independent tries that each hit with
// probability q.
func atLeast(n, k int, q float64) float64 {
	if k <= 0 || q >= 1 {
		return 1
	}
	if q <= 0 {
		return 0
	}
	// The terms of the binomial distribution, each from the one before.
	term := math.Pow(q, float64(k)) * math.Pow(1-q, float64(n-k))
	for i := range k {
		term *= float64(n-i) / float64(k-i)
	}
	sum := 0.0
	for i := k; i <= n; i++ {
		sum += term
		term *= float64(n-i) / float64(i+1) * q / (1 - q)
	}
	return min(sum, 1)
}
