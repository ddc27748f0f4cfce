package inject

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"syscall"
)

// counts is what went through a transcode.
type counts struct {
	width, height int
	pictures      int64
	samples       int64 // a channel
}

// transcode decodes in, lets p change pictures and samples, and encodes to out.
// Two decoders feed one encoder over pipes, which bound what is in flight.
// progress is called after every picture (or block of sound, where there are no pictures).
func transcode(ctx context.Context, t Tools, e encoding, p *plan, in input, out string, progress func(pictures int64)) (counts, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer p.close()
	tc := &transcoder{ctx: ctx, cancel: cancel, tools: t, plan: p, in: in, progress: progress}
	enc := newChild(ctx, e.program, e.args(p, out)...)
	var pumps []func(io.Writer) error
	if p.media.Picture != nil {
		pumps = append(pumps, tc.pumpPictures)
	}
	if p.media.Sound != nil {
		pumps = append(pumps, tc.pumpSound)
	}
	ends, err := startEncoder(enc, len(pumps))
	if err != nil {
		return counts{}, fmt.Errorf("start the encoder: %w", err)
	}
	for i, pump := range pumps {
		tc.pumps.Go(func() { tc.run(pump, ends[i]) })
	}
	tc.pumps.Wait()
	if err := enc.explain(ctx, enc.cmd.Wait()); err != nil {
		return counts{}, fmt.Errorf("encode %s: %w", out, err)
	}
	if tc.err != nil {
		return counts{}, tc.err
	}
	return tc.counts, nil
}

// startEncoder starts the encoder with n pipes, from descriptor 3 on, and gives
// the ends to write to.
func startEncoder(enc *child, n int) (ends []*os.File, err error) {
	defer func() {
		for _, r := range enc.cmd.ExtraFiles {
			r.Close() // the encoder has its own
		}
		if err != nil {
			for _, w := range ends {
				w.Close()
			}
		}
	}()
	for range n {
		r, w, err := pipe()
		if err != nil {
			return ends, err
		}
		enc.cmd.ExtraFiles = append(enc.cmd.ExtraFiles, r)
		ends = append(ends, w)
	}
	return ends, enc.cmd.Start()
}

type transcoder struct {
	ctx    context.Context // of the run; ends when one part fails
	cancel context.CancelCauseFunc
	tools  Tools
	plan   *plan
	in     input

	pumps    sync.WaitGroup
	progress func(int64)

	mu     sync.Mutex
	err    error  // of a pump, the first
	counts counts // each field is written by one pump
}

// run lets a pump fill a pipe, and closes it, which tells the encoder that this was all.
func (t *transcoder) run(pump func(io.Writer) error, w *os.File) {
	buffered := bufio.NewWriterSize(w, 1<<20)
	err := pump(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	w.Close()
	t.fail(err)
}

// fail keeps a pump's error and ends the run for it, unless the encoder went away
// first: then the encoder may still say why.
func (t *transcoder) fail(err error) {
	if err == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case errors.Is(err, syscall.EPIPE):
		if t.err == nil {
			t.err = errors.New("the encoder took no more")
		}
	case t.ctx.Err() == nil:
		t.err = err
		t.cancel(err)
	}
}

// decode runs a decoder and lets read take its output.
func (t *transcoder) decode(args []string, read func(io.Reader) error) error {
	c := newChild(t.ctx, t.tools.Decoder(), args...)
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("start the decoder: %w", err)
	}
	readErr := read(out)
	if readErr != nil {
		_ = c.cmd.Process.Kill() // it would wait for a reader for ever
		_ = c.cmd.Wait()
	} else if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("decode %s: %w", t.in.path, c.explain(t.ctx, err))
	}
	if errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF) {
		return fmt.Errorf("decode %s: nothing came out: %s", t.in.path, c.errors.String())
	}
	return readErr
}

func (t *transcoder) pumpPictures(w io.Writer) error {
	return t.decode(decodePictures(t.in, t.plan.media.Picture.Rate), func(r io.Reader) error {
		y, err := newY4MReader(r)
		if err != nil {
			return err
		}
		t.counts.width, t.counts.height = y.width, y.height
		t.plan.preparePictures(y.width, y.height)
		if err := writeY4MHeader(w, y.header); err != nil {
			return err
		}
		pic := newPicture(y.width, y.height)
		for n := int64(0); ; n++ {
			err := y.next(pic)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := t.plan.editPicture(pic, n); err != nil {
				return err
			}
			if err := writeY4M(w, pic); err != nil {
				return err
			}
			t.counts.pictures = n + 1
			t.progress(n + 1)
		}
	})
}

const soundBlock = 4096 // samples a channel

func (t *transcoder) pumpSound(w io.Writer) error {
	track := t.plan.media.Sound
	t.plan.prepareSound()
	return t.decode(decodeSound(t.in, *track), func(r io.Reader) error {
		raw := make([]byte, soundBlock*track.Channels*4)
		samples := make([]float32, soundBlock*track.Channels)
		for n := int64(0); ; {
			got, err := io.ReadFull(r, raw)
			if err == io.EOF {
				return nil
			}
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				return err
			}
			block := samples[:got/4/track.Channels*track.Channels]
			floatsOf(block, raw)
			if err := t.plan.editSound(block, n); err != nil {
				return err
			}
			bytesOf(raw, block)
			if _, err := w.Write(raw[:4*len(block)]); err != nil {
				return err
			}
			n += int64(len(block) / track.Channels)
			t.counts.samples = n
		}
	})
}

// floatsOf reads little-endian samples, bytesOf writes them.
func floatsOf(samples []float32, raw []byte) {
	for i := range samples {
		samples[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
}

func bytesOf(raw []byte, samples []float32) {
	for i, v := range samples {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
	}
}

// keepExpression tells FFmpeg's select filter which pictures stay; "" for all.
func (p *plan) keepExpression() string {
	var removed []string
	for _, d := range p.pictures {
		if d.removes() {
			removed = append(removed, d.spec.Kind.removed(d.spec.Params, d.span))
		}
	}
	if removed == nil {
		return ""
	}
	return "not(" + strings.Join(removed, "+") + ")"
}

// stampExpression tells by how many seconds packets of sound are played later; "" for none.
func (p *plan) stampExpression() string {
	for _, d := range p.stamps {
		rate := float64(p.media.Sound.RateHz)
		end := float64(d.span.end) / rate
		if d.span.end == openEnd {
			end = p.media.Duration
		}
		return d.spec.Kind.stamps(d.spec.Params, float64(d.span.start)/rate, end)
	}
	return ""
}
