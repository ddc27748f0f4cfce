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
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
)

// laneTensors is how many tensors a lane keeps in rotation: one is filled while
// another is read.
const laneTensors = 2

// network runs one learned detector for all sources: their pictures meet in the
// same batches.
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

	batches []atomic.Int64 // runs, by how many pictures they had

	mu    sync.Mutex
	uses  int // by the engine and by viewers; at 0 it is closed
	lanes map[device.Shape]*lane
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

// lane batches the pictures of one tensor geometry.
type lane struct {
	*batch.Lane[look]
	shape    device.Shape
	tensors  []device.Tensor
	bindings []*infer.Binding
	events   [][]device.Event // by tensor and row: the picture is in the slot
	answer   [1]verdict.Score // of the look under judgement
	users    int              // tracks; guarded by network.mu
	running  sync.WaitGroup   // the collecting goroutine and the batches that it handed over
}

// look is one picture that a track shows to a network.
type look struct {
	owner         *pictures
	came          time.Time // out of the decoder
	pts, duration time.Duration
	width, height int
	rotation      int // clockwise degrees from the picture as coded to the one shown
}

// filled is a batch that the inference goroutine owns. It ends with lane.Done.
type filled struct {
	lane  *lane
	batch *batch.Batch[look]
	err   error         // why it could not be queued
	spent time.Duration // processor time of queueing it
}

func openNetwork(lib *infer.Library, dev device.Device, d models.Detector, log *slog.Logger) (*network, error) {
	spec := d.Network
	input := spec.Tensor.Shape(1, 0, 0) // 0 for what the picture decides
	queue, err := dev.NewStream()
	if err != nil {
		return nil, err
	}
	session, err := lib.Load(infer.Spec{
		Name: d.Name, ONNX: d.ONNX, Input: spec.Tensor.Name, Type: spec.Tensor.Type(),
		Channels: input.C, Height: input.H, Width: input.W, Score: spec.Score, Map: spec.Map,
	}, infer.Place{Device: dev, Queue: queue})
	if err != nil {
		return nil, errors.Join(err, queue.Close())
	}
	n := &network{
		detector: d, spec: spec, device: dev, queue: queue, session: session, log: log, uses: 1,
		ready: make(chan filled), closed: make(chan struct{}), done: make(chan struct{}),
		lanes: map[device.Shape]*lane{}, batches: make([]atomic.Int64, spec.Batch.MaxSize+1),
	}
	go n.infer()
	return n, nil
}

// enter gives a track the lane for its geometry, and makes it if it is the first.
func (n *network) enter(w, h int) (*lane, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	shape := n.spec.Tensor.Shape(n.spec.Batch.MaxSize, w, h)
	l := n.lanes[shape]
	if l == nil {
		var err error
		if l, err = n.openLane(shape); err != nil {
			return nil, fmt.Errorf("detector %s: %dx%d pictures: %w", n.detector.Name, w, h, err)
		}
		n.lanes[shape] = l
	}
	l.users++
	return l, nil
}

func (n *network) openLane(shape device.Shape) (_ *lane, err error) {
	l := &lane{shape: shape}
	defer func() {
		if err != nil {
			l.free()
		}
	}()
	for range laneTensors {
		t, err := n.device.NewTensor(shape, n.spec.Tensor.Type())
		if err != nil {
			return nil, err
		}
		l.tensors = append(l.tensors, t)
		b, err := n.session.Bind(t, shape.N)
		if err != nil {
			return nil, err
		}
		l.bindings = append(l.bindings, b)
		events := make([]device.Event, shape.N)
		for i := range events {
			if events[i], err = n.device.NewEvent(); err != nil {
				return nil, err
			}
		}
		l.events = append(l.events, events)
	}
	l.Lane, err = batch.New[look](batch.Config{Tensors: laneTensors, MaxBatchSize: shape.N, MaxQueueDelay: n.spec.Batch.MaxQueueDelay})
	if err != nil {
		return nil, err
	}
	l.running.Go(func() { n.collect(l) })
	return l, nil
}

// leave gives a lane back; the last track to leave closes it.
func (n *network) leave(l *lane) {
	n.mu.Lock()
	l.users--
	last := l.users == 0
	if last {
		delete(n.lanes, l.shape)
	}
	n.mu.Unlock()
	if last {
		l.Close()
		l.running.Wait()
		if err := l.free(); err != nil {
			n.log.Warn("close a lane", "detector", n.detector.Name, "error", err)
		}
	}
}

func (l *lane) free() error {
	var errs []error
	for _, b := range l.bindings {
		errs = append(errs, b.Close())
	}
	for _, t := range l.tensors {
		errs = append(errs, t.Close())
	}
	for _, row := range l.events {
		for _, e := range row {
			if e != nil {
				errs = append(errs, e.Close())
			}
		}
	}
	return errors.Join(errs...)
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

// start queues a batch behind the pictures in it.
func (n *network) start(f filled) filled {
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
	for row, l := range f.batch.All() {
		source := l.owner.source
		source.clock.networks.add(share)
		err := f.err
		if err == nil {
			err = n.deliver(l, f.lane, binding, row)
			source.judged(l.came)
		}
		if err != nil {
			source.fault(n.detector.Name, err)
		}
		source.looks.Done()
	}
	f.lane.Done(f.batch)
	f.lane.running.Done()
}

func (n *network) deliver(l look, at *lane, b *infer.Binding, row int) error {
	value := float64(b.Score(row))
	output := &n.detector.Outputs[0]
	at.answer[0] = verdict.Score{
		Detector: n.detector.Name, Defect: output.Defect,
		PTS: l.pts, Duration: l.duration, Value: value, Reading: value,
	}
	if n.spec.Map != "" {
		at.answer[0].Region, at.answer[0].Reading = n.region(l, at, b, row)
	}
	return l.owner.source.judge.scores(l.owner.track, at.answer[:], l.owner.gallery)
}

// region is the rectangle around the cells of a map that belong to the defect,
// and their share of the picture in percent.
func (n *network) region(l look, at *lane, b *infer.Binding, row int) (*verdict.Region, float64) {
	cells, h, w := b.Map(row)
	x0, y0, x1, y1, hits := w, h, 0, 0, 0
	for y := range h {
		for x := range w {
			if float64(cells[y*w+x]) >= n.spec.MapThreshold {
				x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
				hits++
			}
		}
	}
	if hits == 0 {
		return nil, 0
	}
	share := 100 * float64(hits) / float64(h*w)
	// The map covers the tensor; at native resolution the picture ends before it does.
	width, height := l.width, l.height
	if n.spec.Tensor.Resize == "none" {
		width, height = at.shape.W, at.shape.H
	}
	across := func(cell int) float64 { return min(float64(cell*width)/float64(w*l.width), 1) }
	down := func(cell int) float64 { return min(float64(cell*height)/float64(h*l.height), 1) }
	r := &verdict.Region{X: across(x0), Y: down(y0)}
	r.Width, r.Height = across(x1)-r.X, down(y1)-r.Y
	return turnRegion(r, l.rotation), share
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
	close(n.closed)
	<-n.done
	return errors.Join(n.session.Close(), n.queue.Close())
}
