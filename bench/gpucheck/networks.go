package gpucheck

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/models"
)

// networkTime is what the step kernels finds of one shipped network.
type networkTime struct {
	Network string
	Batch   int
	Queue   float64 // ms to queue a batch: that of the thread that launches kernels
	Run     float64 // ms from one batch to the next, with none waiting
}

// networks times the networks that look at pictures, on full batches of 1920x1080.
func (c *check) networks(ctx context.Context) (all []networkTime, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	shipped, err := models.Default()
	if err != nil {
		return nil, err
	}
	d, err := c.openDevice()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	provider := infer.CUDA
	if c.Before.Machine.Double {
		provider = infer.CPU // which reads its memory
	}
	l, err := infer.Open(c.Options.ORTLibrary, infer.Options{Provider: provider, Logger: c.log})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for _, detector := range shipped.Detectors() {
		if detector.Network == nil || detector.Input == "sound" {
			continue
		}
		if detector.HalfONNX != nil {
			detector.ONNX = detector.HalfONNX
		}
		t, err := c.network(ctx, l, d, detector)
		if err != nil {
			return all, fmt.Errorf("network %s: %w", detector.Name, err)
		}
		c.number(fmt.Sprintf("network %s, batches of %d", t.Network, t.Batch), t.Run, fmt.Sprintf("ms a batch, %s to queue it", number(t.Queue)))
		all = append(all, t)
	}
	return all, nil
}

func (c *check) network(ctx context.Context, l *infer.Library, d device.Device, detector models.Detector) (t networkTime, err error) {
	n := detector.Network
	t = networkTime{Network: detector.Name, Batch: n.Batch.MaxSize}
	queue, err := d.NewStream()
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, queue.Close()) }()
	session, err := l.Load(engine.SpecOf(detector), infer.Place{Device: d, Queue: queue})
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	in, err := d.NewTensor(n.Tensor.Shape(t.Batch, 1920, 1080), n.Tensor.Type())
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	b, err := session.Bind(in, t.Batch)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	rounds := 100
	if c.Options.Quick {
		rounds = 1
	}
	var queued time.Duration
	began := time.Now()
	for range rounds {
		start := time.Now()
		if err := errors.Join(ctx.Err(), b.Start(t.Batch)); err != nil {
			return t, err
		}
		queued += time.Since(start)
		if err := b.Finish(); err != nil {
			return t, err
		}
	}
	each := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(rounds) }
	t.Queue, t.Run = each(queued), each(time.Since(began))
	return t, nil
}
