package gpucheck

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// kernelTimes are what the step kernels finds.
type kernelTimes struct {
	Pictures []kernelTime
	Networks []networkTime
}

// kernelTime is what the step kernels finds of one kind of work.
type kernelTime struct {
	Work         string
	Format       string
	Microseconds float64 // a picture, with many queued at once
}

// picturesInHand are the pictures that work is repeated on.
const picturesInHand = 8

// kernels times conversions and measures of pictures that lie on the GPU, and the networks, and asks
// NVIDIA's profiler for each kernel where it is there.
func (c *check) kernels(ctx context.Context) error {
	var all []kernelTime
	err := c.overPictures(ctx, func(b *bench) error {
		warm, n := 30, 300
		if c.Options.Quick {
			warm, n = 0, 1
		}
		for _, w := range b.works() {
			if err := b.repeat(ctx, w, warm); err != nil {
				return err
			}
			began := time.Now()
			if err := b.repeat(ctx, w, n); err != nil {
				return err
			}
			each := float64(time.Since(began).Microseconds()) / float64(n)
			all = append(all, kernelTime{w.name, b.format, each})
			c.number(b.format+", "+w.name, each, "us a picture")
		}
		return nil
	})
	if err != nil {
		return err
	}
	networks, err := c.networks(ctx)
	c.table(kernelTimes{Pictures: all, Networks: networks})
	if err != nil {
		return err
	}
	return c.profile(ctx)
}

// profile lets NVIDIA's profiler run the same for a moment.
func (c *check) profile(ctx context.Context) error {
	tool := findTool("ncu")
	if tool == "" {
		c.note("ncu is not here: the times above are of whole calls, the launches of their kernels included")
		return nil
	}
	exe, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		return err
	}
	s := c.state
	s.Step, s.Budget, s.Heard = "kernel-loop", c.left(ctx), false
	cmd := exec.CommandContext(ctx, tool, "--csv", "--metrics", "gpu__time_duration.sum", "--launch-count", "200", "--target-processes", "all", exe)
	remove, err := s.handOver(cmd, nil)
	if err != nil {
		return err
	}
	defer remove()
	cmd.WaitDelay = 2 * time.Second
	out, err := cmd.Output()
	times := readProfile(out)
	if len(times) == 0 {
		c.note("ncu tells nothing here: %v; %s", err, lastLine(out))
		return nil
	}
	for _, t := range times {
		c.number("ncu, "+t.kernel, t.mean, "us a launch")
	}
	return nil
}

// kernelLoop is what the profiler looks at.
func (c *check) kernelLoop(ctx context.Context) error {
	return c.overPictures(ctx, func(b *bench) error {
		for _, w := range b.works() {
			if err := b.repeat(ctx, w, 5); err != nil {
				return err
			}
		}
		return nil
	})
}

// bench are pictures on the GPU and what works on them.
type bench struct {
	device.Device
	queue    device.Stream
	meter    device.Meter
	pictures []*frame.Video
	format   string
}

// overPictures calls each with pictures of 8 and of 10 bits, as NVDEC gives them.
func (c *check) overPictures(ctx context.Context, each func(*bench) error) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	d, err := c.openDevice()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	for _, f := range []struct{ format, clip string }{{"8 bits", "h264"}, {"10 bits", "hevc10"}} {
		clip, err := c.loadClip(f.clip)
		if err != nil {
			c.note("%v", err)
			continue
		}
		if err := withPictures(ctx, d, clip, f.format, each); err != nil {
			return err
		}
	}
	return nil
}

var errEnough = errors.New("enough pictures")

func withPictures(ctx context.Context, d device.Device, clip, format string, each func(*bench) error) (err error) {
	b := &bench{Device: d, format: format}
	if b.queue, err = d.NewStream(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.queue.Close()) }()
	if b.meter, err = d.NewMeter(b.queue); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.meter.Close()) }()
	upload, err := d.NewUploader(b.queue)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, upload.Close()) }()
	defer func() {
		for _, p := range b.pictures {
			p.Release()
		}
	}()
	_, err = picturesOf(ctx, d, b.queue, clip, func(f *frame.Video) error {
		if f.Mem == d.Mem() {
			f = f.Retain()
		} else if f, err = upload.Upload(f); err != nil {
			return err
		}
		if b.pictures = append(b.pictures, f); len(b.pictures) == picturesInHand {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return each(b)
}

// work is one thing that is done to pictures.
type work struct {
	name string
	plan *device.PlanConfig // nil: measuring
}

// works are those of the shipped detectors and of networks as they are common.
func (b *bench) works() []work {
	f := b.pictures[0]
	up := func(n int) int { return (n + 15) &^ 15 }
	plan := func(c device.PlanConfig) *device.PlanConfig {
		c.Width, c.Height, c.Format, c.Colour = f.Width, f.Height, f.Format, f.Colour
		return &c
	}
	return []work{
		{name: "measures"},
		{"luma at full size, u8", plan(device.PlanConfig{Filter: device.None, OutWidth: up(f.Width), OutHeight: up(f.Height), Type: device.U8})},
		{"RGB 320x180 area, u8 (evidence)", plan(device.PlanConfig{Channels: device.RGB, OutWidth: 320, OutHeight: 180, Type: device.U8})},
		{"RGB 224x224 area, f32", plan(device.PlanConfig{Channels: device.RGB, OutWidth: 224, OutHeight: 224, Type: device.F32})},
		{"RGB 224x224 bilinear, f16", plan(device.PlanConfig{Channels: device.RGB, Filter: device.Bilinear, OutWidth: 224, OutHeight: 224, Type: device.F16})},
		{"RGB 640x384 letterbox area, f16", plan(device.PlanConfig{Channels: device.RGB, Letterbox: true, OutWidth: 640, OutHeight: 384, Type: device.F16})},
	}
}

// repeat does a work n times and waits for the GPU.
func (b *bench) repeat(ctx context.Context, w work, n int) error {
	if w.plan == nil {
		return b.measure(ctx, n)
	}
	channels := 1
	if w.plan.Channels == device.RGB {
		channels = 3
	}
	t, err := b.NewTensor(device.Shape{N: 1, C: channels, H: w.plan.OutHeight, W: w.plan.OutWidth}, w.plan.Type)
	if err != nil {
		return err
	}
	p, err := b.NewPlan(b.queue, *w.plan)
	if err != nil {
		return errors.Join(err, t.Close())
	}
	for i := 0; i < n && err == nil; i++ {
		if err = ctx.Err(); err == nil {
			err = p.Put(b.pictures[i%len(b.pictures)], t, 0)
		}
	}
	return errors.Join(err, b.queue.Sync(), p.Close(), t.Close())
}

// measure keeps a few pictures under measurement, as the engine does.
func (b *bench) measure(ctx context.Context, n int) error {
	var m frame.Measures
	for i := range n {
		if err := errors.Join(ctx.Err(), b.meter.Measure(b.pictures[i%len(b.pictures)])); err != nil {
			return err
		}
		for b.meter.Pending() > 8 {
			if _, err := b.meter.Next(&m, true); err != nil {
				return err
			}
		}
	}
	for b.meter.Pending() > 0 {
		if _, err := b.meter.Next(&m, true); err != nil {
			return err
		}
	}
	return b.queue.Sync()
}
