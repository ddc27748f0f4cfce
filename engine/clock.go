package engine

import (
	"sync/atomic"
	"time"

	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
)

// spent adds up the time of one stage.
type spent struct{ nanos atomic.Int64 }

func (s *spent) add(d time.Duration)  { s.nanos.Add(int64(d)) }
func (s *spent) total() time.Duration { return time.Duration(s.nanos.Load()) }

// clock counts what a source has done. Written by its goroutines, read by anyone.
type clock struct {
	frames   atomic.Int64
	looks    atomic.Int64 // pictures given to networks
	at       atomic.Int64 // furthest media time of any track, ns
	decode   spent        // waiting for a picture: demuxing and decoding
	measure  spent        // kernels that measure
	prepare  spent        // kernels that fill tensors, evidence included
	score    spent        // closed forms and trackers
	wait     spent        // for a free slot
	sound    spent
	networks spent // inference, this source's share
}

func (c *clock) position(t time.Duration) {
	for {
		at := c.at.Load()
		if int64(t) <= at || c.at.CompareAndSwap(at, int64(t)) {
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

// Summary is what became of a source.
type Summary struct {
	Progress
	Info     media.Info
	Stopped  bool // ended early, by Stop or its context
	ByDefect map[verdict.Defect]int
	Stages   Stages
}

// Stages is where the time of a source went, wall time in our own goroutines.
// Decoder threads of FFmpeg run beside them.
type Stages struct {
	Decode   time.Duration // waiting for pictures
	Measure  time.Duration
	Prepare  time.Duration
	Score    time.Duration
	SlotWait time.Duration
	Sound    time.Duration
	Networks time.Duration
	Looks    int64 // pictures that networks looked at
}

func (s *Source) summary() Summary {
	_, _, byDefect := s.judge.counts()
	c := &s.clock
	return Summary{
		Progress: s.Progress(), Info: s.Info(), Stopped: s.stopped, ByDefect: byDefect,
		Stages: Stages{
			Decode: c.decode.total(), Measure: c.measure.total(), Prepare: c.prepare.total(), Score: c.score.total(),
			SlotWait: c.wait.total(), Sound: c.sound.total(), Networks: c.networks.total(), Looks: c.looks.Load(),
		},
	}
}
