package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	astiav "github.com/asticode/go-astiav"
)

// Options of Open. The zero value is usable.
type Options struct {
	// Logger takes what FFmpeg says, at debug level, and the few things that a
	// person should know. nil: nothing is logged.
	Logger *slog.Logger
	// Threads a picture decoder uses; 0: the cores, 4 at most.
	Threads int
	// StallTimeout is how long one read may block; 0: 10 s.
	StallTimeout time.Duration
	// Loudness says whether sound is measured by EBU R128.
	Loudness bool
	// MaxPixels is the largest picture that is decoded; 0: 8192 x 8192. Packets of
	// larger ones count as refused.
	MaxPixels int
	// Name is the address as it may be told; empty: without its password.
	Name string
	// Input is what is read, from where it stands to its end, in place of what lies at
	// the address, which then is a name alone: a regular file, or a pipe that does not
	// block. It stays the caller's, and must stay open until Close.
	Input *os.File
	// Transport is what the address cannot say.
	Transport Transport
	// Guard says what may be touched; nil: everything.
	Guard Guard
	// TLS says which servers are trusted.
	TLS TLS
	// CUDA lets NVDEC decode what it can; other tracks are decoded in software.
	CUDA CUDA
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Threads <= 0 {
		o.Threads = min(4, runtime.NumCPU())
	}
	if o.StallTimeout <= 0 {
		o.StallTimeout = 10 * time.Second
	}
	if o.MaxPixels <= 0 {
		o.MaxPixels = 8192 * 8192
	}
	return o
}

// Source is one open input. Its methods may be called from any goroutine, the
// Next of one track from one at a time.
type Source struct {
	url     string
	name    string // url as it may be told
	local   bool   // a file of this machine
	options Options
	log     *slog.Logger
	info    Info
	in      input
	gate    *gate                 // nil: there is no guard
	format  *astiav.FormatContext // the reading goroutine's once it runs
	packets packetPool
	line    *timeline

	video []*VideoTrack
	audio []*AudioTrack
	feeds map[int]*feed // by the number of the stream in the container

	changed chan struct{} // cap 1: a queue has room, or hungers
	closing chan struct{} // closed by Close

	waitingSince atomic.Int64 // when the read under way began, Unix nanoseconds; 0: none is

	mu      sync.Mutex
	started bool
	closed  bool
	reader  sync.WaitGroup
}

// feed is what the reader knows of a track that can be decoded.
type feed struct {
	stream  *astiav.Stream
	queue   *queue
	index   int // in the timeline
	dropped bool
}

// Open opens and probes url: the path of a file, or an address (http, https,
// rtmp, rtsp, srt, udp and their kin; playlists of HLS by either). Canceling ctx
// ends the opening; afterwards it has no effect.
func Open(ctx context.Context, url string, o Options) (*Source, error) {
	s := &Source{
		url: url, name: o.Name, options: o.withDefaults(),
		feeds: map[int]*feed{}, changed: make(chan struct{}, 1), closing: make(chan struct{}),
	}
	if s.name == "" {
		s.name = WithoutPassword(url)
	}
	s.log = s.options.Logger
	s.in = newInput(astiav.LogLevelWarning)
	canceled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		s.cancel()
		close(canceled)
	})
	err := s.open(ctx)
	if !stop() {
		<-canceled // it must not meet a freed input
		err = ctx.Err()
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("open %s: %w", s.name, err)
	}
	return s, nil
}

func (s *Source) open(ctx context.Context) error {
	if err := s.options.CUDA.built(); err != nil {
		return err
	}
	if s.options.Guard == nil && len(s.options.Transport.Headers) > 0 {
		s.options.Guard = anywhere{}
	}
	if s.options.Guard != nil {
		if err := s.setGuard(); err != nil {
			return err
		}
	}
	if err := s.setTrust(); err != nil {
		return err
	}
	place, err := s.locate()
	if err != nil {
		return err
	}
	s.local = s.options.Input != nil || strings.HasPrefix(place.url, "file:")
	s.format = astiav.AllocFormatContext()
	if headers := place.options["headers"]; headers != "" {
		s.guardHeaders(hostOf(place.url))
	}
	options := astiav.NewDictionary()
	defer options.Free()
	for k, v := range place.options {
		if err := options.Set(k, v, 0); err != nil {
			return fmt.Errorf("set the option %s: %w", k, err)
		}
	}
	if err := s.in.open(s.format, place.url, options, s.options.StallTimeout); err != nil {
		return s.openError(ctx, err)
	}
	if err := s.in.probe(s.format, s.options.MaxPixels, s.options.StallTimeout); err != nil {
		return s.openError(ctx, err)
	}
	s.drainLog()
	return s.openTracks()
}

// Info says what the container declares.
func (s *Source) Info() Info { return s.info }

// Video lists the picture tracks that can be decoded, without cover art.
func (s *Source) Video() []*VideoTrack { return s.video }

// Audio lists the sound tracks that can be decoded.
func (s *Source) Audio() []*AudioTrack { return s.audio }

// openTracks makes a decoder for each track that has one.
func (s *Source) openTracks() error {
	s.info = s.describe()
	var why error
	for i, st := range s.format.Streams() {
		t := &s.info.Tracks[i]
		st.SetDiscard(astiav.DiscardAll)
		if t.Kind == KindOther || t.Cover {
			continue
		}
		if err := s.openTrack(st, t); err != nil {
			s.log.Warn("a track that cannot be decoded", "source", s.name, "track", i, "err", err)
			t.Problem, why = err.Error(), err
			continue
		}
		st.SetDiscard(astiav.DiscardDefault)
	}
	if len(s.feeds) == 0 {
		return noTracks(s.info, why)
	}
	s.line = s.newTimeline()
	for _, t := range s.video {
		t.dec.clock, t.clock.clock = s.line, newClock(s.line)
	}
	for _, t := range s.audio {
		t.dec.clock, t.clock.clock = s.line, newClock(s.line)
	}
	return nil
}

