package engine

import (
	"context"
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// outage makes a verdict of the time in which a supervised source is not
// connected, by the rule of the detector of stalls: nobody else could. It belongs to
// the epoch that was lost. Its methods are not called at the same time.
type outage struct {
	engine *Engine
	config *SourceConfig // of the epoch at hand
	epoch  int
	since  time.Time // zero: there is none
	open   bool
	v      verdict.Verdict
}

// begin notes since when nothing comes from the source, where its timeline had come
// to position. What has begun already goes on.
func (o *outage) begin(since time.Time, position time.Duration) {
	if !o.since.IsZero() {
		return
	}
	o.since, o.epoch = since, o.config.Epoch
	o.v = verdict.Verdict{
		Source: o.config.Name, Defect: verdict.Stall, Number: 1,
		Start: position, End: position, Peak: 1, PeakAt: position,
	}
}

// sleep waits, and tells of the outage when it has lasted long enough. It is
// false when ctx ended.
func (o *outage) sleep(ctx context.Context, wait time.Duration) bool {
	d, patience := o.detector()
	wake := time.Now().Add(wait)
	if raise := o.since.Add(patience); d != nil && !o.open && raise.Before(wake) {
		if !sleepUntil(ctx, raise) {
			return false
		}
		o.open, o.v.Detector = true, d.Name
		o.tell(verdict.Raised, time.Now())
	}
	return sleepUntil(ctx, wake)
}

func sleepUntil(ctx context.Context, at time.Time) bool {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// end notes that something comes again, or that nobody waits for it any more.
func (o *outage) end(now time.Time) {
	if o.open {
		o.tell(verdict.Cleared, now)
	}
	o.since, o.open = time.Time{}, false
}

func (o *outage) tell(s verdict.State, now time.Time) {
	d, _ := o.detector()
	if d == nil { // it was unloaded meanwhile
		d = &models.Detector{}
	}
	o.v.State, o.v.Severity = s, verdict.Critical
	o.v.End = o.v.Start + now.Sub(o.since)
	o.v.Reading = now.Sub(o.since).Seconds()
	r := newScribe([]models.Detector{*d}).record(o.v)
	r.Id, r.Epoch = epochID(o.epoch, "outage"), uint32(o.epoch)
	o.config.Sink.Verdict(r)
}

// detector is the one for stalls, and how long it bears silence; nil where the
// source does not run it.
func (o *outage) detector() (*models.Detector, time.Duration) {
	o.engine.mu.Lock()
	l, err := o.engine.lineup.choose(o.config.Selection.among(o.engine.lineup.detectors))
	o.engine.mu.Unlock()
	if err != nil {
		return nil, 0
	}
	clock, err := measure.NewClock(l.clockForms)
	if err != nil { // the lineup has made them before
		return nil, 0
	}
	name, patience := clock.Patience()
	i := slices.IndexFunc(l.detectors, func(d models.Detector) bool { return d.Name == name })
	if i < 0 {
		return nil, 0
	}
	return &l.detectors[i], patience
}

// firstFrame is the sink of an epoch. The first thing that comes through it ends
// the outage before.
type firstFrame struct {
	Sink
	outage *outage
	came   bool
}

func (f *firstFrame) first() {
	if !f.came {
		f.came = true
		f.outage.end(time.Now())
	}
}

func (f *firstFrame) Scores(track int, s []verdict.Score) {
	f.first()
	f.Sink.Scores(track, s)
}

func (f *firstFrame) Waveform(track int, p []sound.Peak) {
	f.first()
	f.Sink.Waveform(track, p)
}

func (f *firstFrame) Shadow(v *streamvetv1.Verdict) {
	if s, ok := f.Sink.(ShadowSink); ok {
		s.Shadow(v)
	}
}

func (f *firstFrame) ShadowScores(track int, scores []verdict.Score) {
	if s, ok := f.Sink.(ShadowScoreSink); ok {
		s.ShadowScores(track, scores)
	}
}
