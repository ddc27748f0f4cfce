package engine

import (
	"errors"
	"sync"

	"github.com/streamvet/streamvet/engine/batch"
	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/engine/verdict"
)

// A lane keeps two tensors in rotation at least: one is filled while another is
// read. Those of small pictures have more, up to laneBytes in all: many sources
// share their lane, and their pictures come in bursts.
const (
	laneTensorsMin = 2
	laneTensorsMax = 16
	laneBytes      = 8 << 20
)

func laneTensors(bytes int) int {
	return min(max(laneBytes/max(bytes, 1), laneTensorsMin), laneTensorsMax)
}

// lane batches the rows of one tensor geometry.
type lane struct {
	*batch.Lane[look]
	shape    device.Shape
	tensors  []device.Tensor
	bindings []*infer.Binding
	events   [][]device.Event // by tensor and row: the picture is in the slot
	answer   []verdict.Score  // of the look under judgement; reused
	users    int              // guarded by network.mu
	running  sync.WaitGroup   // the collecting goroutine and the batches that it handed over
}

// enter gives a track the lane for its geometry, and makes it if it is the first.
// The geometry of sound is none: it has one lane.
func (n *network) enter(w, h int) (*lane, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	shape := n.spec.Tensor.Shape(n.spec.Batch.MaxSize, w, h)
	l := n.lanes[shape]
	if l == nil {
		var err error
		if l, err = n.openLane(shape); err != nil {
			return nil, err
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
	bytes, err := shape.Bytes(n.spec.Tensor.Type())
	if err != nil {
		return nil, err
	}
	for range laneTensors(bytes) {
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
		l.events = append(l.events, events)
		for i := range events {
			if events[i], err = n.device.NewEvent(); err != nil {
				return nil, err
			}
		}
	}
	l.Lane, err = batch.New[look](batch.Config{Tensors: len(l.tensors), MaxBatchSize: shape.N, MaxQueueDelay: n.spec.Batch.MaxQueueDelay})
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
