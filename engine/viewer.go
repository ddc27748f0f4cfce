package engine

import (
	"context"
	"errors"
	"time"

	"github.com/streamvet/streamvet/engine/batch"
	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure"
)

// suspicious is the suspicion from which networks look at once.
const suspicious = 0.5

// viewer shows the pictures of one track to one network: it decides when, and
// fills the slots. Owned by the track's goroutine.
type viewer struct {
	network *network
	owner   *pictures
	lane    *lane
	plan    device.Plan
	next    time.Duration // the next look of the base rate is due
	last    time.Duration // of the last look
	looked  bool
}

// newViewer takes over a use of n.
func newViewer(n *network, p *pictures) *viewer { return &viewer{network: n, owner: p} }

// fit prepares for pictures of the geometry of f. A network that cannot take
// them is left out until the geometry changes: the other detectors go on.
func (v *viewer) fit(f *frame.Video) error {
	if err := v.leave(); err != nil {
		return err
	}
	l, err := v.network.enter(f.Width, f.Height)
	if err != nil {
		v.owner.source.log.Warn("a network that does not look at these pictures", "detector", v.network.detector.Name, "width", f.Width, "height", f.Height, "reason", err)
		return nil
	}
	v.lane = l
	v.plan, err = v.owner.source.engine.device.NewPlan(v.owner.source.queue, v.network.spec.Tensor.PlanConfig(f.Width, f.Height, f.Format, f.Colour))
	return err
}

// wants decides whether the network should look at the picture at pts: at the
// base rate, sooner while cheap evidence is suspicious, and at every picture in the
// first moments after container or decoder have told of damage: what it did may be
// gone with the next keyframe.
func (v *viewer) wants(pts time.Duration, s measure.Suspicion) bool {
	if v.lane == nil {
		return false
	}
	sampling := &v.network.spec.Sampling
	due := !v.looked || pts >= v.next
	if !due && s.Level() >= suspicious && sampling.Suspicious > 0 {
		due = s.News || pts-v.last >= sampling.Suspicious
	}
	if !due {
		return false
	}
	v.looked, v.last, v.next = true, pts, pts+sampling.Every
	return true
}

// show gives the picture to the network; it waits for a free slot. On a GPU the
// picture is queued only: the event of the slot tells the network when it is there.
func (v *viewer) show(ctx context.Context, f arrival, s measure.Suspicion) error {
	clock := &v.owner.source.clock
	began := time.Now()
	slot, ok, err := v.owner.source.acquire(ctx, v.network, v.lane)
	if err != nil || !ok {
		return err
	}
	acquired := time.Now()
	f.way.stage("slot_wait", began, acquired)
	watch := startWatch()
	err = v.plan.Put(f.Video, v.lane.tensors[slot.Tensor], slot.Row)
	if err == nil {
		err = v.owner.source.queue.Record(v.lane.events[slot.Tensor][slot.Row])
	}
	clock.prepare.add(watch.stop())
	if err != nil {
		v.lane.Abandon(slot)
		return err
	}
	v.owner.looks.Add(1)
	clock.look()
	committed := time.Now()
	f.way.stage("prepare", acquired, committed)
	v.lane.Commit(slot, look{
		source: v.owner.source, pending: &v.owner.looks, came: f.at, way: f.way.hold(), committed: committed,
		sight: sight{owner: v.owner, pts: f.PTS, duration: f.Duration, width: f.Width, height: f.Height, rotation: f.Rotation, suspicion: s},
	})
	return nil
}

// acquire takes a slot. A source that drops does not wait for one: the network misses
// this picture or window, and takes the next that it wants.
func (s *Source) acquire(ctx context.Context, n *network, l *lane) (batch.Slot, bool, error) {
	if !s.drop.Load() {
		slot, err := s.await(ctx, l)
		return slot, err == nil, err
	}
	slot, ok := l.TryAcquire()
	if !ok {
		s.drops.count(n.detector.Name)
		s.engine.tally.drop(plainName(n.detector.Name))
	}
	return slot, ok, nil
}

// await takes a slot, waiting until there is one.
func (s *Source) await(ctx context.Context, l *lane) (batch.Slot, error) {
	began := time.Now()
	slot, err := l.Acquire(ctx)
	s.clock.wait.add(time.Since(began))
	return slot, err
}

func (v *viewer) of() *network { return v.network }

func (v *viewer) leave() error {
	var err error
	if v.plan != nil {
		err = v.plan.Close()
		v.plan = nil
	}
	if v.lane != nil {
		v.network.leave(v.lane)
		v.lane = nil
	}
	return err
}

func (v *viewer) close() error { return errors.Join(v.leave(), v.network.release()) }
