//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/kernels"
	"github.com/streamvet/streamvet/engine/frame"
)

// stagings is how many pictures are on their way to the GPU while the next one is copied together.
const stagings = 2

type uploader struct {
	gpu     *gpu
	stream  *stream
	pool    *pool
	stages  [stagings]staging
	next    int // of stages
	bytes   int // of the picture before
	picture kernels.Picture
	closed  bool
}

// staging is pinned memory for one picture, and the mark behind its copy.
type staging struct {
	memory pinned
	bytes  int
	copied cu.Event
}

func (g *gpu) NewUploader(s device.Stream) (device.Uploader, error) {
	u := &uploader{gpu: g, pool: newPool(g)}
	if err := u.open(s); err != nil {
		return nil, fmt.Errorf("device: uploader: %w", err)
	}
	return u, nil
}

func (u *uploader) open(s device.Stream) (err error) {
	if u.stream, err = u.gpu.streamOf(s); err != nil {
		return err
	}
	if err := u.stream.enter(); err != nil {
		return err
	}
	defer u.gpu.leave()
	for i := range u.stages {
		if u.stages[i].copied, err = newMark(); err != nil {
			u.free()
			return fmt.Errorf("event: %w", u.gpu.failed(err))
		}
	}
	u.gpu.opened()
	return nil
}

func (u *uploader) free() {
	for i := range u.stages {
		s := &u.stages[i]
		s.memory.free()
		if s.copied != (cu.Event{}) {
			_ = cu.DestroyEvent(&s.copied)
		}
	}
}

func (u *uploader) Upload(f *frame.Video) (*frame.Video, error) {
	if u.closed {
		return nil, device.ErrClosed
	}
	g, err := u.upload(f)
	if err != nil {
		return nil, fmt.Errorf("device: upload: %w", err)
	}
	return g, nil
}

func (u *uploader) upload(f *frame.Video) (*frame.Video, error) {
	if f == nil {
		return nil, errors.New("no picture")
	}
	if err := u.picture.Set(f, frame.MemHost); err != nil {
		return nil, err
	}
	if err := u.stream.enter(); err != nil {
		return nil, err
	}
	defer u.gpu.leave()
	l := layoutOf(f)
	if l.bytes != u.bytes { // the pool frees pictures that may still be on their way
		u.stream.settle()
		u.bytes = l.bytes
	}
	x, err := u.take(l.bytes)
	if err != nil {
		return nil, err
	}
	if err := u.send(f, &l, x); err != nil {
		x.back()
		return nil, err
	}
	x.describe(f, &l)
	return &x.Video, nil
}

// take gives a picture of device memory that nobody reads any more.
func (u *uploader) take(bytes int) (*uploaded, error) {
	x, err := u.pool.take(bytes)
	if !errors.Is(err, errAllOut) {
		return x, err
	}
	if err := u.stream.drain(); err != nil { // the kernels may be behind
		return nil, err
	}
	return u.pool.take(bytes)
}

// send copies the rows together in pinned memory and queues their way to x.
func (u *uploader) send(f *frame.Video, l *layout, x *uploaded) error {
	s := &u.stages[u.next]
	if err := u.gpu.failed(s.copied.Synchronize()); err != nil {
		return err
	}
	if s.bytes < l.bytes {
		s.memory.free()
		s.bytes = 0
		var err error
		if s.memory, err = u.gpu.pin(l.bytes); err != nil {
			return err
		}
		s.bytes = l.bytes
	}
	l.gather(s.memory.bytes(l.bytes), f)
	if err := u.gpu.toDevice(device.ForPictures, u.stream.queue, x.memory, s.memory.at, l.bytes); err != nil {
		return err
	}
	u.next = (u.next + 1) % stagings
	return u.gpu.failed(s.copied.Record(u.stream.queue))
}

func (u *uploader) Close() error {
	if u.closed {
		return nil
	}
	u.closed = true
	u.gpu.enterToFree()
	defer u.gpu.leave()
	u.stream.settle()
	u.free()
	u.pool.close()
	u.gpu.gone()
	return nil
}

// layout is where the rows of a picture lie in one block of memory.
type layout struct {
	planes [3]struct{ at, pitch, row, rows int } // of none: rows is 0
	bytes  int
}

const planeAlignment = 256 // of planes and rows: what the GPU reads at once lies in one piece

func layoutOf(f *frame.Video) (l layout) {
	size := f.Format.SampleBytes()
	cw, ch := f.Format.ChromaSize(f.Width, f.Height)
	add := func(i, row, rows int) {
		pitch := (row + planeAlignment - 1) &^ (planeAlignment - 1)
		l.planes[i].at, l.planes[i].pitch, l.planes[i].row, l.planes[i].rows = l.bytes, pitch, row, rows
		l.bytes += pitch * rows
	}
	add(0, f.Width*size, f.Height)
	switch {
	case f.Format.Mono:
	case f.Format.Interleaved:
		add(1, 2*cw*size, ch)
	default:
		add(1, cw*size, ch)
		add(2, cw*size, ch)
	}
	return l
}

// gather copies the rows of f to where they are to lie. What lies between rows stays as it is.
func (l *layout) gather(dst []byte, f *frame.Video) {
	for i, p := range l.planes {
		for y := range p.rows {
			row := unsafe.Slice((*byte)(unsafe.Add(f.Planes[i].Data, y*f.Planes[i].Pitch)), p.row)
			copy(dst[p.at+y*p.pitch:], row)
		}
	}
}
