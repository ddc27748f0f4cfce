package conformance

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"

	"github.com/streamvet/streamvet/engine/frame"
)

// picture is a frame in memory that ends where its last row ends: the page after
// it may not be touched.
type picture struct {
	*frame.Video
	released bool
}

// newPicture makes a black picture whose rows are followed by pad samples, which
// hold what decoders leave there: anything.
func newPicture(t testing.TB, w, h int, f frame.Format, pad int) *picture {
	t.Helper()
	p := &picture{Video: &frame.Video{Width: w, Height: h, Format: f, Mem: frame.MemHost}}
	cw, ch := f.ChromaSize(w, h)
	planes, step := 3, 1
	switch {
	case f.Mono:
		planes = 1
	case f.Interleaved:
		planes, step = 2, 2
	}
	for i := range planes {
		pw, ph := w, h
		if i > 0 {
			pw, ph = cw*step, ch
		}
		size := f.SampleBytes()
		pitch := (pw + pad) * size
		p.Planes[i] = frame.Plane{Data: guarded(t, pitch*(ph-1)+pw*size), Pitch: pitch}
		for y := range ph - 1 {
			for x := pw * size; x < pitch; x++ {
				*(*byte)(unsafe.Add(p.Planes[i].Data, y*pitch+x)) = byte(y * y * x)
			}
		}
	}
	p.Arm(func(*frame.Video) { p.released = true })
	return p
}

// guarded is C-like memory of n bytes before a page that faults.
func guarded(t testing.TB, n int) unsafe.Pointer {
	t.Helper()
	page := syscall.Getpagesize()
	whole := (n + page - 1) / page * page
	b, err := syscall.Mmap(-1, 0, whole+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("memory of a picture: %v", err)
	}
	if err := syscall.Mprotect(b[whole:], syscall.PROT_NONE); err != nil {
		t.Fatalf("memory of a picture: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(b) })
	return unsafe.Pointer(&b[whole-n])
}

// size is the size of plane i (0 Y, 1 U, 2 V) in samples.
func (p *picture) size(i int) (w, h int) {
	if i == 0 {
		return p.Width, p.Height
	}
	return p.Format.ChromaSize(p.Width, p.Height)
}

// sample is the address of a sample of plane i.
func (p *picture) sample(i, x, y int) unsafe.Pointer {
	plane, at := p.Planes[i], x
	if i > 0 && p.Format.Interleaved {
		plane, at = p.Planes[1], 2*x+i-1
	}
	return unsafe.Add(plane.Data, y*plane.Pitch+at*p.Format.SampleBytes())
}

// set writes a sample at its own depth.
func (p *picture) set(i, x, y, v int) {
	if p.Format.SampleBytes() == 1 {
		*(*uint8)(p.sample(i, x, y)) = uint8(v)
		return
	}
	if p.Format.HighAligned {
		v <<= 16 - p.Format.BitDepth
	}
	*(*uint16)(p.sample(i, x, y)) = uint16(v)
}

// at reads a sample at its own depth.
func (p *picture) at(i, x, y int) int {
	if p.Format.SampleBytes() == 1 {
		return int(*(*uint8)(p.sample(i, x, y)))
	}
	v := int(*(*uint16)(p.sample(i, x, y)))
	if p.Format.HighAligned {
		v >>= 16 - p.Format.BitDepth
	}
	return v
}

// content says what sample (x, y) of plane i is, in 8-bit units; fractions fill
// the lower bits of deeper formats.
type content func(i, x, y int) float64

// paint writes content into all planes.
func (p *picture) paint(c content) *picture {
	unit := float64(int(1) << (p.Format.BitDepth - 8))
	for i := range 3 {
		w, h := p.size(i)
		if i > 0 && p.Format.Mono {
			break
		}
		for y := range h {
			for x := range w {
				v := min(max(c(i, x, y), 0), 255.999)
				p.set(i, x, y, int(v*unit))
			}
		}
	}
	return p
}

func constant(y, u, v float64) content {
	return func(i, _, _ int) float64 { return [3]float64{y, u, v}[i] }
}

// luma paints luma alone, over neutral chroma.
func luma(c func(x, y int) float64) content {
	return func(i, x, y int) float64 {
		if i > 0 {
			return 128
		}
		return c(x, y)
	}
}

func noise(seed uint64) content {
	r := rand.New(rand.NewPCG(seed, 1))
	return func(int, int, int) float64 { return 256 * r.Float64() }
}

// scene has what real pictures have: gradients with bands, hard edges on and off
// the block grid, fine texture, mild noise and dark bars.
func scene(seed uint64) content {
	r := rand.New(rand.NewPCG(seed, 2))
	shift := r.IntN(16)
	return func(_, x, y int) float64 {
		switch {
		case y < 3:
			return 16
		case y/16%4 == 1:
			return float64((x + shift) / 24 % 60) // bands
		case (x+shift)/16%5 == 2:
			return float64(40 + 50*(x/16+y/16)%180) // blocks
		case x/40%3 == 1:
			return 100 + 60*float64(y%2) // combs
		}
		return float64(x)/3 + float64(y)/2 + 6*r.Float64()
	}
}

var formats = map[string]frame.Format{
	"yuv420p":     {BitDepth: 8, ChromaShiftX: 1, ChromaShiftY: 1},
	"yuv422p":     {BitDepth: 8, ChromaShiftX: 1},
	"yuv444p":     {BitDepth: 8},
	"yuv410p":     {BitDepth: 8, ChromaShiftX: 2, ChromaShiftY: 2},
	"nv12":        {BitDepth: 8, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true},
	"gray":        {BitDepth: 8, Mono: true},
	"yuv420p10le": {BitDepth: 10, ChromaShiftX: 1, ChromaShiftY: 1},
	"yuv422p10le": {BitDepth: 10, ChromaShiftX: 1},
	"yuv444p12le": {BitDepth: 12},
	"p010le":      {BitDepth: 10, HighAligned: true, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true},
	"p016le":      {BitDepth: 16, HighAligned: true, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true},
	"yuv444p16le": {BitDepth: 16},
	"gray10le":    {BitDepth: 10, Mono: true},
	"nv24":        {BitDepth: 8, Interleaved: true},
}

// sizes that vectors do not divide, and one that they do.
var sizes = [][2]int{{1, 1}, {3, 5}, {2, 40}, {40, 2}, {17, 33}, {64, 16}, {127, 65}, {130, 48}, {320, 180}}
