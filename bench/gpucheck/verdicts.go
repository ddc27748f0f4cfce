package gpucheck

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// How far the score of a network on a GPU may be from the CPU's, in 0..1. Closed forms
// must be equal to the last digit.
const (
	tolerance32 = 0.001
	tolerance16 = 0.02
)

// comparedClip is what the step verdicts finds of a clip and a precision.
type comparedClip struct {
	Clip, Precision         string
	Scores, ScoresDifferent int // of closed forms
	Looks                   int // of networks
	NetworkOff              float64
	Verdicts, VerdictsOff   int
	SamePictures            bool // as the step decode found
}

// verdicts vets the same clips on the CPU and on the GPU.
func (c *check) verdicts(ctx context.Context) error {
	clips, err := c.clipsIn("codecs")
	if err != nil {
		return err
	}
	reference := map[string]*findings{}
	if err := c.vetAll(ctx, where{name: "CPU", cpu: true}, clips, func(clip string, f *findings) { reference[clip] = f }); err != nil {
		return err
	}
	var all []comparedClip
	for _, w := range []where{{name: "32 bits", fullPrecision: true}, {name: "16 bits"}} {
		err := c.vetAll(ctx, w, clips, func(clip string, f *findings) {
			if reference[clip] != nil {
				all = append(all, c.compare(clip, w, reference[clip], f))
			}
		})
		if err != nil {
			return err
		}
		c.table(all)
	}
	return nil
}

