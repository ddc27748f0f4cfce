package api

import (
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// defaultTally is how often a tally is told.
const defaultTally = 10 * time.Second

func (s *detectors) CompareShadow(r *streamvetv1.CompareShadowRequest, stream grpc.ServerStreamingServer[streamvetv1.CompareShadowResponse]) error {
	leave, err := enter(&s.watchers, s.Limits.Watchers, "calls that watch")
	if err != nil {
		return err
	}
	defer leave()
	c, over, err := s.comparison(r)
	if err != nil {
		return err
	}
	defer s.Registry.LookOn(c)()
	every := r.GetTallyEvery().AsDuration()
	if every <= 0 {
		every = defaultTally
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-c.wake:
			err = sendEach(stream, c.take())
		case <-tick.C:
			err = stream.Send(c.tally())
		case <-over:
			c.decide("")
			if err = sendEach(stream, c.take()); err == nil {
				err = stream.Send(c.tally())
			}
			return err
		case <-s.ending:
			return shutdown()
		case <-stream.Context().Done():
			return s.failed(stream.Context(), stream.Context().Err())
		}
		if err != nil {
			return err
		}
	}
}

func sendEach(stream grpc.ServerStreamingServer[streamvetv1.CompareShadowResponse], all []*streamvetv1.CompareShadowResponse) error {
	for _, one := range all {
		if err := stream.Send(one); err != nil {
			return err
		}
	}
	return nil
}

// comparison begins one, if the detector has a shadow; over is closed when that goes.
func (s *detectors) comparison(r *streamvetv1.CompareShadowRequest) (c *comparison, over <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, j := indexOf(s.loaded, r.GetName()), indexOf(s.shadows, r.GetName())
	switch {
	case i < 0:
		return nil, nil, unknownDetector(r.GetName())
	case j < 0:
		return nil, nil, noShadow(r.GetName())
	}
	c = &comparison{
		detector: r.GetName(), sources: r.GetSources(), wake: make(chan struct{}, 1),
		scores: map[place]map[time.Duration]half{}, verdicts: map[place]*[2][]*interval{}, now: map[track]time.Duration{},
		counts: streamvetv1.ShadowTally{CurrentVersion: s.loaded[i].Version, ShadowVersion: s.shadows[j].Version},
	}
	return c, s.shadows[j].over, nil
}

// comparison looks on as a detector and its shadow see the same pictures.
type comparison struct {
	detector string
	sources  []string // empty: all
	wake     chan struct{}

	mu       sync.Mutex
	counts   streamvetv1.ShadowTally
	seen     time.Duration
	sum      float64 // of absolute differences
	scores   map[place]map[time.Duration]half
	verdicts map[place]*[2][]*interval // of the detector, and of its shadow
	now      map[track]time.Duration
	found    []*streamvetv1.CompareShadowResponse
}

// track is one of a source, place what is found there.
type track struct {
	source string
	number int
}
type place struct {
	track
	defect string
}

// half is a score whose counterpart has not come yet.
type half struct {
	shadow bool
	value  float64
}

// interval is a verdict, open or cleared.
type interval struct {
	id         string
	start, end time.Duration
	cleared    *streamvetv1.Verdict // nil while it is open
	met        bool                 // one of the other overlaps it
}

const (
	// grace is how much media time the other has to find what one has found.
	grace = 10 * time.Second
	// What is kept of one place; what is older is decided, or forgotten.
	maxHalves    = 1024
	maxIntervals = 256
	maxFound     = 1024
)

func (c *comparison) wants(source string) bool {
	return len(c.sources) == 0 || slices.Contains(c.sources, source)
}

// Scores implements registry.Onlooker.
func (c *comparison) Scores(source string, number int, shadow bool, scores []verdict.Score) {
	if !c.wants(source) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range scores {
		if s.Detector != c.detector {
			continue
		}
		at := place{track{source, number}, string(s.Defect)}
		c.score(at, s, shadow)
		if end := s.PTS + s.Duration; end > c.now[at.track] {
			c.now[at.track] = end
			c.settle(at.track, end-grace)
		}
	}
}

// score pairs what both say of the same stretch.
func (c *comparison) score(at place, s verdict.Score, shadow bool) {
	halves := c.scores[at]
	if halves == nil {
		halves = map[time.Duration]half{}
		c.scores[at] = halves
	}
	other, ok := halves[s.PTS]
	if !ok || other.shadow == shadow {
		if len(halves) == maxHalves {
			clear(halves)
		}
		halves[s.PTS] = half{shadow, s.Value}
		return
	}
	delete(halves, s.PTS)
	difference := max(s.Value-other.value, other.value-s.Value)
	c.counts.Scores++
	c.sum += difference
	c.counts.MaxDifference = max(c.counts.MaxDifference, difference)
	if c.isFirst(at) {
		c.seen += s.Duration
	}
}

