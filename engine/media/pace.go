package media

import "time"

// pace knows the usual distance between the pictures of a track.
type pace struct {
	nominal time.Duration // the usual distance: declared at first, then the median of the last ones
	steps   [32]time.Duration
	n, next int
	// all counts the distances since the start, odd those that were not as usual.
	all, odd int
}

// minSteps is how many distances must be known before they are trusted.
const minSteps = 8

func (p *pace) add(step time.Duration) {
	p.all++
	if p.nominal > 0 && !alike(step, p.nominal) {
		p.odd++
	}
	p.steps[p.next] = step
	p.next = (p.next + 1) % len(p.steps)
	p.n = min(p.n+1, len(p.steps))
	if p.n >= minSteps && !alike(step, p.nominal) || p.nominal == 0 {
		p.nominal = p.median()
	}
}

func alike(a, b time.Duration) bool {
	d := a - b
	if d < 0 {
		d = -d
	}
	// Containers round to milliseconds; clocks of cameras waver.
	return d <= max(1500*time.Microsecond, b/8)
}

func (p *pace) median() time.Duration {
	s := p.steps
	for i := 1; i < p.n; i++ {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
	return s[p.n/2]
}

// regularity is the share of the last distances that are as usual; 0 where too few are known.
func (p *pace) regularity() float64 {
	if p.n < minSteps {
		return 0
	}
	n := 0
	for _, s := range p.steps[:p.n] {
		if alike(s, p.nominal) {
			n++
		}
	}
	return float64(n) / float64(p.n)
}

// always tells whether at most one distance in a hundred was unusual, out of a hundred at least.
func (p *pace) always() bool { return p.all >= 100 && p.odd*100 <= p.all }