// vetAll vets all clips in one engine, side by side.
func (c *check) vetAll(ctx context.Context, w where, clips []string, found func(string, *findings)) (err error) {
	e, err := c.openEngine(w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	networks, err := networkNames()
	if err != nil {
		return err
	}
	all, errs := make([]*findings, len(clips)), make([]error, len(clips))
	var group sync.WaitGroup
	places := make(chan struct{}, runtime.NumCPU())
	for i, clip := range clips {
		all[i] = &findings{networks: networks, scores: map[string][]verdict.Score{}}
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			s, err := e.Add(ctx, engine.SourceConfig{URL: clip, Name: filepath.Base(clip), Sink: all[i]})
			if err == nil {
				_, err = s.Wait()
			}
			errs[i] = err
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i, clip := range clips {
		if errs[i] != nil {
			c.fail("%s on the %s: %v", filepath.Base(clip), w.name, errs[i])
			continue
		}
		found(clip, all[i])
	}
	return nil
}

func networkNames() ([]string, error) {
	set, err := models.Default()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range set.Detectors() {
		if d.Network != nil {
			names = append(names, d.Name)
		}
	}
	return names, nil
}

// findings collects what comes out of a source.
type findings struct {
	networks []string

	mu       sync.Mutex
	scores   map[string][]verdict.Score // by track, detector and defect, in time order
	verdicts []string
}

func (f *findings) Verdict(v *streamvetv1.Verdict) {
	if v.State != streamvetv1.State_STATE_CLEARED {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.verdicts = append(f.verdicts, fmt.Sprintf("%s by %s, track %d, %v to %v", v.Defect, v.Detector, v.Track,
		v.Start.AsDuration().Round(time.Millisecond), v.End.AsDuration().Round(time.Millisecond)))
}

func (f *findings) Scores(track int, scores []verdict.Score) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range scores {
		if s.Region != nil {
			region := *s.Region
			s.Region = &region
		}
		key := fmt.Sprintf("%d/%s/%s", track, s.Detector, s.Defect)
		f.scores[key] = append(f.scores[key], s)
	}
}

func (f *findings) Waveform(int, []sound.Peak) {}

// compare says how the findings on the GPU differ from those on the CPU.
func (c *check) compare(clip string, w where, want, got *findings) comparedClip {
	r := comparedClip{Clip: filepath.Base(clip), Precision: w.name, SamePictures: c.samePictures(filepath.Base(clip))}
	var examples []string
	for _, key := range keys(want.scores, got.scores) {
		a, b := want.scores[key], got.scores[key]
		network := slices.Contains(want.networks, strings.Split(key, "/")[1])
		if network {
			r.Looks += len(a)
			r.NetworkOff = max(r.NetworkOff, off(a, b))
			continue
		}
		r.Scores += len(a)
		if n, at := unequal(a, b); n > 0 {
			r.ScoresDifferent += n
			examples = append(examples, fmt.Sprintf("%s: %d of %d, the first %s", key, n, len(a), at))
		}
	}
	slices.Sort(want.verdicts)
	slices.Sort(got.verdicts)
	r.Verdicts = len(want.verdicts)
	lost, gained := without(want.verdicts, got.verdicts), without(got.verdicts, want.verdicts)
	r.VerdictsOff = len(lost) + len(gained)
	limit := tolerance32
	if !w.fullPrecision {
		limit = tolerance16
	}
	same := r.ScoresDifferent == 0 && r.NetworkOff <= limit && r.VerdictsOff == 0
	text := fmt.Sprintf("%s, networks at %s: %d of %d scores of closed forms equal; %d looks of networks, off by %.2g at most (%g allowed); %d verdicts, %d different",
		r.Clip, w.name, r.Scores-r.ScoresDifferent, r.Scores, r.Looks, r.NetworkOff, limit, r.Verdicts, r.VerdictsOff)
	if !same && !r.SamePictures && c.playsPatterns() {
		c.note("%s: the pictures were not the same (step decode)", text)
		return r
	}
	text += list("scores differ", examples) + list("only on the CPU", lost) + list("only on the GPU", gained)
	if !same && !r.SamePictures {
		c.note("the pictures were not the same (step decode): %s", text)
	} else {
		c.must(same, "%s", text)
	}
	return r
}

// list puts what is to be told on lines of its own, but not more than a few.
func list(what string, all []string) (text string) {
	const most = 6
	for i, line := range all {
		if i == most {
			return text + fmt.Sprintf("\n%s: %d more", what, len(all)-most)
		}
		text += "\n" + what + ": " + line
	}
	return text
}

// samePictures tells what the step decode found; true where it did not run.
func (c *check) samePictures(clip string) bool {
	var decoded []decodedClip
	c.Before.data("decode", &decoded)
	for _, d := range decoded {
		if d.Clip == clip {
			return d.Different == 0
		}
	}
	return true
}

// unequal counts the scores that are not the same, and says where the first is.
func unequal(a, b []verdict.Score) (n int, first string) {
	for i := range max(len(a), len(b)) {
		if i < len(a) && i < len(b) && equalScores(a[i], b[i]) {
			continue
		}
		if n++; n > 1 {
			continue
		}
		switch {
		case i >= len(b):
			first = fmt.Sprintf("at %v is missing", a[i].PTS)
		case i >= len(a):
			first = fmt.Sprintf("at %v is one too many", b[i].PTS)
		default:
			first = fmt.Sprintf("at %v: %v (%v) on the CPU, %v (%v) on the GPU", a[i].PTS, a[i].Value, a[i].Reading, b[i].Value, b[i].Reading)
		}
	}
	return n, first
}

func equalScores(a, b verdict.Score) bool {
	regions := (a.Region == nil) == (b.Region == nil) && (a.Region == nil || *a.Region == *b.Region)
	number := func(x, y float64) bool { return x == y || x != x && y != y }
	return regions && a.PTS == b.PTS && a.Duration == b.Duration && number(a.Value, b.Value) && number(a.Reading, b.Reading)
}

// off is how far the values of two lists are apart at most; 1 where one has other looks.
func off(a, b []verdict.Score) float64 {
	if len(a) != len(b) {
		return 1
	}
	most := 0.0
	for i := range a {
		if a[i].PTS != b[i].PTS {
			return 1
		}
		most = max(most, math.Abs(a[i].Value-b[i].Value))
	}
	return most
}

// keys are those of both maps, sorted.
func keys(a, b map[string][]verdict.Score) []string {
	var all []string
	for k := range a {
		all = append(all, k)
	}
	for k := range b {
		all = append(all, k)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// without gives what of a sorted list is not in another, counting repetitions.
func without(a, b []string) (rest []string) {
	b = slices.Clone(b)
	for _, s := range a {
		if i, ok := slices.BinarySearch(b, s); ok {
			b = slices.Delete(b, i, i+1)
		} else {
			rest = append(rest, s)
		}
	}
	return rest
}

// sorted joins names in order.
func sorted(names []string) string {
	slices.Sort(names)
	return strings.Join(names, ", ")
}
