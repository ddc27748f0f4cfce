package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
)

// ErrNothing is the end of a source that had tracks and not one frame: silence
// about it would pass for a clean bill.
var ErrNothing = errors.New("nothing in it could be decoded: it is damaged, or its pictures have no size or one above 8192x8192; play it in another program to see")

// SourceConfig names one input and who takes what is found in it.
type SourceConfig struct {
	URL  string // a file, or a URL that FFmpeg reads
	Name string // in verdicts; empty stands for URL
	Sink Sink
	// Address is the URL as errors and logs may tell it; empty stands for the URL
	// without its password.
	Address string
	// Input is what is read in place of the URL; as media.Options.Input.
	Input *os.File
	// Transport is what the URL cannot say, and Guard what may be touched; nil is everything.
	Transport media.Transport
	Guard     media.Guard
	// Decoder is where pictures are decoded: media.NVDEC or media.Software and nothing
	// else; empty stands for NVDEC where there is one that takes them.
	Decoder string
	// Waits lets a Realtime source wait for networks that have no time, instead of
	// leaving pictures out; Drops lets one that is not Realtime leave them out.
	// Source.SetDrops changes it.
	Waits, Drops bool
	// StallTimeout is how long a read may take before the source is given up; 0
	// stands for 10 s.
	StallTimeout time.Duration
	// Realtime says that it comes at its own pace, which the engine must keep: it is
	// refused where there is no room, and pictures that a network has no time for are
	// not shown to it.
	Realtime bool
	// DetectLive makes it Realtime also where what is opened turns out to have no end:
	// a playlist of HLS that goes on.
	DetectLive bool
	// Epoch numbers the connections of a source that is connected again and again; it
	// stands in verdicts, and in their ids. 0 for what is connected once.
	Epoch int
	// Paced lets a file come no faster than it plays, as a live source does.
	Paced bool
	// Until ends it where its media time comes so far; 0: at its end.
	Until time.Duration
	// Selection is which detectors run on it, and under which rules.
	Selection Selection
	// Renew is called by Supervise before each connection, with the epoch that it will
	// be; what it changes holds from then on, an error is one of connecting. May be nil.
	Renew func(*SourceConfig) error
}

// Source is one input under analysis. Its methods may be called from any goroutine.
type Source struct {
	engine  *Engine
	name    string
	log     *slog.Logger
	media   *media.Source
	queue   device.Stream // of the GPU: decoding, measuring and conversion, in this order
	grant   *grant
	judge   *judge
	bits    *bitstream
	clock   clock
	looks   sync.WaitGroup // pictures that networks have not scored yet
	faults  faults
	drops   drops
	stop    context.CancelFunc
	done    chan struct{}
	started time.Time

	realtime  bool
	drop      atomic.Bool // leaves out what networks have no time for
	paced     bool
	until     time.Duration
	cut       atomic.Bool            // until has ended it
	selection Selection              // guarded by engine.mu
	lineup    atomic.Pointer[lineup] // for its tracks to take up

	// Written before done is closed, read after.
	err     error
	stopped bool
	ended   time.Time
}

// Info says what the container holds.
func (s *Source) Info() media.Info { return s.media.Info() }

// Name is the source's name in verdicts.
func (s *Source) Name() string { return s.name }

// Realtime tells whether it counts as one that comes at its own pace.
func (s *Source) Realtime() bool { return s.realtime }

// SetDrops says whether pictures that a network has no time for are left out, or
// waited with. It holds from the next picture on.
func (s *Source) SetDrops(drop bool) { s.drop.Store(drop) }

// Stop ends the source early; what was found so far stands. It does not wait.
func (s *Source) Stop() { s.stop() }

// Wait blocks until the source has ended and all its verdicts were told. The
// summary is good also when there is an error: it says how far the source came.
func (s *Source) Wait() (Summary, error) {
	<-s.done
	return s.summary(), s.err
}

// Done is closed when the source has ended.
func (s *Source) Done() <-chan struct{} { return s.done }

// prepare makes what judges the source's tracks, and gives up those that are
// not vetted.
func (s *Source) prepare(l *lineup) error {
	video, sound := s.video(), s.media.Audio()
	var err error
	if s.bits, err = newBitstream(l, s.judge, video, sound); err != nil {
		return err
	}
	follow := func(index int, outputs []verdict.Output) {
		err = errors.Join(err, s.judge.follow(s.name, index, s.outputsOf(l, index, outputs)))
	}
	for _, t := range video {
		follow(t.Info.Index, l.pictureOutputs)
	}
	for _, t := range sound {
		follow(t.Info.Index, l.soundOutputs)
	}
	for _, t := range s.media.Video()[len(video):] {
		s.log.Info("only the first video track is vetted", "skipped", t.Info.Index)
		t.Skip()
	}
	return err
}

// video is the video track that is vetted, if there is one.
func (s *Source) video() []*media.VideoTrack {
	all := s.media.Video()
	return all[:min(len(all), 1)]
}

// Select changes which detectors run on the source, and under which rules. The
// tracks take it up at their next picture or block of sound; verdicts of what
// does not run any more end.
func (s *Source) Select(n Selection) error {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	l, err := s.engine.lineup.choose(n)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.selection = n
	s.lineup.Store(l)
	return nil
}

