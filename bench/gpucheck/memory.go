package gpucheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamvet/streamvet/engine"
)

// memoryUse is what the step memory finds. All are bytes of device memory.
type memoryUse struct {
	Before, WithFirst, WithAll, After int64
	Sources                           int
	PerSource                         int64 // of each after the first
}

const (
	perSource = 100e6 // bytes that a source of 1080p may take at most
	notBack   = 32e6  // that may stay taken, in the blocks that a driver allocates by
)

// memory adds sources and removes them, and watches the device's memory.
func (c *check) memory(ctx context.Context) (err error) {
	clip, err := c.loadClip("h264")
	if err != nil {
		return err
	}
	d, err := c.openDevice()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	e, err := c.openEngine(onGPU)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	taken := func() int64 {
		free, total, e := d.Memory()
		err = errors.Join(err, e)
		return total - free
	}
	settle, n := 1500*time.Millisecond, 17
	if c.Options.Quick {
		settle, n = 300*time.Millisecond, 3
	}
	with := func(n int) (used int64, err error) {
		crowd := sources(ctx, e, engine.SourceConfig{URL: clip, Paced: true})
		if err := errors.Join(crowd.grow(ctx, n), pause(ctx, settle)); err != nil {
			return 0, errors.Join(err, crowd.end())
		}
		used = taken()
		return used, crowd.end()
	}
	if _, err := with(1); err != nil { // what stays for good is taken now
		return err
	}
	m := memoryUse{Before: taken(), Sources: n}
	if m.WithFirst, err = with(1); err != nil {
		return err
	}
	if m.WithAll, err = with(n); err != nil {
		return err
	}
	m.After = taken()
	m.PerSource = (m.WithAll - m.WithFirst) / int64(n-1)
	c.table(m)
	const mb = 1e6
	c.note("taken before: %.1f MB, with 1 source: %.1f MB, with %d: %.1f MB, after: %.1f MB", float64(m.Before)/mb, float64(m.WithFirst)/mb, n, float64(m.WithAll)/mb, float64(m.After)/mb)
	c.target("of each further source", float64(m.PerSource)/mb, "MB", m.PerSource < perSource, fmt.Sprintf("below %.0f", perSource/mb))
	c.target("not given back by all of them", float64(m.After-m.Before)/mb, "MB", m.After-m.Before < notBack, fmt.Sprintf("below %.0f", notBack/mb))
	return err
}
