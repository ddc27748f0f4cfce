package inject

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// SetPlan says what a set is to hold.
type SetPlan struct {
	SetShape
	Clips []SetClip
	// Kinds are the wished ones, each "KIND" for all its levels or "KIND:LEVEL";
	// none: all kinds.
	Kinds    []string
	PerLevel int // so many clips for each kind and level, of as many groups as there are; 0: all
}

// wish is a kind at a level; level 0 is that of kinds without levels.
type wish struct {
	kind  Kind
	level int
}

func (w wish) String() string {
	if w.level == 0 {
		return w.kind.Name
	}
	return w.kind.Name + ":" + strconv.Itoa(w.level)
}

// wishes lists kinds and levels.
func (p SetPlan) wishes() ([]wish, error) {
	var out []wish
	add := func(k Kind) {
		if len(k.Levels) == 0 {
			out = append(out, wish{k, 0})
		}
		for i := range k.Levels {
			out = append(out, wish{k, i + 1})
		}
	}
	if len(p.Kinds) == 0 {
		for _, k := range Kinds() {
			add(k)
		}
	}
	for _, text := range p.Kinds {
		name, level, leveled := strings.Cut(text, ":")
		kind, err := kindByName(name)
		if err != nil {
			return nil, err
		}
		if !leveled {
			add(kind)
			continue
		}
		n, err := kind.parseLevel(level)
		if err != nil {
			return nil, err
		}
		out = append(out, wish{kind, n})
	}
	return out, nil
}

// Where defects lie in a clip: pictures and sound are clean before, so that
// detectors know what is usual, and after.
const (
	setLead = 1.0 // seconds
	setTail = 0.5
)

// setSeconds is how long a defect lasts in a set: a little more than what the
// detector of it is meant to need, and more.
func setSeconds(k Kind, p Params, fps float64) (least, most float64) {
	if k.pictures != nil {
		if n := k.pictures(p); n > 0 {
			return float64(n) / fps, float64(n) / fps
		}
	}
	switch k.Name {
	case "black", "color_bars", "solid_color":
		return 0.8, 2
	case "dark", "overexposed", "brightness", "silence", "dc_offset":
		return 2.5, 3.5
	case "phase", "dead_channel", "level", "av_timestamps":
		return 3, 4
	case "hum":
		return 5.5, 7
	}
	return 1.5, 2.5
}

// clipPlan is a clip that was looked at.
type clipPlan struct {
	clip SetClip
	look look
}

// fits says why a kind cannot be put into a clip; "" where it can.
func (c clipPlan) fits(w wish, params Params) string {
	m := c.look.media
	switch {
	case (w.kind.Medium == Pictures || w.kind.Medium == Payload) && m.Picture == nil:
		return "no pictures"
	case w.kind.Medium == Sound && m.Sound == nil:
		return "no sound"
	case w.kind.Medium == Timestamps && (m.Sound == nil || m.Picture == nil):
		return "not both sound and pictures"
	case w.kind.Name == "av_offset" && m.Picture == nil:
		return "no pictures for the sound to be late to"
	case w.kind.Name == "phase" && m.Sound.Channels < 2 || w.kind.Name == "dead_channel" && m.Sound.Channels < 2:
		return "the sound is mono"
	case w.kind.Name == "flash" && 2*params["rate"] > m.Picture.Rate.FPS():
		return "too few pictures a second to flash that often"
	}
	return ""
}

// needsMotion tells whether a defect shows only where something moves.
func needsMotion(k Kind) bool {
	return slices.Contains([]string{"freeze", "stutter", "frame_drop", "combing"}, k.Name)
}

// leastAudible is the share of its stretch in which a defect of sound must be heard.
// Sound that is late shows by what begins, and beeps are mostly silence.
func leastAudible(k Kind) float64 {
	if k.Name == "av_offset" {
		return 0.03
	}
	return 0.8
}

// place draws a stretch for a wish; false where the clip has none that is fit.
func (c clipPlan) place(w wish, p Params, rng *rand.Rand) (spec Spec, ok bool) {
	fps := 25.0
	if c.look.media.Picture != nil {
		fps = c.look.media.Picture.Rate.FPS()
	}
	const tries = 60
	for range tries {
		least, most := setSeconds(w.kind, p, fps)
		length := least + (most-least)*rng.Float64()
		if w.kind.Name == "av_offset" { // it takes as many events as there can be to tell
			length = max(3, min(12, c.clip.Length-setLead-setTail-0.5))
		}
		room := c.clip.Length - setLead - setTail - length
		if room < 0 {
			continue
		}
		start := setLead + room*rng.Float64()
		if needsMotion(w.kind) && c.look.lively(start-0.3, length+0.6) < 0.8 ||
			w.kind.Medium == Sound && c.look.audible(start, length) < leastAudible(w.kind) {
			continue
		}
		text := fmt.Sprintf("%s@%.3f", w, start)
		if w.level > 0 {
			text = fmt.Sprintf("%s:level=%d@%.3f", w.kind.Name, w.level, start)
		}
		if w.kind.pictures == nil || w.kind.pictures(p) == 0 {
			text += fmt.Sprintf("-%.3f", start+length)
		}
		if spec, err := ParseSpec(text); err == nil {
			return spec, true
		}
	}
	return Spec{}, false
}