func (s *Source) openTrack(st *astiav.Stream, t *TrackInfo) error {
	if n := t.Width * t.Height; n > s.options.MaxPixels {
		return fmt.Errorf("%dx%d is more than the %d pixels that are allowed; scale it down, or raise the limit", t.Width, t.Height, s.options.MaxPixels)
	}
	d := &decoder{packets: &s.packets, index: len(s.feeds)}
	if err := s.openDecoder(d, st, t); err != nil {
		return err
	}
	t.Decodable = true
	d.queue = newQueue(s.changed, s.closing)
	s.feeds[st.Index()] = &feed{stream: st, queue: d.queue, index: d.index}
	native := streamOf(s.format, st.Index())
	if t.Kind == KindVideo {
		d.damage = true
		v := &VideoTrack{Info: *t, src: s, dec: d, crop: native.crop}
		v.clock.nominal = t.interval()
		v.from.Store(&decodedBy{t.Decoder, t.DecoderReason})
		s.video = append(s.video, v)
		return nil
	}
	a := &AudioTrack{Info: *t, src: s, dec: d, integer: native.lossless}
	a.clock.tolerance = soundTolerance(t.Codec)
	if s.options.Loudness {
		a.meter = newMeter(s.log)
	}
	s.audio = append(s.audio, a)
	return nil
}

// openDecoder opens the decoder of a track: NVDEC where that is wanted and takes it.
func (s *Source) openDecoder(d *decoder, st *astiav.Stream, t *TrackInfo) (err error) {
	spec := codecSpec{in: s.in, par: st.CodecParameters(), timeBase: st.TimeBase(), threads: 1, maxPixels: s.options.MaxPixels}
	if t.Kind == KindVideo {
		spec.threads = s.options.Threads
		t.Decoder = Software
		if s.options.CUDA.wanted() {
			if err = d.openHardware(spec, s.options.CUDA); err == nil {
				t.Decoder = NVDEC
				return nil
			}
			t.DecoderReason = err.Error()
			s.log.Warn(inSoftware, "source", s.name, "track", t.Index, "reason", t.DecoderReason)
		}
	}
	d.codec, err = openCodec(spec, nil)
	return err
}

// newTimeline begins where the first of the tracks begins.
func (s *Source) newTimeline() *timeline {
	zero := noTime
	ends, picture := make([]time.Duration, len(s.feeds)), make([]bool, len(s.feeds))
	declared := durationIsDeclared(s.format)
	var wrap time.Duration
	for i, f := range s.feeds {
		n := streamOf(s.format, i)
		ends[f.index], picture[f.index] = noTime, s.info.Tracks[i].Kind == KindVideo
		if n.start == noTime {
			continue
		}
		if zero == noTime || n.start < zero {
			zero = n.start
		}
		if declared && n.duration != noTime {
			ends[f.index] = n.start + n.duration
		}
		if n.wrapBits < 63 {
			tb := f.stream.TimeBase()
			wrap = time.Duration(float64(uint64(1)<<n.wrapBits) * tb.Float64() * float64(time.Second))
		}
	}
	if zero == noTime {
		zero = 0
	}
	t := newTimeline(zero, ends, picture, timestampsMayJump(s.format))
	t.wrap = wrap
	t.exact = strings.Contains(s.info.Container, "mp4")
	if declared && len(s.feeds) == len(s.info.Tracks) {
		t.whole = s.info.Duration // Matroska counts it from 0, wherever the first packet lies
	}
	if s.info.Duration > 0 {
		t.reach = zero + s.info.Duration + stepAhead
	}
	s.info.Start = zero
	return t
}

// skip gives up a track; err is what its reader gets, nil for io.EOF.
func (s *Source) skip(q *queue, err error) {
	for _, p := range q.skip(err) {
		s.packets.put(p.av)
	}
	s.line.leaveOut()
}

// explain names the source in errors that are not the caller's own.
func (s *Source) explain(err error) error {
	if isEnd(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("read %s: %w", s.name, err)
}

// Close stops the reading, waits for it and for Next, and frees everything but
// the frames that are still held. It may be called more than once and while
// other goroutines wait in Next, which then give ErrClosed.
func (s *Source) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.reader.Wait()
		return nil
	}
	s.closed = true
	s.mu.Unlock()

	s.cancel()
	close(s.closing)
	s.reader.Wait()
	for _, t := range s.video {
		s.endTrack(t.dec, t.end)
	}
	for _, t := range s.audio {
		s.endTrack(t.dec, t.end)
	}
	if s.format != nil {
		s.format.CloseInput()
		s.format.Free()
	}
	s.drainLog()
	s.packets.close()
	s.in.free()
	s.gate.close()
	return nil
}

// cancel lets whatever blocks now or later return.
func (s *Source) cancel() {
	s.in.cancel()
	s.gate.cancel()
}

// endTrack frees a decoder once nobody is in Next.
func (s *Source) endTrack(d *decoder, more func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended == nil || d.ended == io.EOF {
		d.ended = ErrClosed
	}
	s.skip(d.queue, ErrClosed)
	more()
	d.close()
}

// drainLog hands over what FFmpeg said.
func (s *Source) drainLog() {
	lines, dropped := s.in.log()
	for _, l := range lines {
		s.log.Debug("ffmpeg", "source", s.name, "from", l.from, "says", s.legible(l.text))
	}
	if dropped > 0 {
		s.log.Debug("ffmpeg said more", "source", s.name, "lines", dropped)
	}
}