// isFirst tells whether a place stands for its track: a detector may score several
// defects of the same stretch.
func (c *comparison) isFirst(at place) bool {
	for other := range c.scores {
		if other.track == at.track && other.defect < at.defect {
			return false
		}
	}
	return true
}

// Verdict implements registry.Onlooker.
func (c *comparison) Verdict(v *streamvetv1.Verdict, shadow bool) {
	if v.GetDetector() != c.detector || !c.wants(v.GetSource()) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := place{track{v.GetSource(), int(v.GetTrack())}, v.GetDefect()}
	sides := c.verdicts[at]
	if sides == nil {
		sides = new([2][]*interval)
		c.verdicts[at] = sides
	}
	mine, others := &sides[0], sides[1]
	if shadow {
		mine, others = &sides[1], sides[0]
	}
	i := slices.IndexFunc(*mine, func(one *interval) bool { return one.id == v.GetId() })
	if i < 0 {
		if len(*mine) == maxIntervals {
			*mine = (*mine)[1:]
		}
		*mine = append(*mine, &interval{id: v.GetId()})
		i = len(*mine) - 1
	}
	one := (*mine)[i]
	one.start, one.end = v.GetStart().AsDuration(), v.GetEnd().AsDuration()
	if v.GetState() == streamvetv1.State_STATE_CLEARED {
		one.cleared = v
	}
	for _, other := range others {
		if one.overlaps(other) && !(one.met && other.met) {
			one.met, other.met = true, true
			c.counts.Both++
		}
	}
}

// overlaps tells whether two verdicts have time in common, as far as is known: an
// open one goes on.
func (i *interval) overlaps(o *interval) bool {
	return (i.start < o.end || o.cleared == nil) && (o.start < i.end || i.cleared == nil)
}

// settle decides the verdicts of a track that have ended before a time.
func (c *comparison) settle(t track, before time.Duration) {
	for at, sides := range c.verdicts {
		if at.track != t {
			continue
		}
		for side := range sides {
			sides[side] = slices.DeleteFunc(sides[side], func(one *interval) bool {
				done := one.cleared != nil && one.end < before
				if done && !one.met {
					c.tellAlone(one.cleared, side == 1)
				}
				return done
			})
		}
	}
}

func (c *comparison) tellAlone(v *streamvetv1.Verdict, shadow bool) {
	r := &streamvetv1.CompareShadowResponse{Event: &streamvetv1.CompareShadowResponse_OnlyCurrent{OnlyCurrent: v}}
	c.counts.OnlyCurrent++
	if shadow {
		r.Event = &streamvetv1.CompareShadowResponse_OnlyShadow{OnlyShadow: v}
		c.counts.OnlyCurrent--
		c.counts.OnlyShadow++
	}
	if len(c.found) < maxFound { // a client that does not read has the tally
		c.found = append(c.found, r)
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Over implements registry.Onlooker.
func (c *comparison) Over(source string) {
	if c.wants(source) {
		c.decide(source)
	}
}

// decide decides all that is open of a source whose time begins anew, or of all.
func (c *comparison) decide(source string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const end = time.Duration(1<<63 - 1)
	for at := range c.verdicts {
		if source == "" || at.source == source {
			c.settle(at.track, end)
			delete(c.verdicts, at)
		}
	}
	for at := range c.scores {
		if source == "" || at.source == source {
			delete(c.scores, at)
		}
	}
	for t := range c.now {
		if source == "" || t.source == source {
			delete(c.now, t)
		}
	}
}

func (c *comparison) take() []*streamvetv1.CompareShadowResponse {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.found
	c.found = nil
	return found
}

func (c *comparison) tally() *streamvetv1.CompareShadowResponse {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &streamvetv1.ShadowTally{
		CurrentVersion: c.counts.CurrentVersion, ShadowVersion: c.counts.ShadowVersion, Seen: durationpb.New(c.seen),
		Scores: c.counts.Scores, MaxDifference: c.counts.MaxDifference,
		Both: c.counts.Both, OnlyCurrent: c.counts.OnlyCurrent, OnlyShadow: c.counts.OnlyShadow,
	}
	if t.Scores > 0 {
		t.MeanDifference = c.sum / float64(t.Scores)
	}
	return &streamvetv1.CompareShadowResponse{Event: &streamvetv1.CompareShadowResponse_Tally{Tally: t}}
}
