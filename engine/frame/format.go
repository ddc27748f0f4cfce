package frame

import "unsafe"

// Format describes how the samples of a picture lie in its planes. It is a
// description, not an enumeration: every planar or semi-planar YCbCr format of
// 8 to 16 bits is some value of it, and the kernels read the fields directly.
type Format struct {
	// BitDepth is the number of significant bits a sample: 8, 10, 12 or 16.
	// Above 8, samples are 16-bit little-endian words.
	BitDepth uint8
	// HighAligned is true where the significant bits are the upper ones of the
	// word (P010, P016), false where they are the lower ones (yuv420p10le).
	HighAligned bool
	// ChromaShiftX and ChromaShiftY are log2 of the chroma subsampling:
	// 4:2:0 is 1,1; 4:2:2 is 1,0; 4:4:4 is 0,0.
	ChromaShiftX, ChromaShiftY uint8
	// Interleaved is true where U and V share Planes[1] (NV12, P010);
	// Planes[2] is then unused.
	Interleaved bool
	// Mono is true for luma alone; Planes[1] and [2] are then unused.
	Mono bool
}

// SampleBytes is the size of one sample: 1 or 2.
func (f Format) SampleBytes() int {
	if f.BitDepth > 8 {
		return 2
	}
	return 1
}

// ChromaSize is the size of a chroma plane in samples, rounded up, for a
// picture of w by h; 0,0 for Mono.
func (f Format) ChromaSize(w, h int) (cw, ch int) {
	if f.Mono {
		return 0, 0
	}
	sx, sy := int(f.ChromaShiftX), int(f.ChromaShiftY)
	return (w + 1<<sx - 1) >> sx, (h + 1<<sy - 1) >> sy
}

// Matrix is the YCbCr matrix of a picture, as in ITU-T H.273 table 4.
type Matrix uint8

// The matrices that the kernels know. MatrixUnknown is resolved by height when
// a plan is made: BT.709 from 720 lines on, else BT.601.
const (
	MatrixUnknown Matrix = iota
	MatrixBT601
	MatrixBT709
	MatrixBT2020
)

// Colour says how sample values become light.
type Colour struct {
	Matrix Matrix
	// FullRange is true where luma spans 0..255 instead of 16..235 (in 8-bit units).
	FullRange bool
}

// MemKind says where the planes lie.
type MemKind uint8

const (
	MemHost   MemKind = iota // C memory of this process
	MemDevice                // GPU memory: never dereferenced by Go or host C
)

// Plane is one plane of a picture. Data is C or device memory, never Go memory.
type Plane struct {
	Data  unsafe.Pointer
	Pitch int // bytes from one row to the next; may be larger than the row, never negative
}
