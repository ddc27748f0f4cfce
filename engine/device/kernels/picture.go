package kernels

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/streamvet/streamvet/engine/frame"
)

// SideMax bounds the sides of a picture and of a tensor: all sums in the kernels
// are sized for it.
const SideMax = 16384

// Picture is struct sv_picture. It holds no Go pointer.
type Picture struct {
	plane                         [3]unsafe.Pointer
	pitch                         [3]int32
	width, height                 int32
	chromaWidth, chromaHeight     int32
	chromaShiftX, chromaShiftY    int32
	chromaStep                    int32
	sampleBytes, wordShift, depth int32
}

// Set describes f, whose planes must lie in mem. It refuses what a kernel could
// not read safely.
func (p *Picture) Set(f *frame.Video, mem frame.MemKind) error {
	if f == nil {
		return errors.New("no picture")
	}
	if f.Mem != mem {
		return fmt.Errorf("the picture lies in %s memory, this device reads %s memory", memName(f.Mem), memName(mem))
	}
	if err := checkGeometry(f.Width, f.Height, f.Format); err != nil {
		return err
	}
	p.SetGeometry(f.Width, f.Height, f.Format)
	size := int(p.sampleBytes)
	for i := range planes(f.Format) {
		row := f.Width * size
		if i > 0 {
			row = int(p.chromaWidth*p.chromaStep) * size
		}
		if err := checkPlane(f.Planes[i], row, size); err != nil {
			return fmt.Errorf("plane %d: %w", i, err)
		}
		p.plane[i], p.pitch[i] = f.Planes[i].Data, int32(f.Planes[i].Pitch)
	}
	if planes(f.Format) == 2 {
		p.plane[2], p.pitch[2] = unsafe.Add(p.plane[1], size), p.pitch[1]
	}
	return nil
}

// SetGeometry describes a picture without planes, of a geometry that was checked.
func (p *Picture) SetGeometry(w, h int, f frame.Format) {
	cw, ch := f.ChromaSize(w, h)
	*p = Picture{
		width: int32(w), height: int32(h), chromaWidth: int32(cw), chromaHeight: int32(ch),
		chromaShiftX: int32(f.ChromaShiftX), chromaShiftY: int32(f.ChromaShiftY),
		chromaStep: 1, sampleBytes: int32(f.SampleBytes()), depth: int32(f.BitDepth),
	}
	if f.Interleaved {
		p.chromaStep = 2
	}
	if p.sampleBytes == 2 && f.HighAligned {
		p.wordShift = 16 - p.depth
	}
}

// Planes are the addresses and the pitches of Y, U and V, as the kernels take them.
func (p *Picture) Planes() ([3]unsafe.Pointer, [3]int32) { return p.plane, p.pitch }

// planes is how many planes hold a picture.
func planes(f frame.Format) int {
	switch {
	case f.Mono:
		return 1
	case f.Interleaved:
		return 2
	}
	return 3
}

// SameGeometry tells whether samples of p and q lie at the same places and mean
// the same, so that their difference makes sense.
func (p *Picture) SameGeometry(q *Picture) bool {
	return p.width == q.width && p.height == q.height && p.depth == q.depth && p.wordShift == q.wordShift
}

func checkGeometry(w, h int, f frame.Format) error {
	if w < 1 || h < 1 || w > SideMax || h > SideMax {
		return fmt.Errorf("a picture of %dx%d: sides must be 1 to %d", w, h, SideMax)
	}
	if f.BitDepth < 8 || f.BitDepth > 16 {
		return fmt.Errorf("a format of %d bits: 8 to 16 are known", f.BitDepth)
	}
	if f.ChromaShiftX > 2 || f.ChromaShiftY > 2 {
		return fmt.Errorf("a chroma subsampling of 2^%d x 2^%d: at most 4x4 is known", f.ChromaShiftX, f.ChromaShiftY)
	}
	return nil
}

func checkPlane(p frame.Plane, row, size int) error {
	switch {
	case p.Data == nil:
		return errors.New("no data")
	case p.Pitch < row:
		return fmt.Errorf("pitch %d is less than a row of %d bytes", p.Pitch, row)
	case p.Pitch > math.MaxInt32:
		return fmt.Errorf("pitch %d is beyond 31 bits", p.Pitch)
	case p.Pitch%size != 0 || uintptr(p.Data)%uintptr(size) != 0:
		return fmt.Errorf("16-bit samples at an odd address or with an odd pitch (%d)", p.Pitch)
	}
	return nil
}

func memName(m frame.MemKind) string {
	if m == frame.MemDevice {
		return "device"
	}
	return "host"
}
