package inject

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os/exec"

	"github.com/streamvet/streamvet/engine/verdict"
)

// sight is what damage did to one decoded picture.
type sight struct {
	changed bool // any sample differs from the clean decode
	// visible: enough macroblocks differ and show an edge that the clean ones have
	// not, or a good part of the picture is far off.
	visible bool
	stale   bool            // it shows a picture from before, whole
	region  *verdict.Region // around the macroblocks that differ; nil for none
	// The macroblocks themselves, of pictures that are not stale.
	seen, hidden Blocks
}

// The limits of what counts as seen. A macroblock differs when its mean absolute
// difference, in luma or chroma, exceeds diffLevels; it shows when in addition
// one of its sides steps by edgeLevels more than in the clean picture. A picture
// is visibly damaged with max(3, 0.2 %) blocks that show, or 5 % that are wrong
// by wrongLevels. Below noticeLevels a block is as the clean one. DamageRule says
// the same in the truth file.
const (
	macroblock   = 16
	noticeLevels = 1
	diffLevels   = 5
	edgeLevels   = 8
	wrongLevels  = 25
	staleReach   = 16 // pictures that a decoder may show again
)

// compare decodes both files on the grid of pictures, where a missing picture is
// the one before again, and tells for every picture of the clean one what the
// damage did. Decoders run single-threaded, so that concealment is repeatable.
func compare(ctx context.Context, t Tools, rate Rate, clean, damaged string, progress func(int64)) ([]sight, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var feeds [2]*pictureFeed
	for i, path := range []string{clean, damaged} {
		feeds[i] = openFeed(ctx, t.Decoder(), decodeDamaged(path, rate))
		defer feeds[i].close()
	}
	var out []sight
	c := comparer{seed: maphash.MakeSeed()}
	for {
		clean, err := feeds[0].next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		damaged, err := feeds[1].next()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		// After the end of the damaged file its last picture stays.
		if clean.Width != damaged.Width || clean.Height != damaged.Height {
			return nil, fmt.Errorf("the damaged pictures are %dx%d", damaged.Width, damaged.Height)
		}
		out = append(out, c.next(clean, damaged))
		progress(int64(len(out)))
	}
}

// pictureFeed is a decoder that runs, and the last picture that it gave.
type pictureFeed struct {
	ctx  context.Context // of the comparison
	c    *child
	out  io.ReadCloser
	y    *y4mReader
	last *Picture
	done bool  // the decoder has ended
	err  error // of the start, or what ended it
}

// decodeDamaged is the command line that decodes what can be decoded, on the grid
// of pictures.
func decodeDamaged(path string, rate Rate) []string {
	return []string{"-hide_banner", "-nostdin", "-loglevel", "fatal", "-threads", "1", "-flags", "+output_corrupt", "-i", fileURL(path),
		"-map", "0:V:0", "-vf", "setpts=PTS-STARTPTS,fps=fps=" + rate.String() + ":start_time=0,format=yuv420p", "-f", "yuv4mpegpipe", "-strict", "-1", "pipe:1"}
}

func openFeed(ctx context.Context, program string, args []string) *pictureFeed {
	f := &pictureFeed{ctx: ctx, c: newChild(ctx, program, args...)}
	if f.out, f.err = f.c.cmd.StdoutPipe(); f.err == nil {
		f.err = f.c.cmd.Start()
	}
	return f
}

// next gives the next picture, valid until the call after; io.EOF with the last
// one again after the end.
func (f *pictureFeed) next() (*Picture, error) {
	if f.err != nil {
		return nil, f.err
	}
	if f.y == nil {
		if f.y, f.err = newY4MReader(f.out); f.err != nil {
			return nil, f.explain()
		}
		f.last = newPicture(f.y.width, f.y.height)
	}
	if f.done {
		return f.last, io.EOF
	}
	err := f.y.next(f.last)
	if errors.Is(err, io.EOF) {
		return f.end()
	}
	if err != nil {
		f.err = err
		return nil, f.explain()
	}
	return f.last, nil
}

// end makes sure that the decoder came to its end by itself. Its exit status
// does not matter: a damaged file may well make it complain.
func (f *pictureFeed) end() (*Picture, error) {
	f.done = true
	err := f.c.cmd.Wait()
	if exit := (*exec.ExitError)(nil); f.ctx.Err() != nil || errors.As(err, &exit) && !exit.Exited() {
		f.err = err
		return nil, f.explain()
	}
	return f.last, io.EOF
}

func (f *pictureFeed) explain() error {
	if f.ctx.Err() != nil {
		return context.Cause(f.ctx)
	}
	return fmt.Errorf("decode: %w: %s", f.err, f.c.errors.String())
}

