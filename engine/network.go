package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamvet/streamvet/engine/batch"
	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/models"
)

// network runs one learned detector for all sources: their pictures, or windows of
// their sound, meet in the same batches.
type network struct {
	detector models.Detector
	spec     *models.Network
	device   device.Device
	queue    device.Stream // of the network's work
	session  *infer.Session
	log      *slog.Logger

	warned sync.Once   // that the network gives values that are none
	ready  chan filled // batches for the inference goroutine; unbuffered
	closed chan struct{}
	done   chan struct{}

	batches []atomic.Int64 // runs, by how many rows they had

	hall  *lane   // of a network that hears sound: its only one, as long as it lives
	steps []steps // and what its outputs say of a window

	mu    sync.Mutex
	uses  int // by the engine, viewers and listeners; at 0 it is closed
	lanes map[device.Shape]*lane
	over  []*hearing // for other windows
}

// inFlight is how many batches are queued at once: two on a GPU, where one runs
// while the outputs of the other come to the host. On the CPU a batch that was
// started has run.
func (n *network) inFlight() int {
	if n.device.Mem() == frame.MemDevice {
		return 2
	}
	return 1
}

// look is one row that a track shows to a network: a picture, or one channel of a
// window of sound.
type look struct {
	source    *Source
	pending   *sync.WaitGroup // of the track: looks without an answer
	came      time.Time       // out of the decoder
	committed time.Time
	way       *journey
	sight              // of a picture
	heard     *hearing // of sound; nil for a picture
}

// sight is what is known of a picture when a network has looked at it.
type sight struct {
	owner         *pictures
	pts, duration time.Duration
	width, height int
	rotation      int // clockwise degrees from the picture as coded to the one shown
	suspicion     measure.Suspicion
	scene         int // cuts before it
	viewer        *viewer
}

// filled is a batch that the inference goroutine owns. It ends with lane.Done.
type filled struct {
	lane  *lane
	batch *batch.Batch[look]
	err   error         // why it could not be queued
	spent time.Duration // processor time of queueing it
	began time.Time     // the queueing
}

func openNetwork(lib *infer.Library, dev device.Device, d models.Detector, log *slog.Logger) (*network, error) {
	spec := *d.Network
	if dev.Mem() == frame.MemHost {
		spec.Batch = spec.Batch.OnCPU()
	}
	queue, err := dev.NewStream()
	if err != nil {
		return nil, err
	}
	session, err := lib.Load(SpecOf(d), infer.Place{Device: dev, Queue: queue})
	if err != nil {
		return nil, errors.Join(err, queue.Close())
	}
	n := &network{
		detector: d, spec: &spec, device: dev, queue: queue, session: session, log: log, uses: 1,
		ready: make(chan filled), closed: make(chan struct{}), done: make(chan struct{}),
		lanes: map[device.Shape]*lane{}, batches: make([]atomic.Int64, spec.Batch.MaxSize+1),
	}
	go n.infer()
	if d.Input == "sound" {
		if err := n.openHall(); err != nil {
			return nil, errors.Join(fmt.Errorf("detector %s: %w", d.Name, err), n.release())
		}
	}
	return n, nil
}

// SpecOf is what the manifest of a detector says of its network.
func SpecOf(d models.Detector) infer.Spec {
	t := &d.Network.Tensor
	s := infer.Spec{Name: d.Name, ONNX: d.ONNX, Input: t.Name, Type: t.Type(), Samples: t.Window, Map: d.Network.Map}
	shape := t.Shape(1, 0, 0) // 0 for what the picture decides
	if s.Channels = shape.C; t.Window == 0 {
		s.Height, s.Width = shape.H, shape.W
	}
	for i := range d.Outputs {
		name, field := d.ScoreOf(i)
		s.Scores = append(s.Scores, infer.Score{Name: name, Field: field})
	}
	return s
}

// collect hands the batches of a lane to the inference goroutine.
func (n *network) collect(l *lane) {
	for {
		b, err := l.Next(context.Background())
		if err != nil { // io.EOF: a lane has no other end
			return
		}
		l.running.Add(1)
		n.ready <- filled{lane: l, batch: b}
	}
}

// infer is the life of the inference goroutine. It keeps its OS thread: contexts
// of devices and handles of providers belong to threads. While more batches come
// it queues the next before it waits for the one before.
func (n *network) infer() {
	defer close(n.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var queued []filled // oldest first; at most inFlight
	for {
		f, more := n.next(len(queued) == 0)
		if more {
			queued = append(queued, n.start(f))
		} else if len(queued) == 0 {
			return
		}
		if !more || len(queued) == n.inFlight() {
			n.finish(queued[0])
			queued = append(queued[:0], queued[1:]...)
		}
	}
}

// next takes a batch if there is one, or waits for one. It is false when there is
// none now, or, if it waits, when there will be none.
func (n *network) next(wait bool) (filled, bool) {
	if !wait {
		select {
		case f := <-n.ready:
			return f, true
		default:
			return filled{}, false
		}
	}
	select {
	case f := <-n.ready:
		return f, true
	case <-n.closed:
		return filled{}, false
	}
}

// start queues a batch behind the rows in it.
func (n *network) start(f filled) filled {
	f.began = time.Now()
	watch := startWatch()
	for row := range f.batch.All() {
		if f.err = n.queue.Wait(f.lane.events[f.batch.Tensor][row]); f.err != nil {
			break
		}
	}
	if f.err == nil {
		f.err = f.lane.bindings[f.batch.Tensor].Start(f.batch.N)
	}
	f.spent = watch.stop()
	return f
}

// finish waits for the outputs of a batch and gives each look's score to its source.
func (n *network) finish(f filled) {
	watch := startWatch()
	binding := f.lane.bindings[f.batch.Tensor]
	if f.err == nil {
		f.err = binding.Finish()
	}
	share := (f.spent + watch.stop()) / time.Duration(f.batch.N)
	n.batches[f.batch.N].Add(1)
	if bad := n.session.BadValues(); bad > 0 {
		n.warned.Do(func() {
			n.log.Warn("the network gives values outside of 0..1, or none; they were clamped", "detector", n.detector.Name, "values", bad)
		})
	}
	ran := time.Now()
	for row, l := range f.batch.All() {
		source := l.source
		l.way.stage("queue_wait", l.committed, f.began)
		l.way.stage("inference", f.began, ran)
		source.clock.networks.add(share)
		if err := n.deliver(l, f, binding, row); err != nil {
			source.fault(n.detector.Name, err)
		}
		l.way.release()
		l.pending.Done()
	}
	f.lane.Done(f.batch)
	f.lane.running.Done()
}

// retain adds a use. It is false where the last one has gone.
func (n *network) retain() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.uses == 0 {
		return false
	}
	n.uses++
	return true
}

// release ends a use; the last one closes the network. Its user has left all lanes.
func (n *network) release() error {
	n.mu.Lock()
	n.uses--
	last := n.uses == 0
	n.mu.Unlock()
	if !last {
		return nil
	}
	if n.hall != nil {
		n.leave(n.hall)
	}
	close(n.closed)
	<-n.done
	return errors.Join(n.session.Close(), n.queue.Close())
}
