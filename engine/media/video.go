package media

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	astiav "github.com/asticode/go-astiav"

	"github.com/streamvet/streamvet/engine/frame"
)

// VideoTrack is a picture track of a Source. One goroutine reads it.
type VideoTrack struct {
	Info TrackInfo

	src   *Source
	dec   *decoder
	clock pictureClock
	crop  crop // of the container; that of the bitstream is applied by the decoder
	index int64
	shape shape // of the picture before
	pool  picturePool

	format    pictureFormat
	converter *converter

	from atomic.Pointer[decodedBy] // what the last picture came from
	told bool                      // the log knows that pictures come from software
}

// shape is what must not change in the middle of a track. It is the same whether
// NVDEC decodes or software.
type shape struct{ width, height, format int }

// Next decodes the next picture. The caller gives it back with Release; pictures
// may be held longer than the Source is open. After the last one it gives io.EOF,
// after Close ErrClosed, and the error of the reading where that failed.
func (t *VideoTrack) Next(ctx context.Context) (*frame.Video, error) {
	t.dec.mu.Lock()
	defer t.dec.mu.Unlock()
	if err := t.src.start(); err != nil {
		return nil, err
	}
	p := t.pool.get()
	for {
		m, err := t.dec.next(ctx, p.av)
		if err != nil {
			t.pool.put(p)
			return nil, t.src.explain(err)
		}
		if t.fill(p, m) {
			p.Arm(p.back)
			return &p.Video, nil
		}
		p.av.Unref()
	}
}

// fill describes the decoded frame. It is false where the planes cannot be given
// out, which counts as a refused packet.
func (t *VideoTrack) fill(p *picture, m mark) bool {
	c := &t.dec.info.c
	if c.data[0] == nil || !t.format.set(int(c.format)) {
		t.dec.refused++
		return false
	}
	colour := frame.Colour{Matrix: frame.Matrix(c.matrix), FullRange: c.full_range != 0}
	if c.on_device == 0 && (!t.format.direct || c.linesize[0] < 0) {
		if t.format.rgb { // no YCbCr yet: take the one that loses least
			colour = frame.Colour{Matrix: frame.MatrixBT709, FullRange: true}
		}
		if err := t.convert(p, colour); err != nil {
			t.src.log.Debug("convert a picture", "track", t.Info.Index, "err", err)
			t.dec.refused++
			return false
		}
	}
	t.planes(p)
	p.Colour = colour
	p.Keyframe, p.Interlaced = c.key != 0, c.interlaced != 0
	p.Rotation = t.Info.Rotation
	p.Index = t.index
	t.index++

	e := t.dec.evidence(m)
	p.PTS, p.Duration, e.Gap, e.Jump = t.clock.place(m.epoch, time.Duration(c.pts), time.Duration(c.duration), t.dec.suspicion > 0)
	s := shape{int(c.width - c.crop_left), int(c.height - c.crop_top), int(c.coded)}
	e.FormatChanged = t.index > 1 && s != t.shape
	t.shape = s
	if t.dec.trouble.forgive {
		t.dec.trouble.forgive, e.Gap = false, 0
	}
	t.tellDecoder(c.on_device != 0)
	p.Evidence = e
	return true
}

// planes points p at the visible part of the picture.
func (t *VideoTrack) planes(p *picture) {
	c := &t.dec.info.c
	f := t.format.Format
	p.Mem = frame.MemHost
	if c.on_device != 0 {
		p.Mem = frame.MemDevice
	}
	p.Format = f
	left, top := int(c.crop_left), int(c.crop_top)
	p.Width, p.Height = int(c.width)-left, int(c.height)-top
	if cut := t.crop; cut.fits(p.Width, p.Height) {
		left += cut.left
		top += cut.top
		p.Width -= cut.left + cut.right
		p.Height -= cut.top + cut.bottom
	}
	for i := range p.Planes {
		if c.data[i] == nil || i > 0 && f.Mono || i > 1 && f.Interleaved {
			p.Planes[i] = frame.Plane{}
			continue
		}
		x, y := left, top
		if i > 0 {
			x, y = x>>f.ChromaShiftX, y>>f.ChromaShiftY
			if f.Interleaved {
				x *= 2
			}
		}
		pitch := int(c.linesize[i])
		p.Planes[i] = frame.Plane{Data: unsafe.Add(unsafe.Pointer(c.data[i]), y*pitch+x*f.SampleBytes()), Pitch: pitch}
	}
}

// fits tells whether it leaves something of a picture.
func (c crop) fits(width, height int) bool {
	return c.left >= 0 && c.right >= 0 && c.top >= 0 && c.bottom >= 0 && c.left+c.right < width && c.top+c.bottom < height
}

// Tail is the evidence that came after the last picture. It is complete once Next
// has given an error.
func (t *VideoTrack) Tail() frame.Evidence {
	t.dec.mu.Lock()
	defer t.dec.mu.Unlock()
	return t.dec.tail(t.clock.end)
}

// Skip gives the track up: its packets are dropped as they come, and Next gives
// io.EOF. It may be called at any time, from any goroutine.
func (t *VideoTrack) Skip() { t.src.skip(t.dec.queue, nil) }

// end is called by Close, with the decoder's lock held.
func (t *VideoTrack) end() {
	t.pool.close()
	if t.converter != nil {
		t.converter.free()
	}
}

// picture is a frame.Video with the FFmpeg frame that holds its memory.
type picture struct {
	frame.Video
	av        *astiav.Frame
	converted *astiav.Frame // nil as long as none was needed
	back      func(*frame.Video)
}

// picturePool keeps pictures that are not in use. It outlives the Source until
// the last picture came back.
type picturePool struct {
	mu     sync.Mutex
	spare  []*picture
	closed bool
}

func (l *picturePool) get() *picture {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.spare); n > 0 {
		p := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return p
	}
	p := &picture{av: astiav.AllocFrame()}
	p.Native = p.av
	p.back = func(*frame.Video) { l.put(p) }
	return p
}

func (l *picturePool) put(p *picture) {
	p.av.Unref()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		p.free()
		return
	}
	l.spare = append(l.spare, p)
}

func (l *picturePool) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, p := range l.spare {
		p.free()
	}
	l.spare = nil
}

func (p *picture) free() {
	p.av.Free()
	if p.converted != nil {
		p.converted.Free()
	}
}

// isEnd tells whether err ends a track in order.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }
