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

// Launch is one kernel: which entry of PTX, over how many thread blocks of how
// many threads. Shared memory is part of the entry; none is asked for here.
type Launch struct {
	Entry       string
	Grid, Block [3]int
}

// PutLaunch is the kernel of a conversion. Its parameters, each of 8 bytes: the
// plan and the geometry (struct sv_plan and sv_picture in device memory); the
// addresses of the planes Y, U, V; their pitches; the address of the row of the
// tensor. U of interleaved planes is the first chroma sample, V the second.
func PutLaunch(c device.PlanConfig) Launch {
	entry, across, down := "sv_put_", 1, 1 // positions a thread
	if c.Channels == device.Luma && c.Filter == device.None {
		entry, across, down = "sv_put_luma_", 4, 4
	}
	block := [3]int{32, 8, 1}
	return Launch{
		Entry: entry + c.Type.String(),
		Grid:  [3]int{share(c.OutWidth, across*block[0]), share(c.OutHeight, down*block[1]), 1}, Block: block,
	}
}

// What a thread block takes of a picture; the kernels have the same numbers.
const (
	tileWidth, tileHeight, tileThreads = 128, 64, 128 // tile.cuh
	barColumns, barRows, barThreads    = 128, 16, 512 // bars.cuh
	beginThreads                       = 256
	cellLanes                          = 32 // at most
)

// MeasureLaunches are the kernels that measure a picture, in order. Their
// parameters, each of 8 bytes: the measures (struct sv_measures, whatever is in
// it); ScratchBytes of scratch; geometry, planes and pitches as in PutLaunch; the
// address and the pitch of the luma before, or 0 and 0.
func MeasureLaunches(w, h int, f frame.Format) []Launch {
	lanes := lanesOfCell(w, h)
	cells := max(8, 32/lanes) // a thread block
	return []Launch{
		{"sv_measure_begin", [3]int{1, 1, 1}, [3]int{beginThreads, 1, 1}},
		{"sv_measure_tiles", [3]int{share(w, tileWidth), share(h, tileHeight), 1}, [3]int{tileThreads, 1, 1}},
		{"sv_measure_cells", [3]int{frame.GridWidth / cells, frame.GridHeight, planes(f)}, [3]int{lanes, cells, 1}},
		{"sv_measure_bars", [3]int{share(w, barColumns) + share(h, barRows), 1, 1}, [3]int{barThreads, 1, 1}},
	}
}

// lanesOfCell is a power of two such that each lane has a few loads of 16 samples.
func lanesOfCell(w, h int) int {
	loads := (share(share(w, frame.GridWidth), 16) + 1) * share(h, frame.GridHeight)
	lanes := 1
	for lanes < cellLanes && 4*lanes <= loads {
		lanes *= 2
	}
	return lanes
}

// ScratchBytes is the device memory that MeasureLaunches needs besides, 0 for none.
func ScratchBytes(w, h int, f frame.Format) int { return 0 }

// share is a divided by b, rounded up.
func share(a, b int) int { return (a + b - 1) / b }
