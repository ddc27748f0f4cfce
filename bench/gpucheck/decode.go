package gpucheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cpu"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/media"
)

// decodedClip is what the step decode finds of a clip.
type decodedClip struct {
	Clip      string
	Codec     string
	Decoder   string
	Reason    string `json:",omitempty"`
	Pictures  int
	Different int     // pictures whose measures are not those of software decoding
	FPS       float64 // decoded by one decoder, nothing else
}

// decode decodes each clip with NVDEC and in software, and compares what is measured
// of each picture.
func (c *check) decode(ctx context.Context) error {
	clips, err := c.clipsIn("codecs")
	if err != nil {
		return err
	}
	gpu, err := c.openDevice()
	if err != nil {
		return err
	}
	defer gpu.Close()
	host, err := cpu.Open(cpu.Options{})
	if err != nil {
		return err
	}
	defer host.Close()
	var all []decodedClip
	for _, clip := range clips {
		d, err := c.decodeClip(ctx, gpu, host, clip)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			c.fail("%s: %v", filepath.Base(clip), err)
			continue
		}
		all = append(all, d)
		c.table(all)
	}
	return nil
}

func (c *check) decodeClip(ctx context.Context, gpu, host device.Device, clip string) (decodedClip, error) {
	d := decodedClip{Clip: filepath.Base(clip)}
	var want []measured
	software, err := decodeOn(ctx, host, clip, func(m measured) { want = append(want, m) })
	if err != nil {
		return d, fmt.Errorf("in software: %w", err)
	}
	d.Codec = software.Codec
	diff := differences{want: want}
	nvdec, err := decodeOn(ctx, gpu, clip, diff.compare)
	if err != nil {
		return d, fmt.Errorf("on the GPU: %w", err)
	}
	d.Decoder, d.Reason, d.Pictures, d.Different = nvdec.Decoder, nvdec.DecoderReason, diff.seen, diff.different+max(0, len(want)-diff.seen)
	if d.FPS, err = decodeAlone(ctx, gpu, clip); err != nil {
		return d, err
	}
	c.judgeDecoding(gpu, d, &diff, &nvdec)
	return d, nil
}

// judgeDecoding says what the comparison means.
func (c *check) judgeDecoding(gpu device.Device, d decodedClip, diff *differences, t *media.TrackInfo) {
	what := fmt.Sprintf("%s: %s %dx%d %v %d bits by %s, %.0f frames/s; %d of %d pictures as decoded in software",
		d.Clip, d.Codec, t.Width, t.Height, t.Chroma, t.BitDepth, d.Decoder, d.FPS, d.Pictures-d.Different, len(diff.want))
	switch {
	case d.Decoder != media.NVDEC:
		caps, err := media.NVDECCaps(media.CUDA{Context: gpu.Context()}, d.Codec, t.Chroma, t.BitDepth)
		said := fmt.Sprintf("%s: NVDEC does not decode it here (%s)", d.Clip, d.Reason)
		if err == nil && caps.Supported && d.Different > 0 {
			c.fail("%s", said)
			return
		}
		c.note("%s; decoded in software and uploaded: %d of %d pictures equal", said, d.Pictures-d.Different, len(diff.want))
	case d.Different == 0:
		c.pass("%s", what)
	case c.playsPatterns():
		c.note("%s: the test double has no tape of this clip, and plays a pattern", what)
	case exactly(d.Codec):
		c.fail("%s\n%s", what, diff.text())
	default: // the standard leaves the last bit of its transform open
		c.must(diff.off < 0.5, "%s; the mean level differs by %.3f at most", what, diff.off)
		c.note("%s", diff.text())
	}
}

// playsPatterns tells whether this is the test double of the driver without tapes.
func (c *check) playsPatterns() bool {
	return c.Before.Machine.Double && os.Getenv("STREAMVET_DOUBLE_TAPES") == ""
}

// exactly tells whether the standard of a codec leaves a decoder no choice of bits.
func exactly(codec string) bool { return !strings.HasPrefix(codec, "mpeg") && codec != "h263" }

// measured is one picture of a clip.
type measured struct {
	PTS time.Duration
	frame.Measures
}

