package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/eval"
	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// evaluation is one run of the command over all its items.
type evaluation struct {
	options   evalOptions
	detectors []detector
	items     []eval.Item
	stderr    io.Writer

	engine  *engine.Engine
	outputs []eval.Output
	cache   *evalCache
}

// measure vets all items and adds them up. Items that could not be measured are
// in no number; what was wrong with them is told apart.
func (e *evaluation) measure(ctx context.Context) (r eval.Report, troubles []error, err error) {
	if e.cache, err = openEvalCache(e.options.cache, e.detectors); err != nil {
		return r, nil, err
	}
	threads := 1
	if e.options.parallel == 1 {
		threads = 0
	}
	e.engine, err = engine.Open(engine.Config{Detectors: e.detectors, Device: e.options.device, ORTLibrary: findORT(), DecoderThreads: threads, Logger: logger(e.stderr, e.options.verbose)})
	if err != nil {
		return r, nil, err
	}
	e.outputs = outputsOf(e.detectors)
	sum := eval.NewSummary(e.outputs)
	troubles, err = e.vetAll(ctx, sum)
	if err := errors.Join(err, e.engine.Close()); err != nil {
		return r, nil, err
	}
	return sum.Report(e.options.draws), troubles, nil
}

// outputsOf lists what detectors say; freeze and stutter also as one.
func outputsOf(detectors []detector) []eval.Output {
	var out []eval.Output
	members := 0
	repeats := eval.RepeatsOutput()
	for _, d := range detectors {
		for _, o := range d.Outputs {
			out = append(out, eval.Output{Detector: d.Name, Defect: o.Defect, Sampled: samples(d)})
			if slices.Contains(repeats.Members, o.Defect) {
				members++
			}
		}
	}
	if members == len(repeats.Members) {
		out = append(out, repeats)
	}
	return out
}

// samples tells whether a detector looks at some pictures only. A network that
// hears sound hears all of it.
func samples(d detector) bool { return d.Network != nil && d.Input == "picture" }

// vetAll vets the items side by side and adds them to the summary in their order,
// so that the same items make the same report.
func (e *evaluation) vetAll(ctx context.Context, sum *eval.Summary) ([]error, error) {
	line := &resultLine{items: e.items, results: map[int]*eval.Result{}, sum: sum}
	meter := newItemMeter(e.stderr, e.options.quiet)
	next := make(chan int)
	var group sync.WaitGroup
	for range min(e.options.parallel, len(e.items)) {
		group.Go(func() {
			for n := range next {
				r, err := e.one(ctx, e.items[n])
				if ctx.Err() == nil {
					line.add(n, r, err, func(done int) { meter.show("measure", done, len(e.items), stemOf(e.items[n].Media)) })
				}
			}
		})
	}
feed:
	for n := range e.items {
		select {
		case next <- n:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	group.Wait()
	meter.clear()
	return line.troubles, context.Cause(ctx)
}

// resultLine puts results back into the order of their items. It keeps those that
// came before their turn.
type resultLine struct {
	mu       sync.Mutex
	items    []eval.Item
	results  map[int]*eval.Result // nil: it could not be measured
	turn     int                  // item that is added next
	done     int
	sum      *eval.Summary
	troubles []error
}

func (l *resultLine) add(n int, r eval.Result, err error, tell func(done int)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.results[n] = &r
	if err != nil {
		l.results[n] = nil
		l.troubles = append(l.troubles, fmt.Errorf("%s: %w", l.items[n].ID, err))
	}
	for {
		r, there := l.results[l.turn]
		if !there {
			break
		}
		if r != nil {
			l.sum.Add(l.items[l.turn], *r)
		}
		delete(l.results, l.turn)
		l.turn++
	}
	l.done++
	tell(l.done)
}

// one gives the result of an item, from the cache where it is there.
func (e *evaluation) one(ctx context.Context, i eval.Item) (eval.Result, error) {
	key, r, ok, err := e.cache.find(i)
	if err != nil || ok {
		return r, err
	}
	if r, err = e.vet(ctx, i); err != nil {
		return r, err
	}
	return r, e.cache.keep(key, r)
}

func (e *evaluation) vet(ctx context.Context, i eval.Item) (eval.Result, error) {
	s := &evalSink{ready: make(chan struct{})}
	source, err := e.engine.Add(ctx, engine.SourceConfig{URL: i.Media, Name: "item", Sink: s, StallTimeout: e.options.timeout})
	if err != nil {
		return eval.Result{}, err
	}
	facts := factsOf(source.Info())
	if i.Truth.Version > 0 { // there is a truth
		err = i.Truth.Fit(facts)
	}
	tracks := tracksOf(facts, i.Truth)
	s.meter = eval.NewMeter(i.Truth, tracks, e.outputs)
	close(s.ready)
	if err != nil {
		source.Stop()
	}
	sum, waitErr := source.Wait()
	switch {
	case err != nil:
		return eval.Result{}, err
	case waitErr != nil:
		return eval.Result{}, waitErr
	case sum.Stopped:
		return eval.Result{}, context.Cause(ctx)
	}
	r := eval.Result{Seconds: sum.Position.Seconds(), Tracks: tracks, Verdicts: s.verdicts}
	length := sum.Position
	if i.Truth.Duration > 0 {
		length = min(length, time.Duration(i.Truth.Duration*1e9))
	}
	r.Scores, r.Peaks = s.meter.Close(length)
	return r, nil
}

// tracksOf takes the rate of pictures from the truth, else from the file, else 25 a second.
func tracksOf(f inject.Facts, t inject.Truth) eval.Tracks {
	out := eval.Tracks{Sound: f.SampleRate > 0}
	rate := inject.Rate{Num: 25, Den: 1}
	switch {
	case f.Width == 0:
		return out
	case t.Frames > 0:
		rate = t.Rate()
	case f.Rate.Valid():
		rate = f.Rate
	}
	out.Interval = time.Duration(rate.Seconds(1) * 1e9)
	return out
}

// factsOf is what a truth is held against.
func factsOf(info media.Info) inject.Facts {
	f := inject.Facts{Duration: info.Duration.Seconds()}
	for _, t := range info.Tracks {
		switch {
		case t.Kind == media.KindVideo && !t.Cover && f.Width == 0:
			f.Width, f.Height = t.Width, t.Height
			f.Rate = inject.Rate{Num: int64(t.FrameRateNum), Den: int64(t.FrameRateDen)}
			if t.Rotation%180 != 0 {
				f.Width, f.Height = f.Height, f.Width
			}
		case t.Kind == media.KindAudio && f.SampleRate == 0:
			f.SampleRate, f.Channels = t.SampleRate, t.Channels
		}
	}
	return f
}

// evalSink feeds the meter of one item. The first scores may come before the meter
// is made: they wait for it.
type evalSink struct {
	ready    chan struct{}
	meter    *eval.Meter
	verdicts []verdict.Verdict
}

// Verdict implements engine.Sink.
func (s *evalSink) Verdict(v *streamvetv1.Verdict) {
	if v.State != streamvetv1.State_STATE_CLEARED {
		return
	}
	found := engine.FromRecord(v)
	found.Number = len(s.verdicts) + 1
	s.verdicts = append(s.verdicts, found)
}

// Scores implements engine.Sink.
func (s *evalSink) Scores(track int, scores []verdict.Score) {
	<-s.ready
	s.meter.Scores(track, scores)
}

// Waveform implements engine.Sink.
func (s *evalSink) Waveform(int, []sound.Peak) {}
