//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"sync"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/frame"
)

// uploadedMax bounds the pictures of one uploader: those that a stream keeps for
// its kernels, the previous and the present one, and some for who is slow.
const uploadedMax = heldMax + 4

var errAllOut = errors.New("all pictures are in use")

// pool has the device pictures of one uploader. They come back from any goroutine.
type pool struct {
	gpu *gpu

	mu     sync.Mutex
	idle   []*uploaded
	made   int // idle or in use
	bytes  int // of a picture
	closed bool
}

// uploaded is a picture in device memory.
type uploaded struct {
	frame.Video
	pool    *pool
	memory  cu.DevicePtr
	bytes   int
	recycle func(*frame.Video) // is back
}

func newPool(g *gpu) *pool { return &pool{gpu: g, idle: make([]*uploaded, 0, uploadedMax)} }

// take gives a picture of so many bytes. Pictures of another size go.
func (p *pool) take(bytes int) (*uploaded, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if bytes != p.bytes {
		p.empty()
		p.bytes = bytes
	}
	if n := len(p.idle); n > 0 {
		x := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return x, nil
	}
	if p.made == uploadedMax {
		return nil, fmt.Errorf("%w: %d uploaded pictures were not released", errAllOut, p.made)
	}
	memory, err := p.gpu.allocate(bytes)
	if err != nil {
		return nil, err
	}
	p.made++
	p.gpu.use()
	x := &uploaded{pool: p, memory: memory, bytes: bytes}
	x.recycle = func(*frame.Video) { x.back() }
	return x, nil
}

// back is called when nobody holds the picture any more.
func (x *uploaded) back() {
	p := x.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed && x.bytes == p.bytes {
		p.idle = append(p.idle, x)
		return
	}
	p.gpu.enterToFree()
	defer p.gpu.leave()
	p.discard(x)
}

func (p *pool) discard(x *uploaded) {
	free(x.memory)
	p.made--
	p.gpu.drop()
}

func (p *pool) empty() {
	for _, x := range p.idle {
		p.discard(x)
	}
	p.idle = p.idle[:0]
}

// close frees what is idle; the others are freed when they come back.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.empty()
}

// describe makes x the picture that f is, on the device.
func (x *uploaded) describe(f *frame.Video, l *layout) {
	x.Video = frame.Video{
		Mem: frame.MemDevice, Format: f.Format, Width: f.Width, Height: f.Height, Colour: f.Colour,
		PTS: f.PTS, Duration: f.Duration, Index: f.Index,
		Keyframe: f.Keyframe, Interlaced: f.Interlaced, Rotation: f.Rotation, Evidence: f.Evidence,
	}
	for i, p := range l.planes {
		if p.rows > 0 {
			x.Planes[i] = frame.Plane{Data: address(x.memory + cu.DevicePtr(p.at)), Pitch: p.pitch}
		}
	}
	x.Arm(x.recycle)
}
