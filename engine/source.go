package engine

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/streamvet/streamvet/engine/device"
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
	// Transport is what the URL cannot say, Guard what may be touched, where nil is
	// everything, and TLS which servers are trusted.
	Transport media.Transport
	Guard     media.Guard
	TLS       media.TLS
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
		err = errors.Join(err, s.judge.follow(s.name, index, s.outputsOf(l, index, outputs), l.scribe))
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
