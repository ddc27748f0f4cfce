package inject

import (
	"context"
	"errors"
	"io"
	"math"
)

// look is what is known of a clip's stretch: where defects can be put that
// somebody would see or hear.
type look struct {
	media  Media     // of the stretch
	moving []bool    // by picture: something moves from the one before
	loud   []float64 // RMS by lookSound
}

const (
	lookHeight = 180  // pictures are looked at in this size
	lookSound  = 0.05 // seconds
	// A picture moves where more than movingShare of its blocks differ by more than
	// movingLevels from the one before.
	movingLevels = 2
	movingShare  = 0.03
	loudRMS      = 0.004 // -48 dB below full scale
)

func lookAtClip(ctx context.Context, t Tools, in input) (look, error) {
	media, err := t.probe(ctx, in.path)
	if err != nil {
		return look{}, err
	}
	in.bare = media.Bare
	l := look{}
	if l.media, err = in.cut(media); err != nil {
		return l, err
	}
	if l.media.Picture != nil {
		if err := l.pictures(ctx, t, in); err != nil {
			return l, err
		}
	}
	if l.media.Sound != nil {
		if err := l.sound(ctx, t, in); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (l *look) pictures(ctx context.Context, t Tools, in input) error {
	in.maxHeight = lookHeight
	feed := openFeed(ctx, t.Decoder(), decodePictures(in, l.media.Picture.Rate))
	defer feed.close()
	var before *Picture
	for {
		p, err := feed.next()
		if errors.Is(err, io.EOF) && before == nil {
			return errors.New("none of its pictures can be decoded")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		l.moving = append(l.moving, before != nil && moves(before, p))
		before = p.clone()
	}
}

func moves(a, b *Picture) bool {
	columns, rows := (a.Width+macroblock-1)/macroblock, (a.Height+macroblock-1)/macroblock
	moved := 0
	for by := range rows {
		for bx := range columns {
			if meanBlock(a.luma(), b.luma(), bx, by, macroblock) > movingLevels {
				moved++
			}
		}
	}
	return float64(moved) > movingShare*float64(columns*rows)
}

func (l *look) sound(ctx context.Context, t Tools, in input) error {
	track := *l.media.Sound
	feed := openSoundFeed(ctx, t, in, track, 0)
	defer feed.close()
	block := make([]float32, int(lookSound*float64(track.RateHz))*track.Channels)
	for !feed.done {
		if err := feed.next(block, track.Channels); err != nil {
			return err
		}
		sum := 0.0
		for _, v := range block {
			sum += float64(v) * float64(v)
		}
		l.loud = append(l.loud, math.Sqrt(sum/float64(len(block))))
	}
	return nil
}

// audible is the share of [start, start+length) in which something is heard.
func (l look) audible(start, length float64) float64 {
	from, to := int(start/lookSound), int((start+length)/lookSound)
	heard := 0
	for i := from; i < min(to, len(l.loud)); i++ {
		if l.loud[i] > loudRMS {
			heard++
		}
	}
	return float64(heard) / float64(max(to-from, 1))
}

// lively is the share of [start, start+length) in which something moves.
func (l look) lively(start, length float64) float64 {
	fps := l.media.Picture.Rate.FPS()
	from, to := int(start*fps), int(math.Ceil((start+length)*fps))
	moved := 0
	for i := from; i < min(to, len(l.moving)); i++ {
		if l.moving[i] {
			moved++
		}
	}
	return float64(moved) / float64(max(to-from, 1))
}
