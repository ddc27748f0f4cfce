//go:build cuda

package cuda

import (
	"sync/atomic"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
)

const purposes = len(device.Copies{}.ToDevice)

// counters are what device.Copies is read from.
type counters struct {
	toDevice, toHost [purposes]struct{ calls, bytes atomic.Uint64 }
}

func (c *counters) read() (all device.Copies) {
	for i := range purposes {
		all.ToDevice[i] = device.Traffic{Calls: c.toDevice[i].calls.Load(), Bytes: c.toDevice[i].bytes.Load()}
		all.ToHost[i] = device.Traffic{Calls: c.toHost[i].calls.Load(), Bytes: c.toHost[i].bytes.Load()}
	}
	return all
}

// toDevice and toHost are the only places where bytes of ours cross the bus. They
// queue; the host's side is pinned memory, which must stay until the copy is done.
func (g *gpu) toDevice(p device.Purpose, s cu.Stream, dst cu.DevicePtr, src unsafe.Pointer, n int) error {
	if err := cu.MemcpyHtoDAsync(dst, src, int64(n), s); err != nil {
		return g.failed(err)
	}
	g.copies.toDevice[p].calls.Add(1)
	g.copies.toDevice[p].bytes.Add(uint64(n))
	return nil
}

func (g *gpu) toHost(p device.Purpose, s cu.Stream, dst unsafe.Pointer, src cu.DevicePtr, n int) error {
	if err := cu.MemcpyDtoHAsync(dst, src, int64(n), s); err != nil {
		return g.failed(err)
	}
	g.copies.toHost[p].calls.Add(1)
	g.copies.toHost[p].bytes.Add(uint64(n))
	return nil
}
