package inject

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
)

// replacement gives pictures or sound that take the place of the clip's own over
// the span of a defect. Calls come in order; n counts from the start of the span.
type replacement interface {
	picture(p *Picture, n int64) (marked bool, err error)
	sound(samples []float32, n int64) (marked bool, err error)
	// close ends its decoders. It is idempotent.
	close()
}

// substitution makes the replacement for one defect, before the long work.
type substitution func(ctx context.Context, r *run, d *planned) (replacement, error)

// substitutes prepares what takes the place of the clip's own pictures and sound.
func (r *run) substitutes(ctx context.Context) error {
	for _, list := range [][]*planned{r.plan.pictures, r.plan.sound} {
		for _, d := range list {
			if d.spec.Kind.substitute == nil {
				continue
			}
			other, err := d.spec.Kind.substitute(ctx, r, d)
			switch {
			case errors.Is(err, errNothingThere):
				d.span.end = d.span.start // the run warns of it
			case err != nil:
				return fmt.Errorf("%s: %w", d.spec, err)
			default:
				d.other = other
			}
		}
	}
	return nil
}

// errNothingThere is of spans that lie behind what could be decoded.
var errNothingThere = errors.New("what could be decoded ends before it")

// sideFile names a file that is gone when the run ends.
func (r *run) sideFile(extension string) (string, error) {
	return r.temporaryBeside(r.job.Out + ".side" + extension)
}

// encodedPictures is another encode of the clip's pictures: of its span alone.
type encodedPictures struct {
	ctx   context.Context
	tools Tools
	path  string
	rate  Rate
	feed  *pictureFeed
	own   *Picture
}

func (e *encodedPictures) picture(p *Picture, n int64) (bool, error) {
	if e.feed == nil {
		e.feed = openFeed(e.ctx, e.tools.Decoder(), decodePictures(input{path: e.path}, e.rate))
		e.own = newPicture(p.Width, p.Height)
	}
	got, err := e.feed.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if got.Width != p.Width || got.Height != p.Height {
		return false, fmt.Errorf("it came back as %dx%d", got.Width, got.Height)
	}
	marked := !p.equal(got)
	p.copyFrom(got)
	return marked, nil
}

func (e *encodedPictures) sound([]float32, int64) (bool, error) { return false, nil }

func (e *encodedPictures) close() {
	if e.feed != nil {
		e.feed.close()
		e.feed = nil
	}
}

// encodeSpan writes the pictures of a span of the clip, as they are, through an
// encoder into a file.
func (r *run) encodeSpan(ctx context.Context, at span, program string, args []string) error {
	enc := newChild(ctx, program, args...)
	in, err := enc.cmd.StdinPipe()
	if err == nil {
		err = enc.cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("start the encoder: %w", err)
	}
	feed := openFeed(ctx, r.tools.Decoder(), decodePictures(r.input(), r.plan.media.Picture.Rate))
	defer feed.close()
	w := bufio.NewWriterSize(in, 1<<20)
	fed := feed.copyTo(w, at)
	in.Close()
	err = enc.explain(ctx, enc.cmd.Wait())
	if errors.Is(fed, errNothingThere) {
		return fed // the encoder complains of nothing else
	}
	return errors.Join(err, fed)
}

// copyTo writes the pictures of a span.
func (f *pictureFeed) copyTo(w *bufio.Writer, at span) error {
	for n := int64(0); n < at.end; n++ {
		p, err := f.next()
		if errors.Is(err, io.EOF) && n <= at.start {
			return errNothingThere
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if n == at.start {
			if err := writeY4MHeader(w, f.y.header); err != nil {
				return err
			}
		}
		if n >= at.start {
			if err := writeY4M(w, p); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}
