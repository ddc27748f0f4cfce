package gpucheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamvet/streamvet/engine"
)

// roof is what the step roofs finds for one codec.
type roof struct {
	Codec       string
	FrameRate   float64 // of the clip
	BitRate     int64
	Decode, Vet []point
	DecodeFPS   float64 // the best of Decode
	VetFPS      float64
	Ratio       float64
	VetCPU      float64 // cores that were busy at the best of Vet
	DecodeNVDEC int     // its load at the best of Decode, percent; -1: not known
	Whole       bool    // more decoders brought no more frames: DecodeFPS is the roof, and not where the time was over
	VetNVDEC    int
	VetGPU      int
	Uploads     int64 // pictures of Vet that were decoded in software, after all
}

// point is a number of decoders or sources and what they reach together.
type point struct {
	Count int
	FPS   float64
}

// leastShare is how much of the decoder's roof must be left with every detector.
const leastShare = 0.9

// roofs measures how many frames a second NVDEC gives, and how many are vetted.
func (c *check) roofs(ctx context.Context) error {
	var all []roof
	for i, codec := range []string{"h264", "hevc"} {
		clip, err := c.loadClip(codec)
		if err != nil {
			c.note("%v", err)
			continue
		}
		share := 3 * c.Budget / 5
		if i > 0 {
			share = c.left(ctx)
		}
		part, cancel := context.WithTimeout(ctx, share)
		r, err := c.roofOf(part, codec, clip)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			c.fail("%s: %v", codec, err)
		}
		all = append(all, r)
		c.table(all)
		c.judgeRoof(&r)
	}
	return nil
}

func (c *check) roofOf(ctx context.Context, codec, clip string) (r roof, err error) {
	r = roof{Codec: codec}
	if r.FrameRate, r.BitRate, err = ratesOf(ctx, clip); err != nil {
		return r, err
	}
	watch := c.watchLoad()
	defer watch.close()
	if err := c.decodeRoof(ctx, clip, watch, &r); err != nil {
		return r, err
	}
	e, err := c.openEngine(onGPU)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	crowd := sources(ctx, e, engine.SourceConfig{URL: clip})
	cpu := newCPUWatch()
	r.Vet, _, err = c.climb(ctx, crowd, c.left(ctx), func(best bool) {
		if best {
			r.VetNVDEC, r.VetGPU, r.VetCPU = watch.decoder(), watch.gpu(), cpu.cores()
		}
		watch.reset()
		cpu.reset()
	})
	r.VetFPS = best(r.Vet)
	if r.DecodeFPS > 0 {
		r.Ratio = r.VetFPS / r.DecodeFPS
	}
	err = errors.Join(err, crowd.end())
	for _, m := range crowd.members {
		r.Uploads += m.last.Uploads
	}
	return r, err
}

// decodeRoof fills in what decoders alone reach.
func (c *check) decodeRoof(ctx context.Context, clip string, watch *loadWatch, r *roof) (err error) {
	r.DecodeNVDEC = -1
	d, err := c.openDevice()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	crowd := decoders(ctx, d, clip)
	r.Decode, r.Whole, err = c.climb(ctx, crowd, c.left(ctx)/2, func(best bool) {
		if best {
			r.DecodeNVDEC = watch.decoder()
		}
		watch.reset()
	})
	r.DecodeFPS = best(r.Decode)
	return errors.Join(err, crowd.end())
}

// climb adds members until that brings no more frames, or the time is over: then it is
// not whole. after is told of each point whether it is the best so far.
func (c *check) climb(ctx context.Context, crowd *crowd, time_ time.Duration, after func(best bool)) (points []point, whole bool, err error) {
	counts, window := []int{1, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192}, 2*time.Second
	if c.Options.Quick {
		counts, window = []int{1, 2}, 500*time.Millisecond
	}
	worse, end := 0, time.Now().Add(time_)
	for _, n := range counts {
		if len(points) > 0 && time.Now().Add(window+window/2).After(end) {
			return points, false, nil
		}
		if err := crowd.grow(ctx, n); err != nil {
			err = fmt.Errorf("with %d at a time: %w", n, err)
			if refusal := (*engine.Refusal)(nil); errors.As(err, &refusal) && len(points) > 0 {
				c.note("%v", err) // a small GPU
				crowd.forgive()
				return points, true, nil
			}
			return points, false, err
		}
		if _, err := crowd.rate(ctx, window/4); err != nil {
			return points, false, err
		}
		after(false) // what was read while they began does not count
		fps, err := crowd.rate(ctx, window)
		if err != nil {
			return points, false, err
		}
		before := best(points)
		points = append(points, point{n, fps})
		after(fps > before)
		if fps > 1.03*before {
			worse = 0
		} else if worse++; worse == 2 {
			break
		}
	}
	return points, true, nil
}

func best(points []point) (fps float64) {
	for _, p := range points {
		fps = max(fps, p.FPS)
	}
	return fps
}

func (c *check) judgeRoof(r *roof) {
	list := func(points []point) (text string) {
		for _, p := range points {
			text += fmt.Sprintf(" %d: %.0f", p.Count, p.FPS)
		}
		return text
	}
	c.note("%s, frames/s by number of decoders:%s", r.Codec, list(r.Decode))
	c.note("%s, frames/s with every detector, by number of sources:%s", r.Codec, list(r.Vet))
	if r.Uploads > 0 {
		c.fail("%s: %d pictures were decoded in software", r.Codec, r.Uploads)
	}
	c.number(r.Codec+", roof of NVDEC", r.DecodeFPS, "frames/s")
	c.number(r.Codec+", with every detector", r.VetFPS, "frames/s")
	c.number(r.Codec+", so many sources at their own pace", r.VetFPS/max(r.FrameRate, 1), fmt.Sprintf("of %.0f frames/s", r.FrameRate))
	c.note("%s, at the best: NVDEC %s, GPU %s, %.1f cores of the host; decoding alone: NVDEC %s", r.Codec, percent(r.VetNVDEC), percent(r.VetGPU), r.VetCPU, percent(r.DecodeNVDEC))
	what := r.Codec + ", share of the roof that is left with every detector"
	if c.Before.Machine.Double {
		c.number(what+" (of the test double: without meaning)", r.Ratio, "")
		return
	}
	if !r.Whole {
		c.note("%s, more decoders might have given more: there was no time to see; %s is at most %.2f", r.Codec, what, r.Ratio)
		return
	}
	c.target(what, r.Ratio, "", r.Ratio >= leastShare, fmt.Sprintf("at least %.2f", leastShare))
}
