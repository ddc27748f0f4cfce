package kernels

import (
	_ "embed"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// PTX is entries.cu for every GPU of compute capability 7.5 and later, as
// scripts/ptx.sh compiles it. It is checked in, and CI compiles it again.
//
//go:embed kernels.ptx
var PTX string

// Launch is one kernel: which entry of PTX, over how many threads.
type Launch struct {
	Entry       string
	Grid, Block [3]int
}

// PutLaunch is the kernel of a conversion. Its parameters, each of 8 bytes: the
// plan and the geometry (struct sv_plan and sv_picture in device memory); the
// addresses of the planes Y, U, V; their pitches; the address of the row of the
// tensor. U of interleaved planes is the first chroma sample, V the second.
func PutLaunch(c device.PlanConfig) Launch {
	entry := map[device.DType]string{device.U8: "sv_put_u8", device.F16: "sv_put_f16", device.F32: "sv_put_f32"}[c.Type]
	return Launch{Entry: entry, Grid: [3]int{share(c.OutWidth, 32), share(c.OutHeight, 8), 1}, Block: [3]int{32, 8, 1}}
}

// MeasureLaunches are the kernels that measure a picture, in order. Their
// parameters, each of 8 bytes: the measures (struct sv_measures, whatever is in
// it); ScratchBytes of scratch; geometry, planes and pitches as in PutLaunch; the
// address and the pitch of the luma before, or 0 and 0.
func MeasureLaunches(w, h int, f frame.Format) []Launch {
	one := [3]int{1, 1, 1}
	side := 8 * frame.BlockSize
	blocks := func(w, h int) [3]int { return [3]int{share(w, side), share(h, side), 1} }
	l := []Launch{
		{"sv_measure_begin", one, one},
		{"sv_measure_luma", blocks(w, h), [3]int{8, 8, 1}},
	}
	if !f.Mono {
		l = append(l, Launch{"sv_measure_chroma", blocks(f.ChromaSize(w, h)), [3]int{8, 8, 1}})
	}
	return append(l,
		Launch{"sv_measure_grid", [3]int{1, frame.GridHeight, 1}, [3]int{frame.GridWidth, 1, 1}},
		Launch{"sv_measure_borders", one, one})
}

// ScratchBytes is the device memory that MeasureLaunches needs besides, 0 for none.
func ScratchBytes(w, h int, f frame.Format) int { return 0 }

// share is a divided by b, rounded up.
func share(a, b int) int { return (a + b - 1) / b }
