package inject

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// openEnd stands for the end of a clip whose length is not known yet.
const openEnd = math.MaxInt64 / 4

// plan is what a run does, in pictures and samples.
type plan struct {
	media    Media
	pictures []*planned
	sound    []*planned
	stamps   []*planned
	payload  []*planned
}

// planned is one defect in its place.
type planned struct {
	spec   Spec
	number int  // of the wish that it comes from, from 0
	span   span // pictures for Pictures and Payload, samples for Sound and Timestamps
	seed   uint64

	picture pictureEdit
	sound   soundEdit
	other   replacement // in place of an edit; nil for none
	marked  bool        // the edit changed something; set by the run
}

// makePlan puts the wishes on the clip's grid of pictures and samples.
func makePlan(media Media, specs []Spec, seed uint64) (*plan, error) {
	p := &plan{media: media}
	for i, s := range specs {
		if err := p.add(i, s, seed); err != nil {
			return nil, fmt.Errorf("%s: %w", s, err)
		}
	}
	if len(p.stamps) > 1 || len(p.stamps) > 0 && len(p.sound) > 0 {
		return nil, fmt.Errorf("%s moves the sound: no other sound defect can be placed in the same run; make two", p.stamps[0].spec)
	}
	return p, nil
}

func (p *plan) add(number int, s Spec, seed uint64) error {
	if s.Kind.check != nil {
		if err := s.Kind.check(s.Params); err != nil {
			return err
		}
	}
	if p.media.Picture == nil && (s.Start.Measure == AtFrame || s.End.Measure == AtFrame) {
		return errors.New("the clip has no pictures to count: give times in seconds")
	}
	if s.Kind.pictures != nil && s.Kind.pictures(s.Params) > 0 && s.End.Measure != Unset {
		return fmt.Errorf("it lasts %d pictures by its parameters: leave END out", s.Kind.pictures(s.Params))
	}
	if s.Kind.Medium == Sound || s.Kind.Medium == Timestamps {
		return p.addSound(number, s, seed)
	}
	return p.addPictures(number, s, seed)
}

// length is how long the defect lasts where only START is given, in units.
func (s Spec) length(perSecond float64) int64 {
	if s.Kind.pictures != nil {
		if n := s.Kind.pictures(s.Params); n > 0 {
			return n
		}
	}
	return max(int64(math.Round(s.Kind.Length.Seconds()*perSecond)), 1)
}

func (p *plan) addPictures(number int, s Spec, seed uint64) error {
	track := p.media.Picture
	if track == nil {
		return fmt.Errorf("the clip has no pictures: a %s defect cannot be put in", s.Kind.Medium)
	}
	where, err := place(s, track.Rate.frame, track.Rate.FPS(), p.media.Duration, "picture")
	if err != nil {
		return err
	}
	if s.Kind.lead == 1 && where.start == 0 {
		return errors.New("the first picture has none before it: start at 1f or later")
	}
	one := &planned{spec: s, number: number, span: where, seed: derive(seed, number)}
	if s.Kind.Medium == Payload {
		p.payload = append(p.payload, one)
	} else {
		p.pictures = append(p.pictures, one)
	}
	return nil
}

func (p *plan) addSound(number int, s Spec, seed uint64) error {
	track := p.media.Sound
	if track == nil {
		return errors.New("the clip has no sound: a sound defect cannot be put in")
	}
	if ch := s.Params["channel"]; int(ch) > track.Channels {
		return fmt.Errorf("the sound has %d channel(s), not %g", track.Channels, ch)
	}
	if s.Kind.Name == "phase" && track.Channels < 2 {
		return errors.New("the sound is mono: turning the phase of one channel takes two")
	}
	var rate Rate
	if p.media.Picture != nil {
		rate = p.media.Picture.Rate
	}
	toSample := func(m Moment) int64 { return rate.sample(m, track.RateHz) }
	where, err := place(s, toSample, float64(track.RateHz), p.media.Duration, "sample")
	if err != nil {
		return err
	}
	seed = derive(seed, number)
	if s.Kind.Medium == Timestamps {
		p.stamps = append(p.stamps, &planned{spec: s, number: number, span: where, seed: seed, marked: true})
		return nil
	}
	spots := []span{{0, where.length()}}
	if s.Kind.spots != nil {
		spots = s.spots(where, track.RateHz, p.media.Duration, seed)
	}
	for _, at := range spots {
		p.sound = append(p.sound, &planned{spec: s, number: number, seed: seed, span: span{where.start + at.start, where.start + at.end}})
	}
	return nil
}

