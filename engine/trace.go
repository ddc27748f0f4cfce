package engine

import (
	"sync/atomic"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Tracer is told how pictures fare from packet to verdict; it chooses which.
type Tracer interface {
	// Picture is asked for each picture that was decoded; nil leaves it out. It must
	// be quick.
	Picture(source string, pts time.Duration) Trace
}

// Trace is one picture on its way. Its methods may be called from any goroutine.
type Trace interface {
	// Stage tells of a part of the way: decode, measure, judge, slot_wait, prepare,
	// queue_wait, inference.
	Stage(name string, began, ended time.Time)
	// Verdict tells of a verdict that the picture led to, before the Sink gets it.
	Verdict(*streamvetv1.Verdict)
	// End is called once, when nothing more will come.
	End()
}

// journey is a picture that is traced; nil is one that is not. It ends when
// nobody holds it any more: its track, and the networks that look at it.
type journey struct {
	trace   Trace
	holders atomic.Int32
}

// travel begins a journey if the tracer wants one.
func (s *Source) travel(pts time.Duration, began time.Time) *journey {
	t := s.engine.config.Tracer
	if t == nil {
		return nil
	}
	trace := t.Picture(s.name, pts)
	if trace == nil {
		return nil
	}
	j := &journey{trace: trace}
	j.holders.Store(1)
	j.stage("decode", began, time.Now())
	return j
}

func (j *journey) stage(name string, began, ended time.Time) {
	if j != nil {
		j.trace.Stage(name, began, ended)
	}
}

func (j *journey) verdict(v *streamvetv1.Verdict) {
	if j != nil {
		j.trace.Verdict(v)
	}
}

func (j *journey) hold() *journey {
	if j != nil {
		j.holders.Add(1)
	}
	return j
}

func (j *journey) release() {
	if j != nil && j.holders.Add(-1) == 0 {
		j.trace.End()
	}
}

// traveller is a camera that knows the journey of the picture under judgement.
type traveller interface{ journey() *journey }

func (p *pictures) journey() *journey { return p.way }

// answer is the camera of a traced picture that a network has looked at.
type answer struct {
	*gallery
	way *journey
}

func (a answer) journey() *journey { return a.way }
