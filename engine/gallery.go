package engine

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Bounds of the evidence pictures.
const (
	evidenceWidth  = 320 // at most, as is the height
	galleryPlaces  = 24  // pictures kept for networks, whose scores come later
	evidenceDetail = 80  // JPEG quality
)

// gallery keeps small pictures of the latest frames that networks looked at, so
// that a verdict that comes later has one to show. Owned by the track's
// goroutine; shoot may be called from any.
type gallery struct {
	dev    device.Device
	stream device.Stream

	mu       sync.Mutex
	tensor   device.Tensor // galleryPlaces+1 rows; the last one is for now
	plan     device.Plan
	prints   device.Readback // one row on its way to the host
	times    [galleryPlaces]time.Duration
	filled   int // pictures taken in all; place filled%galleryPlaces comes next
	rotation int
}

func newGallery(dev device.Device, s device.Stream) *gallery { return &gallery{dev: dev, stream: s} }

// fit prepares for pictures of the geometry of f; those of another one are forgotten.
func (g *gallery) fit(f *frame.Video) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.free(); err != nil {
		return err
	}
	w, h := evidenceSize(f.Width, f.Height)
	t, err := g.dev.NewTensor(device.Shape{N: galleryPlaces + 1, C: 3, H: h, W: w}, device.U8)
	if err != nil {
		return fmt.Errorf("evidence pictures: %w", err)
	}
	p, err := g.dev.NewPlan(g.stream, device.PlanConfig{
		Width: f.Width, Height: f.Height, Format: f.Format, Colour: f.Colour,
		Channels: device.RGB, Filter: device.Area, OutWidth: w, OutHeight: h, Type: device.U8,
	})
	if err != nil {
		return fmt.Errorf("evidence pictures: %w", errors.Join(err, t.Close()))
	}
	b, err := g.dev.NewReadback(3*w*h, device.ForEvidence)
	if err != nil {
		return fmt.Errorf("evidence pictures: %w", errors.Join(err, p.Close(), t.Close()))
	}
	g.tensor, g.plan, g.prints, g.filled, g.rotation = t, p, b, 0, f.Rotation
	return nil
}

// evidenceSize fits w by h into a square of evidenceWidth without enlarging it.
func evidenceSize(w, h int) (int, int) {
	long := max(w, h)
	if long <= evidenceWidth {
		return w, h
	}
	return max(w*evidenceWidth/long, 1), max(h*evidenceWidth/long, 1)
}

// keep takes a picture of f for later.
func (g *gallery) keep(f *frame.Video) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	place := g.filled % galleryPlaces
	if err := g.plan.Put(f, g.tensor, place); err != nil {
		return fmt.Errorf("evidence picture: %w", err)
	}
	g.times[place] = f.PTS
	g.filled++
	return nil
}

// now takes a picture of f and develops it; nil if that cannot be done.
func (g *gallery) now(f *frame.Video) *streamvetv1.Evidence {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.plan.Put(f, g.tensor, galleryPlaces) != nil {
		return nil
	}
	return g.develop(galleryPlaces, f.PTS)
}

// shoot develops the kept picture nearest to t; nil if there is none within a second.
func (g *gallery) shoot(t time.Duration) *streamvetv1.Evidence {
	g.mu.Lock()
	defer g.mu.Unlock()
	best, distance := -1, time.Second
	for i := range min(g.filled, galleryPlaces) {
		if d := (g.times[i] - t).Abs(); d <= distance {
			best, distance = i, d
		}
	}
	if best < 0 || g.tensor == nil {
		return nil
	}
	return g.develop(best, g.times[best])
}

func (g *gallery) develop(place int, at time.Duration) *streamvetv1.Evidence {
	s := g.tensor.Shape()
	plane := s.H * s.W
	if g.prints.Copy(g.stream, g.tensor, place*3*plane, 3*plane) != nil {
		return nil
	}
	row, err := g.prints.Wait()
	if err != nil {
		return nil
	}
	img := image.NewRGBA(image.Rect(0, 0, s.W, s.H))
	for i := range plane {
		img.Pix[4*i], img.Pix[4*i+1], img.Pix[4*i+2], img.Pix[4*i+3] = row[i], row[plane+i], row[2*plane+i], 255
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, turn(img, g.rotation), &jpeg.Options{Quality: evidenceDetail}); err != nil {
		return nil
	}
	return &streamvetv1.Evidence{At: durationpb.New(at), MediaType: "image/jpeg", Data: b.Bytes()}
}

// turn turns a picture clockwise by a multiple of 90 degrees, as a player would.
func turn(src *image.RGBA, degrees int) *image.RGBA {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	var dst *image.RGBA
	switch degrees {
	case 90, 270:
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	case 180:
		dst = image.NewRGBA(src.Rect)
	default:
		return src
	}
	for y := range h {
		for x := range w {
			c := src.RGBAAt(x, y)
			switch degrees {
			case 90:
				dst.SetRGBA(h-1-y, x, c)
			case 180:
				dst.SetRGBA(w-1-x, h-1-y, c)
			case 270:
				dst.SetRGBA(y, w-1-x, c)
			}
		}
	}
	return dst
}

// turnRegion is turn for a region of the picture.
func turnRegion(r *verdict.Region, degrees int) *verdict.Region {
	switch degrees {
	case 90:
		return &verdict.Region{X: 1 - r.Y - r.Height, Y: r.X, Width: r.Height, Height: r.Width}
	case 180:
		return &verdict.Region{X: 1 - r.X - r.Width, Y: 1 - r.Y - r.Height, Width: r.Width, Height: r.Height}
	case 270:
		return &verdict.Region{X: r.Y, Y: 1 - r.X - r.Width, Width: r.Height, Height: r.Width}
	}
	return r
}

func (g *gallery) free() error {
	var errs []error
	if g.prints != nil {
		errs = append(errs, g.prints.Close())
	}
	if g.plan != nil {
		errs = append(errs, g.plan.Close())
	}
	if g.tensor != nil {
		errs = append(errs, g.tensor.Close())
	}
	g.prints, g.plan, g.tensor = nil, nil, nil
	return errors.Join(errs...)
}

func (g *gallery) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.free()
}
