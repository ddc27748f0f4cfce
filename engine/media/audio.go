package media

import (
	"context"
	"sync"
	"time"
	"unsafe"

	astiav "github.com/asticode/go-astiav"

	"github.com/streamvet/streamvet/engine/frame"
)

// AudioTrack is a sound track of a Source. One goroutine reads it.
type AudioTrack struct {
	Info TrackInfo

	src     *Source
	dec     *decoder
	clock   soundClock
	integer bool
	index   int64
	shape   soundShape // of the block before
	pool    soundPool
	meter   *meter // nil: loudness is not measured
}

type soundShape struct{ rate, channels int }

// Next decodes the next block of sound. Ownership and errors are as for
// VideoTrack.Next.
func (t *AudioTrack) Next(ctx context.Context) (*frame.Audio, error) {
	t.dec.mu.Lock()
	defer t.dec.mu.Unlock()
	if err := t.src.start(); err != nil {
		return nil, err
	}
	s := t.pool.get()
	for {
		m, err := t.dec.next(ctx, s.av)
		if err != nil {
			t.pool.put(s)
			return nil, t.src.explain(err)
		}
		if t.fill(s, m) {
			s.Arm(s.back)
			return &s.Audio, nil
		}
		s.av.Unref()
	}
}

// fill describes the decoded block. It is false where there is no sound in it.
func (t *AudioTrack) fill(s *sound, m mark) bool {
	c := &t.dec.info.c
	n, rate := int(c.samples), int(c.sample_rate)
	if n <= 0 || rate <= 0 || c.channels <= 0 || c.data[0] == nil {
		return false
	}
	channels := min(int(c.channels), frame.ChannelsMax)
	if err := s.take(channels, n); err != nil {
		t.src.log.Debug("convert sound", "track", t.Info.Index, "err", err)
		t.dec.refused++
		return false
	}
	s.Channels, s.SampleRate, s.Integer = channels, rate, t.integer
	s.Duration = time.Duration(int64(n) * int64(time.Second) / int64(rate))
	s.Index = t.index
	t.index += int64(n)

	e := t.dec.evidence(m)
	s.PTS, e.Gap, e.Jump = t.clock.place(m.epoch, time.Duration(c.pts), s.Duration)
	shape := soundShape{rate, int(c.channels)}
	e.FormatChanged = t.shape.rate > 0 && shape != t.shape
	if shape != t.shape && shape.channels > frame.ChannelsMax {
		t.src.log.Warn("channels left out", "track", t.Info.Index, "channels", shape.channels, "used", channels)
	}
	t.shape = shape
	s.Evidence = e
	s.Loudness = frame.Loudness{}
	if t.meter != nil {
		s.Loudness = t.meter.measure(s)
	}
	return true
}

// Tail is as VideoTrack.Tail.
func (t *AudioTrack) Tail() frame.Evidence {
	t.dec.mu.Lock()
	defer t.dec.mu.Unlock()
	return t.dec.tail(t.clock.end)
}

// Skip is as VideoTrack.Skip.
func (t *AudioTrack) Skip() { t.src.skip(t.dec.queue, nil) }

// end is called by Close, with the decoder's lock held.
func (t *AudioTrack) end() {
	t.pool.close()
	if t.meter != nil {
		t.meter.free()
	}
}

// sound is a frame.Audio with the memory that holds its samples: the FFmpeg frame
// where that is planar float already, else planes of its own.
type sound struct {
	frame.Audio
	av     *astiav.Frame
	planes samples
	back   func(*frame.Audio)
}

// take points Samples at n samples of the frame, converted where need be.
func (s *sound) take(channels, n int) error {
	planar, err := s.planes.fill(s.av, channels, n)
	if err != nil {
		return err
	}
	for c := range s.Samples {
		switch {
		case c >= channels:
			s.Samples[c] = nil
		case planar:
			s.Samples[c] = unsafe.Slice(planeOf(s.av, c), n)
		default:
			s.Samples[c] = s.planes.channel(c, n)
		}
	}
	return nil
}

// soundPool is as picturePool.
type soundPool struct {
	mu     sync.Mutex
	spare  []*sound
	closed bool
}

func (l *soundPool) get() *sound {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.spare); n > 0 {
		s := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return s
	}
	s := &sound{av: astiav.AllocFrame()}
	s.Native = s.av
	s.back = func(*frame.Audio) { l.put(s) }
	return s
}

func (l *soundPool) put(s *sound) {
	s.av.Unref()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		s.free()
		return
	}
	l.spare = append(l.spare, s)
}

func (l *soundPool) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, s := range l.spare {
		s.free()
	}
	l.spare = nil
}

func (s *sound) free() {
	s.av.Free()
	s.planes.free()
}
