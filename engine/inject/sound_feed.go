package inject

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
)

// soundFeed is a decoder that runs and gives samples one block after the other.
type soundFeed struct {
	ctx  context.Context
	c    *child
	out  io.ReadCloser
	r    *bufio.Reader
	raw  []byte
	wait int64 // samples, a channel, of silence that come first
	done bool
	err  error
}

// openSoundFeed decodes from sample `from` on; a negative one stands for silence
// before the first sample.
func openSoundFeed(ctx context.Context, t Tools, in input, s SoundTrack, from int64) *soundFeed {
	f := &soundFeed{ctx: ctx, c: newChild(ctx, t.Decoder(), decodeSound(in, s)...), wait: max(-from, 0)}
	if f.out, f.err = f.c.cmd.StdoutPipe(); f.err == nil {
		f.err = f.c.cmd.Start()
	}
	if f.err != nil {
		return f
	}
	f.r = bufio.NewReaderSize(f.out, 1<<16)
	if skip := max(from, 0) * int64(s.Channels) * 4; skip > 0 {
		if _, err := io.CopyN(io.Discard, f.r, skip); err != nil {
			f.done = errors.Is(err, io.EOF)
			if !f.done {
				f.err = err
			}
		}
	}
	return f
}

// next fills samples, with silence after the end of the sound.
func (f *soundFeed) next(samples []float32, channels int) error {
	if f.err != nil {
		return f.explain()
	}
	clear(samples)
	if f.wait > 0 {
		n := min(f.wait, int64(len(samples)/channels))
		f.wait -= n
		samples = samples[n*int64(channels):]
	}
	if f.done || len(samples) == 0 {
		return nil
	}
	if len(f.raw) < 4*len(samples) {
		f.raw = make([]byte, 4*len(samples))
	}
	got, err := io.ReadFull(f.r, f.raw[:4*len(samples)])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		f.err = err
		return f.explain()
	}
	f.done = err != nil
	floatsOf(samples[:got/4], f.raw)
	if f.done && f.ctx.Err() != nil {
		return context.Cause(f.ctx)
	}
	return nil
}

// copyTo writes n samples a channel, or what there is.
func (f *soundFeed) copyTo(w io.Writer, n int64, channels int) error {
	block := make([]float32, soundBlock*channels)
	raw := make([]byte, 4*len(block))
	for n > 0 && !f.done {
		part := block[:min(n, soundBlock)*int64(channels)]
		if err := f.next(part, channels); err != nil {
			return err
		}
		bytesOf(raw, part)
		if _, err := w.Write(raw[:4*len(part)]); err != nil {
			return err
		}
		n -= int64(len(part) / channels)
	}
	return nil
}

func (f *soundFeed) explain() error {
	if f.ctx.Err() != nil {
		return context.Cause(f.ctx)
	}
	return fmt.Errorf("decode: %w: %s", f.err, f.c.errors.String())
}

func (f *soundFeed) close() {
	if f.c.cmd.Process != nil && f.c.cmd.ProcessState == nil {
		_ = f.c.cmd.Process.Kill()
		_ = f.c.cmd.Wait()
	}
}
