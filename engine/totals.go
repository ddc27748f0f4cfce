package engine

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamvet/streamvet/engine/device/cuda"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
)

// Stage is a part of the way from a packet to a score.
type Stage uint8

const (
	Decode    Stage = iota // wall time until a picture came
	Measure                // kernels that measure
	Prepare                // kernels that fill tensors
	Score                  // closed forms and trackers of pictures
	SlotWait               // wall time until a slot was free
	Sound                  // all of a block of sound but decoding
	Inference              // a picture's share of a run of a network
	stages
)

func (s Stage) String() string {
	return [...]string{"decode", "measure", "prepare", "score", "slot_wait", "sound", "inference"}[s]
}

// AllStages lists all of them.
func AllStages() []Stage {
	return []Stage{Decode, Measure, Prepare, Score, SlotWait, Sound, Inference}
}

// tally adds up what all sources of an engine have done. Written by their
// goroutines, read by anyone.
type tally struct {
	frames, looks, uploads, media atomic.Int64
	stages                        [stages]Latency
	latency                       Latency

	mu     sync.Mutex
	drops  map[string]int64
	raised map[verdict.Defect]int64
}

func (l *tally) drop(detector string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.drops == nil {
		l.drops = map[string]int64{}
	}
	l.drops[detector]++
}

func (l *tally) raise(d verdict.Defect) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.raised == nil {
		l.raised = map[verdict.Defect]int64{}
	}
	l.raised[d]++
}

// Totals are what an engine has done with all its sources, those that have ended
// too.
type Totals struct {
	Sources int           // that run
	Queued  media.Queued  // that waits to be decoded, of all of them
	Media   time.Duration // media time vetted, of all sources
	Frames  int64
	Looks   int64 // pictures and windows of sound given to networks
	Uploads int64 // pictures that were decoded in software and brought to the GPU
	Drops   map[string]int64
	Raised  map[verdict.Defect]int64
	// Stages are how long each stage took, and Latency how long a picture took from
	// the decoder to its scores. They go on counting.
	Stages  map[Stage]*Latency
	Latency *Latency
}

// Totals reads the counters. It waits for nobody.
func (e *Engine) Totals() Totals {
	l := &e.tally
	t := Totals{
		Media: time.Duration(l.media.Load()), Frames: l.frames.Load(), Looks: l.looks.Load(), Uploads: l.uploads.Load(),
		Stages: map[Stage]*Latency{}, Latency: &l.latency,
	}
	for _, s := range AllStages() {
		t.Stages[s] = &l.stages[s]
	}
	l.mu.Lock()
	t.Drops, t.Raised = maps.Clone(l.drops), maps.Clone(l.raised)
	l.mu.Unlock()
	e.mu.Lock()
	t.Sources = len(e.stops)
	for s := range e.stops {
		q := s.media.Queued()
		t.Queued.Packets += q.Packets
		t.Queued.Bytes += q.Bytes
	}
	e.mu.Unlock()
	return t
}

// NetworkCounts is how a network does.
type NetworkCounts struct {
	Detector string
	Shadow   bool
	// Slots is how many pictures may wait or be run at once, and Taken how many are.
	Slots, Taken int
	// Batches counts the runs by how many pictures they had: Batches[1] those of one.
	Batches []int64
}

// Networks tells how the networks in force do.
func (e *Engine) Networks() []NetworkCounts {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []NetworkCounts
	for _, n := range e.lineup.networks {
		all = append(all, n.counts())
	}
	return all
}

func (n *network) counts() NetworkCounts {
	c := NetworkCounts{Detector: plainName(n.detector.Name), Shadow: isShadow(n.detector.Name), Batches: make([]int64, len(n.batches))}
	for i := range n.batches {
		c.Batches[i] = n.batches[i].Load()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.lanes {
		c.Slots += len(l.tensors) * l.shape.N
		c.Taken += l.Taken()
	}
	return c
}

// GPU reads how busy the engine's GPU is; false where it runs on the CPU.
func (e *Engine) GPU() (cuda.Reading, bool) {
	if e.device.Mem() != frame.MemDevice || e.admission.monitor == nil {
		return cuda.Reading{}, false
	}
	return e.admission.monitor.Read(), true
}

// Check says whether the device still answers: ErrLost is for good.
func (e *Engine) Check() error {
	_, _, err := e.device.Memory()
	return err
}
