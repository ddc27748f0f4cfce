package gpucheck

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/media"
)

// crowd is a number of members that do the same until they are stopped: each plays a
// clip from its start to its end, again and again.
type crowd struct {
	ctx   context.Context
	stop  context.CancelFunc
	play  func(ctx context.Context, m *member) error
	apart time.Duration // between two members that begin
	group sync.WaitGroup

	mu      sync.Mutex
	members []*member
	err     error // the first that a member ended with
}

// member counts what it has done.
type member struct {
	frames atomic.Int64 // but those of source

	mu     sync.Mutex
	source *engine.Source // under way, in a crowd of sources
	last   engine.Summary // of the last round
}

// gather makes an empty crowd.
func gather(ctx context.Context, play func(context.Context, *member) error) *crowd {
	c := &crowd{play: play}
	c.ctx, c.stop = context.WithCancel(ctx)
	return c
}

// grow adds members until there are n, and waits until each has begun.
func (c *crowd) grow(ctx context.Context, n int) error {
	for len(c.members) < n {
		m := &member{}
		c.mu.Lock()
		c.members = append(c.members, m)
		c.mu.Unlock()
		c.group.Go(func() { c.live(m) })
		if err := pause(ctx, c.apart); err != nil {
			return err
		}
	}
	for {
		begun, err := c.begun()
		if err != nil || begun == n {
			return err
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

func (c *crowd) live(m *member) {
	for c.ctx.Err() == nil {
		err := c.play(c.ctx, m)
		if err != nil && c.ctx.Err() == nil {
			c.mu.Lock()
			c.err = errors.Join(c.err, err)
			c.mu.Unlock()
			return
		}
	}
}

// begun counts the members that have had a picture.
func (c *crowd) begun() (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		if m.count() > 0 {
			n++
		}
	}
	return n, c.err
}

// frames counts the pictures of all members.
func (c *crowd) frames() (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		n += m.count()
	}
	return n
}

// end stops all members and waits for them.
func (c *crowd) end() error {
	c.stop()
	c.group.Wait()
	return c.err
}

// forgive forgets the errors so far.
func (c *crowd) forgive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = nil
}

// rate is how many frames a second come in a window of time.
func (c *crowd) rate(ctx context.Context, window time.Duration) (float64, error) {
	before, began := c.frames(), time.Now()
	err := pause(ctx, window)
	fps := float64(c.frames()-before) / time.Since(began).Seconds()
	c.mu.Lock()
	defer c.mu.Unlock()
	return fps, errors.Join(err, c.err)
}

func (m *member) count() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.frames.Load()
	if m.source != nil {
		n += m.source.Progress().Frames
	}
	return n
}

// decoders is a crowd of decoders with nothing behind them.
func decoders(ctx context.Context, d device.Device, clip string) *crowd {
	return gather(ctx, func(ctx context.Context, m *member) (err error) {
		runtime.LockOSThread() // a GPU's current context belongs to the thread
		defer runtime.UnlockOSThread()
		queue, err := d.NewStream()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, queue.Close()) }()
		t, err := picturesOf(ctx, d, queue, clip, func(*frame.Video) error { m.frames.Add(1); return nil })
		if err == nil && t.Decoder != media.NVDEC {
			err = fmt.Errorf("it was decoded in software: %s", t.DecoderReason)
		}
		return err
	})
}

// sources is a crowd of sources of an engine, each as c says. Paced ones begin apart,
// so that their pictures do not come all at the same moment.
func sources(ctx context.Context, e *engine.Engine, c engine.SourceConfig) *crowd {
	c.Sink = nobody{}
	all := gather(ctx, func(ctx context.Context, m *member) error {
		s, err := e.Add(ctx, c)
		if err != nil {
			return err
		}
		m.mu.Lock()
		m.source = s
		m.mu.Unlock()
		sum, err := s.Wait()
		m.mu.Lock()
		m.frames.Add(sum.Frames)
		m.source, m.last = nil, sum
		m.mu.Unlock()
		return err
	})
	if c.Paced {
		all.apart = 27 * time.Millisecond // no whole number of pictures
	}
	return all
}

// pause waits, or ends with ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
