package inject

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/streamvet/streamvet/engine/verdict"
)

// addDamage damages the encoded file and finds out what became of the picture.
func (r *run) addDamage(ctx context.Context) error {
	if len(r.plan.payload) == 0 {
		return nil
	}
	rate := r.plan.media.Picture.Rate
	file, err := openPayload(ctx, r.tools, r.encoding, rate, r.partial)
	if err != nil {
		return err
	}
	all := &harm{lost: map[int64]bool{}, flips: map[int64]byte{}}
	hits := make([][]int64, len(r.plan.payload))
	for i, d := range r.plan.payload {
		all.hit = map[int64]bool{}
		if err := r.choose(ctx, file, d, all); err != nil {
			return err
		}
		hits[i] = slices.Sorted(maps.Keys(all.hit))
	}
	damaged, err := r.temporary()
	if err != nil {
		return err
	}
	if err := file.damage(ctx, all, damaged); err != nil {
		return fmt.Errorf("damage the bitstream: %w", err)
	}
	seen, err := compare(ctx, r.tools, rate, r.partial, damaged, r.progress("compare"))
	if err != nil {
		return fmt.Errorf("compare with the clean encode: %w", err)
	}
	for i, d := range r.plan.payload {
		r.addHits(d, hits[i], seen)
	}
	r.addSeen(seen)
	r.result.Truth.Damage = r.damageOf(seen)
	r.result.Truth.sort()
	r.partial = damaged
	return nil
}

// choose decides what harm one wish does. It walks the file twice, since it must
// know what there is in the range.
func (r *run) choose(ctx context.Context, file payload, d *planned, h *harm) error {
	if d.spec.Kind.loseNALs != nil {
		return r.chooseNALs(ctx, file, d, h)
	}
	var all survey
	inRange := func(f func(unit)) func(unit) {
		return func(u unit) {
			if d.span.contains(u.frame) {
				f(u)
			}
		}
	}
	if err := file.walk(ctx, inRange(all.add)); err != nil {
		return err
	}
	if all.units == 0 {
		r.nothingToDamage(d)
		return nil
	}
	if err := file.walk(ctx, inRange(d.spec.Kind.damage(d, r.plan.media.Picture.Rate, all, h))); err != nil {
		return err
	}
	if len(h.hit) == 0 {
		r.warn("%s hits nothing: there are too few bytes in its range", d.spec)
	}
	return nil
}

func (r *run) nothingToDamage(d *planned) {
	r.warn("%s was not put in: there is no coded picture to damage in its range (the first one is spared)", d.spec)
}

func (r *run) chooseNALs(ctx context.Context, file payload, d *planned, h *harm) error {
	total := int64(0)
	inRange := func(f func(nal)) func(nal) {
		return func(s nal) {
			if d.span.contains(s.frame) {
				f(s)
			}
		}
	}
	if err := file.nals(ctx, inRange(func(nal) { total++ })); err != nil {
		return err
	}
	if total == 0 {
		r.nothingToDamage(d)
		return nil
	}
	return file.nals(ctx, inRange(d.spec.Kind.loseNALs(d, total, h)))
}

// How far apart pictures may be and still be one stretch: visible damage must
// nearly go on, while losses come in showers.
const (
	joinSeconds     = 0.2
	joinHitsSeconds = 1.0
)

// addHits says where the bitstream is damaged. A stretch whose damage changed
// no picture that was decoded is marked as leaving no mark.
func (r *run) addHits(d *planned, hits []int64, seen []sight) {
	rate := r.result.Truth.Rate()
	for _, run := range runsOf(hits, int64(joinHitsSeconds*rate.FPS())) {
		e := d.entry()
		e.Defect, e.Frames = verdict.DecodeError, run
		e.Invisible = true
		first, last := run[0], run[len(run)-1]
		// The next pictures may refer to a damaged one that is itself not shown yet.
		for n := first; n <= last+int64(rate.FPS()) && n < int64(len(seen)); n++ {
			if seen[n].changed {
				e.Invisible = false
			}
		}
		r.result.Truth.addPictures(e, span{first, last + 1})
	}
}

// addSeen says what the damage did to the decoded pictures: visible blocks,
// pictures that are missing (the one before is shown again), and the rest, which
// differs from the clean decode without a mark.
func (r *run) addSeen(seen []sight) {
	var visible, missing, hidden []int64
	for n, s := range seen {
		switch {
		case s.visible:
			visible = append(visible, int64(n))
		case s.stale:
			missing = append(missing, int64(n))
		case s.changed:
			hidden = append(hidden, int64(n))
		}
	}
	gap := int64(joinSeconds * r.result.Truth.Rate().FPS())
	covered := func(n int64) bool {
		i, _ := slices.BinarySearch(visible, n)
		return i > 0 && i < len(visible) && visible[i]-visible[i-1] <= gap+1
	}
	hidden = slices.DeleteFunc(hidden, covered)
	r.addRuns(verdict.BlockCorruption, runsOf(visible, gap), seen, false)
	r.addRuns(verdict.Stutter, runsOf(missing, 0), seen, false)
	r.addRuns(verdict.BlockCorruption, runsOf(hidden, 0), seen, true)
}

// damageOf is the damage block by block.
func (r *run) damageOf(seen []sight) *Damage {
	t := &r.result.Truth
	d := &Damage{Block: macroblock, Columns: (t.Width + macroblock - 1) / macroblock, Rows: (t.Height + macroblock - 1) / macroblock, Rule: DamageRule, Frames: []DamagedFrame{}}
	for n, s := range seen {
		if s.changed && int64(n) < t.Frames {
			d.Frames = append(d.Frames, DamagedFrame{Frame: int64(n), Visible: s.visible, Stale: s.stale, Seen: s.seen, Hidden: s.hidden})
		}
	}
	return d
}

func (r *run) addRuns(defect verdict.Defect, runs [][]int64, seen []sight, invisible bool) {
	for _, run := range runs {
		d := r.cause(run[0])
		e := d.entry()
		e.Defect, e.Frames, e.Invisible = defect, run, invisible
		if defect == verdict.BlockCorruption {
			for _, n := range run {
				e.Region = joinRegions(e.Region, seen[n].region)
			}
		}
		r.result.Truth.addPictures(e, span{run[0], run[len(run)-1] + 1})
	}
}

// cause is the wish whose range began last before a picture. Effects can outlast
// the range, up to the next key picture.
func (r *run) cause(frame int64) *planned {
	best := r.plan.payload[0]
	for _, d := range r.plan.payload[1:] {
		if d.span.start <= frame && (d.span.start >= best.span.start || best.span.start > frame) {
			best = d
		}
	}
	return best
}

// runsOf cuts ascending numbers into runs; up to gap numbers may be missing inside one.
func runsOf(numbers []int64, gap int64) [][]int64 {
	var out [][]int64
	for i, n := range numbers {
		if i == 0 || n-numbers[i-1] > gap+1 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], n)
	}
	return out
}

func joinRegions(a, b *verdict.Region) *verdict.Region {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	x, y := min(a.X, b.X), min(a.Y, b.Y)
	return &verdict.Region{X: x, Y: y, Width: max(a.X+a.Width, b.X+b.Width) - x, Height: max(a.Y+a.Height, b.Y+b.Height) - y}
}