// decodeOn decodes a clip's picture track for a device and measures every picture there.
func decodeOn(ctx context.Context, d device.Device, clip string, each func(measured)) (info media.TrackInfo, err error) {
	runtime.LockOSThread() // a GPU's current context belongs to the thread
	defer runtime.UnlockOSThread()
	queue, err := d.NewStream()
	if err != nil {
		return info, err
	}
	defer func() { err = errors.Join(err, queue.Close()) }()
	meter, err := d.NewMeter(queue)
	if err != nil {
		return info, err
	}
	defer func() { err = errors.Join(err, meter.Close()) }()
	upload, err := d.NewUploader(queue)
	if err != nil {
		return info, err
	}
	defer func() { err = errors.Join(err, upload.Close()) }()
	return picturesOf(ctx, d, queue, clip, func(f *frame.Video) error {
		up := f.Retain()
		if f.Mem != d.Mem() {
			up.Release()
			if up, err = upload.Upload(f); err != nil {
				return err
			}
		}
		defer up.Release()
		if err := meter.Measure(up); err != nil {
			return err
		}
		m := measured{PTS: f.PTS}
		if _, err := meter.Next(&m.Measures, true); err != nil {
			return err
		}
		each(m)
		return nil
	})
}

// picturesOf gives the pictures of a clip's first picture track to take, which holds
// no reference afterwards. The information is of the end: what decoded the last one.
func picturesOf(ctx context.Context, d device.Device, queue device.Stream, clip string, take func(*frame.Video) error) (info media.TrackInfo, err error) {
	s, err := media.Open(ctx, clip, media.Options{CUDA: media.CUDA{Context: d.Context(), Stream: queue.Handle()}})
	if err != nil {
		return info, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, t := range s.Audio() {
		t.Skip()
	}
	if len(s.Video()) == 0 {
		return info, errors.New("it has no picture track")
	}
	t := s.Video()[0]
	for {
		f, err := t.Next(ctx)
		if errors.Is(err, io.EOF) {
			info = t.Info
			info.Decoder, info.DecoderReason = t.Decoder()
			return info, nil
		}
		if err != nil {
			return info, err
		}
		err = take(f)
		f.Release()
		if err != nil {
			return info, fmt.Errorf("picture %d: %w", f.Index, err)
		}
	}
}

// decodeAlone is how many frames a second one decoder gives.
func decodeAlone(ctx context.Context, d device.Device, clip string) (fps float64, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	queue, err := d.NewStream()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, queue.Close()) }()
	n, began := 0, time.Now()
	_, err = picturesOf(ctx, d, queue, clip, func(*frame.Video) error { n++; return nil })
	if err == nil {
		err = queue.Sync()
	}
	return float64(n) / time.Since(began).Seconds(), err
}

// differences compares pictures with those that are wanted, in order.
type differences struct {
	want            []measured
	seen, different int
	fields          map[string]int // of frame.Measures, in how many pictures
	first           int
	off             float64 // the largest difference of the mean level
}

func (d *differences) compare(m measured) {
	i := d.seen
	d.seen++
	if i < len(d.want) && m == d.want[i] {
		return
	}
	d.different++
	if d.different == 1 {
		d.first = i
	}
	if d.fields == nil {
		d.fields = map[string]int{}
	}
	if i >= len(d.want) {
		d.fields["more pictures"]++
		return
	}
	w := &d.want[i]
	if m.PTS != w.PTS {
		d.fields["PTS"]++
	}
	d.off = max(d.off, math.Abs(level(&m.Measures)-level(&w.Measures)))
	a, b := reflect.ValueOf(m.Measures), reflect.ValueOf(w.Measures)
	for k := range a.NumField() {
		if !a.Field(k).Equal(b.Field(k)) {
			d.fields[a.Type().Field(k).Name]++
		}
	}
}

// level is the mean of a picture's luma.
func level(m *frame.Measures) float64 { return float64(m.Sum) / float64(max(m.Pixels, 1)) }

func (d *differences) text() string {
	if d.different == 0 {
		return "no picture differs"
	}
	var names []string
	for name, n := range d.fields {
		names = append(names, fmt.Sprintf("%s in %d", name, n))
	}
	return fmt.Sprintf("the first that differs is picture %d; the mean level is off by %.3f at most; it differs %s", d.first, d.off, sorted(names))
}