// pick makes the source's choice from a lineup that is in force now. What the
// choice names and is not there any more is left out. The engine's lock is held.
func (s *Source) pick(from *lineup) {
	l, err := from.choose(s.selection.among(from.detectors))
	if err != nil {
		s.log.Warn("the source keeps the detectors that it had", "reason", err)
		return
	}
	s.lineup.Store(l)
}

// change takes up a lineup for one track, whose kind has those outputs.
func (s *Source) change(track int, l *lineup, outputs []verdict.Output) error {
	if err := s.bits.change(l); err != nil {
		return err
	}
	return s.judge.change(track, s.outputsOf(l, track, outputs), l.scribe)
}

// run decodes, measures and judges every track until all have ended.
func (s *Source) run(ctx context.Context) {
	group, running := errgroup.WithContext(ctx)
	for _, t := range s.video() {
		group.Go(func() error { return s.vetPictures(running, t) })
	}
	for _, t := range s.media.Audio() {
		group.Go(func() error { return s.vetSound(running, t) })
	}
	watching, end := context.WithCancel(ctx)
	watched := make(chan error, 1)
	go func() { watched <- s.watch(watching) }()
	err := group.Wait()
	end()
	err = errors.Join(err, <-watched)
	s.looks.Wait()
	err = errors.Join(err, s.faults.all())
	if ctx.Err() == nil && !s.cut.Load() {
		err = errors.Join(err, s.sayTheRest())
		if err == nil && s.clock.at.Load() == 0 {
			err = ErrNothing
		}
	}
	s.judge.finish()
	if closeErr := errors.Join(s.media.Close(), s.queue.Close()); err == nil {
		err = closeErr
	}
	s.stopped = ctx.Err() != nil
	if s.stopped && errors.Is(err, context.Canceled) {
		err = nil
	}
	if errors.Is(err, media.ErrDeviceLost) {
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	if err != nil {
		s.err = fmt.Errorf("%s: %w", s.name, err)
	}
	s.grant.giveBack()
	s.ended = time.Now()
}

// judged notes that a picture that came then has its scores.
func (s *Source) judged(came time.Time) {
	now := time.Now()
	took := now.Sub(came)
	s.grant.hasBegun()
	s.clock.took(took)
	if s.realtime {
		s.engine.admission.recent.Observe(now, took)
	}
}

// sayTheRest scores what shows only when all tracks have ended.
func (s *Source) sayTheRest() error {
	var err error
	for _, t := range s.video() {
		err = errors.Join(err, s.bits.end(t.Info.Index, t.Tail()))
	}
	for _, t := range s.media.Audio() {
		err = errors.Join(err, s.bits.end(t.Info.Index, t.Tail()))
	}
	return err
}

// vetPictures is the life of a video track.
func (s *Source) vetPictures(ctx context.Context, t *media.VideoTrack) error {
	if s.engine.device.Mem() == frame.MemDevice {
		// The current context of a GPU belongs to the OS thread. The thread is not
		// given back: it ends with the goroutine.
		runtime.LockOSThread()
	}
	p, err := newPictures(s, t.Info.Index)
	if err != nil {
		return err
	}
	defer p.close()
	for {
		began := time.Now()
		f, err := t.Next(ctx)
		s.clock.decode.add(time.Since(began))
		if errors.Is(err, io.EOF) {
			return p.settle(ctx, 0) // what is left
		}
		if err != nil {
			return fmt.Errorf("track %d: %w", t.Info.Index, err)
		}
		if s.reached(f.PTS) {
			f.Release()
			t.Skip()
			return p.settle(ctx, 0)
		}
		if err := s.pace(ctx, f.PTS); err != nil {
			f.Release()
			return err
		}
		s.clock.frame()
		s.clock.position(f.PTS + f.Duration)
		err = p.take(ctx, f)
		f.Release()
		if err != nil {
			return fmt.Errorf("track %d: picture %d at %v: %w", t.Info.Index, f.Index, f.PTS, err)
		}
	}
}

// reached tells whether a picture or sound at pts is beyond what is vetted.
func (s *Source) reached(pts time.Duration) bool {
	if s.until <= 0 || pts < s.until {
		return false
	}
	s.cut.Store(true)
	return true
}

// vetSound is the life of an audio track.
func (s *Source) vetSound(ctx context.Context, t *media.AudioTrack) error {
	ears := newEars(s, t.Info.Index)
	for {
		a, err := t.Next(ctx)
		if errors.Is(err, io.EOF) {
			return ears.finish()
		}
		if err != nil {
			return fmt.Errorf("track %d: %w", t.Info.Index, err)
		}
		if s.reached(a.PTS) {
			a.Release()
			t.Skip()
			return ears.finish()
		}
		if err := s.pace(ctx, a.PTS); err != nil {
			a.Release()
			return err
		}
		s.clock.position(a.PTS + a.Duration)
		watch := startWatch()
		err = ears.take(a)
		a.Release()
		s.clock.sound.add(watch.stop())
		if err != nil {
			return fmt.Errorf("track %d: %w", t.Info.Index, err)
		}
	}
}
