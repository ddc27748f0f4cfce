package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// pictures vets the pictures of one track. Owned by the track's goroutine.
type pictures struct {
	source  *Source
	track   int
	meter   device.Meter
	upload  device.Uploader
	gallery *gallery
	forms   *measure.Picture
	viewers []*viewer      // one a network
	looks   sync.WaitGroup // that networks have not answered yet
	lineup  *lineup        // that forms and viewers are of

	shape    geometry       // of the picture before
	waiting  []arrival      // measured, results not taken yet; oldest first
	current  *frame.Video   // the one that is judged
	way      *journey       // of it
	measures frame.Measures // reused
	scores   []verdict.Score
}

// arrival is a picture and when it came out of the decoder.
type arrival struct {
	*frame.Video
	at  time.Time
	way *journey
}

// picturesHeld is how many pictures of a track may be in hand at once: under
// measurement, before the one that comes next, judged, and the next. A GPU's
// decoder needs so many surfaces more than the codec does.
const picturesHeld = depthOnGPU + 3

// depthOnGPU is how many pictures may be under measurement on a GPU, so that the
// host never waits for one.
const depthOnGPU = 3

// geometry is what plans and lanes depend on.
type geometry struct {
	width, height int
	format        frame.Format
	colour        frame.Colour
}

func geometryOf(f *frame.Video) geometry { return geometry{f.Width, f.Height, f.Format, f.Colour} }

func newPictures(s *Source, track int) (_ *pictures, err error) {
	p := &pictures{source: s, track: track}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	dev := s.engine.device
	if p.meter, err = dev.NewMeter(s.queue); err != nil {
		return nil, err
	}
	if p.upload, err = dev.NewUploader(s.queue); err != nil {
		return nil, err
	}
	p.gallery = newGallery(dev, s.queue)
	if p.forms, err = measure.NewPicture(nil); err != nil {
		return nil, err
	}
	return p, nil
}

// change takes up another lineup, between two pictures. Networks that stay go on
// with their rhythm.
func (p *pictures) change(ctx context.Context, l *lineup) error {
	if err := p.settle(ctx, 0); err != nil {
		return err
	}
	p.looks.Wait() // what the detectors so far have seen is judged as theirs
	if err := p.forms.Change(l.pictureForms); err != nil {
		return err
	}
	if err := p.source.change(p.track, l, l.pictureOutputs); err != nil {
		return err
	}
	p.lineup = l
	gone := leaving(p.viewers, l.pictureNetworks)
	p.viewers = attend(p.viewers, l.pictureNetworks, func(n *network) *viewer { return newViewer(n, p) })
	var errs []error
	for _, v := range gone {
		errs = append(errs, v.close())
	}
	p.shape = geometry{} // what is new must be fitted
	return errors.Join(errs...)
}

// take vets one picture. The caller keeps its reference to f; the journey is taken over.
func (p *pictures) take(ctx context.Context, f *frame.Video, way *journey) error {
	came := time.Now()
	held := false
	defer func() {
		if !held {
			way.release()
		}
	}()
	if f.Mem != p.source.engine.device.Mem() {
		// The GPU's decoder has refused this source, or this part of it.
		p.source.clock.upload()
		up, err := p.upload.Upload(f)
		if err != nil {
			return err
		}
		defer up.Release()
		f = up
	}
	if l := p.source.lineup.Load(); l != p.lineup {
		if err := p.change(ctx, l); err != nil {
			return err
		}
	}
	if g := geometryOf(f); g != p.shape {
		if err := p.refit(ctx, f); err != nil {
			return err
		}
		p.shape = g
	}
	watch := startWatch()
	err := p.meter.Measure(f)
	p.source.clock.measure.add(watch.stop())
	if err != nil {
		return err
	}
	p.waiting, held = append(p.waiting, arrival{f.Retain(), came, way}), true
	return p.settle(ctx, p.depth())
}

// depth is how many pictures may be under measurement: none on the CPU, where
// they are done at once; a few on a GPU, so that the host never waits. The next
// picture of a source that comes at its own pace is far away on a GPU's clock: the
// track sleeps until the measures are there, or they would wait for that picture.
func (p *pictures) depth() int {
	if p.source.engine.device.Mem() == frame.MemDevice && !p.source.realtime {
		return depthOnGPU
	}
	return 0
}

// refit makes what depends on the geometry of f anew.
func (p *pictures) refit(ctx context.Context, f *frame.Video) error {
	if err := p.settle(ctx, 0); err != nil {
		return err
	}
	if err := p.gallery.fit(f); err != nil {
		return err
	}
	for _, v := range p.viewers {
		if err := v.fit(f); err != nil {
			return err
		}
	}
	return nil
}

// settle judges measured pictures until at most depth are left waiting.
func (p *pictures) settle(ctx context.Context, depth int) error {
	for len(p.waiting) > 0 {
		watch := startWatch()
		ready, err := p.meter.Next(&p.measures, len(p.waiting) > depth)
		p.source.clock.measure.add(watch.stop())
		if err != nil || !ready {
			return err
		}
		f := p.waiting[0]
		copy(p.waiting, p.waiting[1:])
		p.waiting = p.waiting[:len(p.waiting)-1]
		f.way.stage("measure", f.at, time.Now())
		err = p.judge(ctx, f)
		f.Release()
		f.way.release()
		if err != nil {
			return err
		}
		p.source.judged(f.at)
	}
	return nil
}

// judge scores one measured picture and shows it to the networks that want it.
func (p *pictures) judge(ctx context.Context, a arrival) error {
	began, watch := time.Now(), startWatch()
	f := a.Video
	p.current, p.way = f, a.way
	p.scores = p.forms.Observe(p.scores[:0], measure.Info(f), &p.measures)
	err := p.source.judge.scores(p.track, p.scores, p)
	if err == nil {
		err = p.source.bits.picture(p.track, f, p.forms.Onsets(), p)
	}
	p.source.clock.score.add(watch.stop())
	a.way.stage("judge", began, time.Now())
	if err != nil {
		return err
	}
	return p.show(ctx, a)
}

// show gives a picture to the networks that want it and have room, and keeps it
// for the verdicts that may come of that.
func (p *pictures) show(ctx context.Context, a arrival) error {
	suspicion := p.forms.Suspicion()
	kept := false
	for _, v := range p.viewers {
		if !v.wants(a.PTS, suspicion) {
			continue
		}
		slot, ok, err := v.acquire(ctx, a)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if !kept {
			if err := p.gallery.keep(a.Video); err != nil {
				v.lane.Abandon(slot)
				return err
			}
			kept = true
		}
		if err := v.show(a, slot, suspicion); err != nil {
			return err
		}
	}
	return nil
}

// shoot takes a picture of the frame that is judged: when a closed form raises a
// defect, the frame still shows it.
func (p *pictures) shoot(time.Duration) *streamvetv1.Evidence { return p.gallery.now(p.current) }

func (p *pictures) close() error {
	var errs []error
	for _, f := range p.waiting {
		f.Release()
		f.way.release()
	}
	p.waiting = nil
	for _, v := range p.viewers {
		errs = append(errs, v.close())
	}
	if p.meter != nil {
		errs = append(errs, p.meter.Close())
	}
	if p.upload != nil {
		errs = append(errs, p.upload.Close())
	}
	if p.gallery != nil {
		// Looks under way may still ask for pictures.
		p.looks.Wait()
		errs = append(errs, p.gallery.close())
	}
	return errors.Join(errs...)
}
