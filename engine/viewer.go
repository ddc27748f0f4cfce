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
	last    time.Duration // the last look was due
	looked  bool
	owed    bool          // a look is due and was not had yet,
	due     time.Duration // since here; it is missed after
	within  time.Duration // this, when another one is due
	at      time.Duration // the picture under way
	habits  []habit       // by output; the inference goroutine's
}

// newViewer takes over a use of n.
func newViewer(n *network, p *pictures) *viewer {
	return &viewer{network: n, owner: p, habits: make([]habit, len(n.detector.Outputs))}
}

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
// gone with the next keyframe. A look that found no slot is wanted again with the
// next picture, until another one is due: sources whose pictures come at the same
// moment fall out of step and share the network.
func (v *viewer) wants(pts time.Duration, s measure.Suspicion) bool {
	if v.lane == nil {
		return false
	}
	v.at = pts
	if v.owed && pts-v.due >= v.within {
		v.had(v.due)
		v.owner.source.missed(v.network)
	}
	sampling := &v.network.spec.Sampling
	switch {
	case v.owed:
	case !v.looked || pts >= v.next:
		v.owed, v.due, v.within = true, pts, max(sampling.Every, sampling.Patience)
	case s.Level() >= suspicious && sampling.Suspicious > 0 && (s.News || pts-v.last >= sampling.Suspicious):
		v.owed, v.due, v.within = true, pts, sampling.Suspicious
	}
	return v.owed
}

// had says that the look that was due is no longer owed. The next is counted from a
// time: when it was due, so that a network that is always late misses looks, or, with
// patience, when it came, so that there are fewer.
func (v *viewer) had(from time.Duration) {
	v.looked, v.owed, v.last, v.next = true, false, v.due, from+v.network.spec.Sampling.Every
}

// came is had, of a look that the network gets now.
func (v *viewer) came() {
	if v.network.spec.Sampling.Patience > 0 {
		v.had(v.at)
		return
	}
	v.had(v.due)
}

// acquire takes a slot for the picture f; of a source that drops, there are more
// pictures to come.
func (v *viewer) acquire(ctx context.Context, f arrival) (batch.Slot, bool, error) {
	began := time.Now()
	slot, ok, err := v.owner.source.acquire(ctx, v.lane, min(f.Duration/2, picturePatience))
	f.way.stage("slot_wait", began, time.Now())
	return slot, ok, err
}

// show gives the picture to the network, in a slot that acquire gave. On a GPU the
// picture is queued only: the event of the slot tells the network when it is there.
func (v *viewer) show(f arrival, slot batch.Slot, s measure.Suspicion) error {
	clock := &v.owner.source.clock
	began, watch := time.Now(), startWatch()
	err := v.plan.Put(f.Video, v.lane.tensors[slot.Tensor], slot.Row)
	if err == nil {
		err = v.owner.source.queue.Record(v.lane.events[slot.Tensor][slot.Row])
	}
	clock.prepare.add(watch.stop())
	if err != nil {
		v.lane.Abandon(slot)
		return err
	}
	v.came()
	v.owner.looks.Add(1)
	clock.look()
	committed := time.Now()
	f.way.stage("prepare", began, committed)
	v.lane.Commit(slot, look{
		source: v.owner.source, pending: &v.owner.looks, came: f.at, way: f.way.hold(), committed: committed,
		sight: sight{owner: v.owner, pts: f.PTS, duration: f.Duration, width: f.Width, height: f.Height, rotation: f.Rotation, suspicion: s,
			scene: v.owner.forms.Scene(), viewer: v},
	})
	return nil
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