func (f *pictureFeed) close() {
	if f.c.cmd.Process != nil && !f.done {
		_ = f.c.cmd.Process.Kill()
		_ = f.c.cmd.Wait()
	}
}

// comparer remembers what came before.
type comparer struct {
	seed   maphash.Seed
	hashes []uint64 // of the last clean pictures
}

func (c *comparer) next(clean, damaged *Picture) sight {
	defer func() {
		c.hashes = append(c.hashes, maphash.Bytes(c.seed, clean.Data))
		if len(c.hashes) > staleReach {
			c.hashes = c.hashes[1:]
		}
	}()
	if clean.equal(damaged) {
		return sight{}
	}
	hash := maphash.Bytes(c.seed, damaged.Data)
	for _, h := range c.hashes {
		if h == hash {
			return sight{changed: true, stale: true}
		}
	}
	return lookAt(clean, damaged)
}

// lookAt compares two pictures macroblock by macroblock.
func lookAt(clean, damaged *Picture) sight {
	columns, rows := (clean.Width+macroblock-1)/macroblock, (clean.Height+macroblock-1)/macroblock
	var shows, wrong int
	var seen, hidden Blocks
	x0, y0, x1, y1 := columns, rows, 0, 0
	for by := range rows {
		for bx := range columns {
			diff := blockDifference(clean, damaged, bx, by)
			if diff <= diffLevels {
				if diff > noticeLevels {
					hidden.add(by*columns + bx)
				}
				continue
			}
			x0, y0, x1, y1 = min(x0, bx), min(y0, by), max(x1, bx+1), max(y1, by+1)
			edge := newEdge(clean.luma(), damaged.luma(), bx, by) > edgeLevels
			if diff > wrongLevels {
				wrong++
			}
			if edge {
				shows++
			}
			if edge || diff > wrongLevels {
				seen.add(by*columns + bx)
			} else {
				hidden.add(by*columns + bx)
			}
		}
	}
	s := sight{changed: true, seen: seen, hidden: hidden}
	if x1 > 0 {
		w, h := float64(clean.Width), float64(clean.Height)
		s.region = &verdict.Region{X: float64(x0*macroblock) / w, Y: float64(y0*macroblock) / h}
		s.region.Width = min(float64(x1*macroblock)/w, 1) - s.region.X
		s.region.Height = min(float64(y1*macroblock)/h, 1) - s.region.Y
	}
	total := columns * rows
	s.visible = shows >= max(3, total/500) || wrong >= max(3, total/20)
	return s
}

// blockDifference is the mean absolute difference of a macroblock, the largest of the planes.
func blockDifference(a, b *Picture, bx, by int) float64 {
	out := meanBlock(a.luma(), b.luma(), bx, by, macroblock)
	for i := range 2 {
		out = max(out, meanBlock(a.chroma(i), b.chroma(i), bx, by, macroblock/2))
	}
	return out
}

func meanBlock(a, b plane, bx, by, size int) float64 {
	x0, x1 := bx*size, min((bx+1)*size, a.w)
	sum, n := 0, 0
	for y := by * size; y < min((by+1)*size, a.h); y++ {
		ra, rb := a.row(y)[x0:x1], b.row(y)[x0:x1]
		for x, v := range ra {
			sum += max(int(v)-int(rb[x]), int(rb[x])-int(v))
		}
		n += len(ra)
	}
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n)
}

// newEdge is how much more the damaged picture steps at the sides of a
// macroblock than the clean one, on average along the side where that is most.
func newEdge(clean, damaged plane, bx, by int) float64 {
	x0, y0 := bx*macroblock, by*macroblock
	x1, y1 := min(x0+macroblock, clean.w), min(y0+macroblock, clean.h)
	most := 0.0
	for _, x := range []int{x0, x1} {
		if x > 0 && x < clean.w {
			most = max(most, columnStep(damaged, x, y0, y1)-columnStep(clean, x, y0, y1))
		}
	}
	for _, y := range []int{y0, y1} {
		if y > 0 && y < clean.h {
			most = max(most, rowStep(damaged, y, x0, x1)-rowStep(clean, y, x0, x1))
		}
	}
	return most
}

func columnStep(p plane, x, y0, y1 int) float64 {
	sum := 0
	for y := y0; y < y1; y++ {
		r := p.row(y)
		sum += max(int(r[x])-int(r[x-1]), int(r[x-1])-int(r[x]))
	}
	return float64(sum) / float64(y1-y0)
}

func rowStep(p plane, y, x0, x1 int) float64 {
	sum := 0
	a, b := p.row(y - 1)[x0:x1], p.row(y)[x0:x1]
	for x, v := range a {
		sum += max(int(v)-int(b[x]), int(b[x])-int(v))
	}
	return float64(sum) / float64(x1-x0)
}
