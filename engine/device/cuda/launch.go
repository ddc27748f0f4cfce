//go:build cuda

package cuda

import (
	"unsafe"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device/kernels"
)

// cells are the parameters of a kernel, 8 bytes each: cu reads so many of every
// one, whatever its type.
type cells struct {
	value [12]uint64
	at    [12]unsafe.Pointer
}

func newCells() *cells {
	c := new(cells)
	for i := range c.at {
		c.at[i] = unsafe.Pointer(&c.value[i])
	}
	return c
}

// set gives the parameters as cu takes them.
func (c *cells) set(values ...uint64) []unsafe.Pointer {
	return c.at[:copy(c.value[:], values)]
}

// kernel is one kernel over its threads.
type kernel struct {
	entry cu.Function
	kernels.Launch
}

func (g *gpu) kernel(l kernels.Launch) kernel { return kernel{g.kernels[l.Entry], l} }

func (k *kernel) queue(s *stream, parameters []unsafe.Pointer) error {
	return s.gpu.failed(k.entry.Launch(k.Grid[0], k.Grid[1], k.Grid[2], k.Block[0], k.Block[1], k.Block[2], 0, s.queue, parameters))
}
