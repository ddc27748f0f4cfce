package engine

import (
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
)

// spent adds up the time of one stage.
type spent struct {
	nanos atomic.Int64
	all   *Latency // of all sources
}

func (s *spent) add(d time.Duration) {
	s.nanos.Add(int64(d))
	s.all.Observe(d)
}

func (s *spent) total() time.Duration { return time.Duration(s.nanos.Load()) }

// stopwatch takes the processor time of a piece of work, which other processes
// do not lengthen. The goroutine keeps its thread from start to stop.
type stopwatch time.Duration

func startWatch() stopwatch {
	runtime.LockOSThread()
	return stopwatch(threadTime())
}

func (w stopwatch) stop() time.Duration {
	d := threadTime() - time.Duration(w)
	runtime.UnlockOSThread()
	return d
}

func threadTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// clock counts what a source has done. Written by its goroutines, read by anyone.
type clock struct {
	all      *tally // of the engine
	frames   atomic.Int64
	looks    atomic.Int64 // pictures and windows of sound given to networks
	uploads  atomic.Int64 // pictures that were decoded in software and brought to the GPU
	at       atomic.Int64 // furthest media time of any track, ns
	decode   spent        // waiting for a picture: demuxing and decoding
	measure  spent        // kernels that measure
	prepare  spent        // kernels that fill tensors, evidence included
	score    spent        // closed forms and trackers
	wait     spent        // for a free slot
	sound    spent
	networks spent // inference, this source's share
	latency  Latency
}

// enter lets the engine's tally count too.
func (c *clock) enter(l *tally) {
	c.all = l
	for stage, s := range map[Stage]*spent{
		Decode: &c.decode, Measure: &c.measure, Prepare: &c.prepare, Score: &c.score,
		SlotWait: &c.wait, Sound: &c.sound, Inference: &c.networks,
	} {
		s.all = &l.stages[stage]
	}
}

func (c *clock) frame() {
	c.frames.Add(1)
	c.all.frames.Add(1)
}

func (c *clock) look() {
	c.looks.Add(1)
	c.all.looks.Add(1)
}

func (c *clock) upload() {
	c.uploads.Add(1)
	c.all.uploads.Add(1)
}

func (c *clock) took(d time.Duration) {
	c.latency.Observe(d)
	c.all.latency.Observe(d)
}

func (c *clock) position(t time.Duration) {
	for {
		at := c.at.Load()
		if int64(t) <= at {
			return
		}
		if c.at.CompareAndSwap(at, int64(t)) {
			c.all.media.Add(int64(t) - at)
			return
		}
	}
}

// Progress is how far a source has come.
type Progress struct {
	Position time.Duration // media time
	Frames   int64
	Elapsed  time.Duration // wall time
	Open     int           // verdicts that go on
	Raised   int           // verdicts in all
}

// Silent is how long the source has sent nothing by now, though it was asked.
func (s *Source) Silent() time.Duration { return s.media.Waiting() }

// Progress tells how far the source has come by now.
func (s *Source) Progress() Progress {
	open, raised, _ := s.judge.counts()
	end := time.Now()
	select {
	case <-s.done:
		end = s.ended
	default:
	}
	return Progress{
		Position: time.Duration(s.clock.at.Load()), Frames: s.clock.frames.Load(),
		Elapsed: end.Sub(s.started), Open: open, Raised: raised,
	}
}

// Counts is what a source has done by now.
type Counts struct {
	Position time.Duration // media time
	Frames   int64
	Uploads  int64            // as in Summary
	Drops    map[string]int64 // as in Summary
	Stages   Stages
	Latency  LatencySummary
}

// Counts reads the counters. It waits for nobody: not for the sink either.
func (s *Source) Counts() Counts {
	return Counts{
		Position: time.Duration(s.clock.at.Load()), Frames: s.clock.frames.Load(), Uploads: s.clock.uploads.Load(),
		Drops: s.drops.all(), Stages: s.clock.stages(), Latency: s.clock.latency.Summary(),
	}
}

// Summary is what became of a source.
type Summary struct {
	Progress
	Info     media.Info
	Stopped  bool // ended early, by Stop or its context
	Cut      bool // ended by SourceConfig.Until, before its end
	ByDefect map[verdict.Defect]int
	Stages   Stages
	// Uploads counts the pictures that the GPU's decoder refused, so that they were
	// decoded in software and brought to the GPU.
	Uploads int64
	// Drops counts the pictures and windows of sound that a detector should have been
	// given and had no time for, by detector; of realtime sources only.
	Drops map[string]int64
	// Latency is from a picture out of the decoder to its scores, those of networks
	// included.
	Latency LatencySummary
}

// Stages is where the time of a source went: processor time in our own
// goroutines, but for the two that are waits. FFmpeg's decoder threads run beside them.
type Stages struct {
	Decode   time.Duration // wall time until a picture came
	SlotWait time.Duration // wall time until a slot was free
	Measure  time.Duration // kernels that measure
	Prepare  time.Duration // kernels that fill tensors
	Score    time.Duration // closed forms and trackers of pictures
	Sound    time.Duration // all of sound but decoding
	Networks time.Duration // inference
	Looks    int64         // pictures, and windows of sound, that networks were given
}

func (s *Source) summary() Summary {
	_, _, byDefect := s.judge.counts()
	c := &s.clock
	return Summary{
		Progress: s.Progress(), Info: s.Info(), Stopped: s.stopped, Cut: s.cut.Load(), ByDefect: byDefect,
		Uploads: c.uploads.Load(), Drops: s.drops.all(), Latency: c.latency.Summary(),
		Stages: c.stages(),
	}
}

func (c *clock) stages() Stages {
	return Stages{
		Decode: c.decode.total(), Measure: c.measure.total(), Prepare: c.prepare.total(), Score: c.score.total(),
		SlotWait: c.wait.total(), Sound: c.sound.total(), Networks: c.networks.total(), Looks: c.looks.Load(),
	}
}