// spots spreads a sparse defect over its range; an open end is taken from the clip's duration.
func (s Spec) spots(where span, rateHz int, duration float64, seed uint64) []span {
	length := where.length()
	if s.End.Measure == Unset {
		length = 0
	} else if where.end == openEnd {
		length = max(int64(duration*float64(rateHz))-where.start, 1)
	}
	return s.Kind.spots(s.Params, length, rateHz, rand.New(rand.NewPCG(seed, 1)))
}

// derive gives every wish random numbers of its own.
func derive(seed uint64, number int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%d", seed, number)
	return h.Sum64()
}

// place puts START and END on a grid of perSecond units a second, and holds them
// against the clip's duration as far as that is known.
func place(s Spec, grid func(Moment) int64, perSecond, duration float64, unit string) (span, error) {
	out := span{start: grid(s.Start)}
	switch s.End.Measure {
	case AtEnd:
		out.end = openEnd
	case Unset:
		out.end = out.start + s.length(perSecond)
	default:
		out.end = grid(s.End)
	}
	if out.end <= out.start {
		return out, fmt.Errorf("END is not at least one %s after START", unit)
	}
	if duration <= 0 {
		return out, nil
	}
	total := int64(math.Round(duration * perSecond))
	if out.start >= total {
		return out, fmt.Errorf("it starts at %.3f s, but the clip ends at %.3f s", float64(out.start)/perSecond, duration)
	}
	// Containers round their duration, so the last tenth of a second is no error;
	// a default length just stops at the end.
	slack := int64(math.Ceil(perSecond / 10))
	if s.End.Measure != AtEnd && s.End.Measure != Unset && out.end > total+slack {
		return out, fmt.Errorf("it ends at %.3f s, but the clip ends at %.3f s: write %s-end", float64(out.end)/perSecond, duration, s.Start)
	}
	return out, nil
}

// preparePictures makes the edits for pictures of the size that is really decoded.
func (p *plan) preparePictures(width, height int) {
	for _, one := range p.pictures {
		if one.other == nil && one.spec.Kind.picture != nil {
			one.picture = one.spec.Kind.picture(pictureContext{one.spec.Params, width, height, p.media.Picture.Rate, one.seed})
		}
	}
}

func (p *plan) prepareSound() {
	for _, one := range p.sound {
		if one.other == nil {
			one.sound = one.spec.Kind.sound(soundContext{one.spec.Params, p.media.Sound.Channels, p.media.Sound.RateHz, one.seed})
		}
	}
}

// editPicture applies all picture defects to picture n, in the order of the wishes.
func (p *plan) editPicture(pic *Picture, n int64) error {
	for _, one := range p.pictures {
		if one.removes() || n < one.span.start-one.spec.Kind.lead || n >= one.span.end {
			continue
		}
		if one.other != nil {
			marked, err := one.other.picture(pic, n-one.span.start)
			if err != nil {
				return fmt.Errorf("%s: %w", one.spec, err)
			}
			one.marked = one.marked || marked
		} else if one.picture(pic, n-one.span.start) {
			one.marked = true
		}
	}
	return nil
}

// editSound applies all sound defects to interleaved samples; n is the number of
// the first, a channel.
func (p *plan) editSound(samples []float32, n int64) error {
	channels := int64(p.media.Sound.Channels)
	end := n + int64(len(samples))/channels
	for _, one := range p.sound {
		lead := int64(0)
		if one.spec.Kind.leadSamples != nil {
			lead = one.spec.Kind.leadSamples(one.spec.Params, p.media.Sound.RateHz)
		}
		from, to := max(one.span.start-lead, n), min(one.span.end, end)
		// What only is looked at comes apart from what is changed.
		for _, part := range []span{{from, min(to, one.span.start)}, {max(from, one.span.start), to}} {
			if part.start >= part.end {
				continue
			}
			block := samples[(part.start-n)*channels : (part.end-n)*channels]
			if one.other != nil {
				marked, err := one.other.sound(block, part.start-one.span.start)
				if err != nil {
					return fmt.Errorf("%s: %w", one.spec, err)
				}
				one.marked = one.marked || marked
			} else if one.sound(block, part.start-one.span.start) {
				one.marked = true
			}
		}
	}
	return nil
}

// close ends what the replacements started.
func (p *plan) close() {
	for _, list := range [][]*planned{p.pictures, p.sound} {
		for _, one := range list {
			if one.other != nil {
				one.other.close()
			}
		}
	}
}

// removes tells whether its pictures are left out rather than changed.
func (d *planned) removes() bool {
	return d.spec.Kind.removes != nil && d.spec.Kind.removes(d.spec.Params)
}

// hits lists the pictures that a sparse kind touches; nil: all of its span.
func (d *planned) hits() []int64 {
	if d.spec.Kind.hit == nil {
		return nil
	}
	var out []int64
	for n := range d.span.length() {
		if d.spec.Kind.hit(d.spec.Params, n) {
			out = append(out, d.span.start+n)
		}
	}
	return out
}