// planSet decides on all items. It is the same for the same clips, kinds and
// seed, and what one kind gets does not depend on the others.
func (p SetPlan) planSet(ctx context.Context, t Tools, clips []clipPlan) (Set, []string, error) {
	wishes, err := p.wishes()
	if err != nil {
		return Set{}, nil, err
	}
	set := Set{Version: SetVersion, Options: p.SetShape}
	var leftOut []string
	used := map[string]bool{}
	add := func(i SetItem) {
		if !used[i.ID] {
			used[i.ID] = true
			set.Items = append(set.Items, i)
		}
	}
	for _, c := range clips {
		set.Clips = append(set.Clips, c.clip)
		add(p.control(c.clip, Spec{}))
	}
	for _, w := range wishes {
		items, why, err := p.itemsOf(ctx, t, w, clips)
		if err != nil {
			return Set{}, nil, err
		}
		if len(items) == 0 {
			leftOut = append(leftOut, fmt.Sprintf("%s: %s", w, why))
		}
		for _, pair := range items {
			add(pair[0])
			add(pair[1])
		}
	}
	return set, leftOut, set.Validate()
}

// itemsOf makes the items of one kind at one level, each with its control; why
// says why there are none.
func (p SetPlan) itemsOf(ctx context.Context, t Tools, w wish, clips []clipPlan) (pairs [][2]SetItem, why string, err error) {
	params := Params{}
	for _, q := range w.kind.Params {
		params[q.Name] = q.Default
	}
	if w.level > 0 {
		for k, v := range w.kind.Levels[w.level-1] {
			params[k] = v
		}
	}
	reasons := map[string]int{}
	checked := false
	for _, c := range p.order(w, clips) {
		if p.PerLevel > 0 && len(pairs) >= p.PerLevel {
			break
		}
		if reason := c.fits(w, params); reason != "" {
			reasons[reason]++
			continue
		}
		seed := seedOf(p.Seed, c.clip.SHA256, w.String())
		spec, ok := c.place(w, params, rand.New(rand.NewPCG(seed, 7)))
		if !ok {
			reasons["too short, or nothing moves or sounds there"]++
			continue
		}
		if !checked {
			if err := p.canMake(ctx, t, c, spec); err != nil {
				return nil, err.Error(), ctx.Err()
			}
			checked = true
		}
		pairs = append(pairs, p.pair(c.clip, w, spec, seed))
	}
	return pairs, told(reasons), nil
}

// canMake tries what depends on the encoders that are here.
func (p SetPlan) canMake(ctx context.Context, t Tools, c clipPlan, spec Spec) error {
	job, err := Set{Options: p.SetShape, Clips: []SetClip{c.clip}}.job("", SetItem{Clip: c.clip.ID, Kind: spec.Kind.Name, Spec: spec.String(), Media: "x" + p.Container})
	if err != nil {
		return err
	}
	r := &run{tools: t, job: job}
	if r.encoding, err = chooseEncoding(ctx, t, job, c.look.media); err != nil {
		return err
	}
	if spec.Kind.Name == "compression" {
		_, _, err = r.coarseEncoder(ctx, spec.Params)
	}
	return err
}

func told(reasons map[string]int) string {
	var out []string
	for why, n := range reasons {
		out = append(out, fmt.Sprintf("%s (%d clips)", why, n))
	}
	slices.Sort(out)
	if out == nil {
		return "there are no clips"
	}
	return strings.Join(out, ", ")
}

// order goes through the groups in turn, in an order that the seed draws for
// each kind and level.
func (p SetPlan) order(w wish, clips []clipPlan) []clipPlan {
	rank := func(c clipPlan) uint64 { return seedOf(p.Seed, c.clip.SHA256, "order/"+w.String()) }
	mixed := slices.Clone(clips)
	slices.SortFunc(mixed, func(a, b clipPlan) int {
		if rank(a) < rank(b) {
			return -1
		}
		return 1
	})
	turn := map[string]int{}
	type place struct{ turn, at int }
	places := map[string]place{}
	for i, c := range mixed {
		places[c.clip.ID] = place{turn[c.clip.Group], i}
		turn[c.clip.Group]++
	}
	slices.SortFunc(mixed, func(a, b clipPlan) int {
		pa, pb := places[a.clip.ID], places[b.clip.ID]
		if pa.turn != pb.turn {
			return pa.turn - pb.turn
		}
		return pa.at - pb.at
	})
	return mixed
}

func (p SetPlan) pair(c SetClip, w wish, spec Spec, seed uint64) [2]SetItem {
	control := p.control(c, spec)
	id := c.ID + "-" + strings.ReplaceAll(w.String(), ":", "-")
	return [2]SetItem{control, {ID: id, Clip: c.ID, Kind: w.kind.Name, Level: w.level, Spec: spec.String(), Control: control.ID,
		Media: "items/" + id + p.Container, Truth: "items/" + id + ".json", Seed: seed}}
}

// control is the clean twin of items that are encoded alike.
func (p SetPlan) control(c SetClip, spec Spec) SetItem {
	id, wanted := c.ID+"-clean", ""
	if spec.Kind.slices != nil {
		id, wanted = fmt.Sprintf("%s-%d", id, spec.Kind.slices(spec.Params)), spec.String()
	}
	return SetItem{ID: id, Clip: c.ID, Spec: wanted, Media: "items/" + id + p.Container, Truth: "items/" + id + ".json", Seed: p.Seed}
}

func seedOf(seed uint64, words ...string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s", seed, strings.Join(words, "/"))
	return h.Sum64()
}

// check refuses plans that cannot be.
func (p SetPlan) check() error {
	known := slices.ContainsFunc(containers(), func(c container) bool { return c.extension == p.Container })
	switch {
	case len(p.Clips) == 0:
		return errors.New("name clips, folders of clips, or lists of them")
	case !known:
		return fmt.Errorf("%q is no extension of a container here", p.Container)
	case p.PerLevel < 0 || p.MaxHeight < 0:
		return errors.New("a number cannot be negative")
	case !(p.Seconds >= 3):
		return fmt.Errorf("%v s of a clip are too few: 3 are the least", p.Seconds)
	}
	_, err := p.wishes()
	return err
}
