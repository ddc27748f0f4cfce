//go:build cuda

package cuda

import (
	"fmt"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
)

// failed makes an error of ours of what the driver answered; nil stays nil. An
// answer that every later call would get too loses the GPU.
func (g *gpu) failed(err error) error {
	switch {
	case err == nil:
		return nil
	case err == cu.OutOfMemory:
		return fmt.Errorf("%w (%s). Remedy: fewer sources or networks on this GPU, smaller batches (batch.max_size), "+
			"or end what else uses it (nvidia-smi)", device.ErrMemory, memoryNow())
	case final(err):
		return g.lose(err)
	}
	return fmt.Errorf("the NVIDIA driver says %w", err)
}

// lose marks the GPU as lost, once, and gives the error of all later calls.
func (g *gpu) lose(err error) error {
	lost := fmt.Errorf("%w: %s answers %v. Remedy: nvidia-smi and the kernel's log (dmesg | grep Xid) say why; "+
		"start this program again, with --device cpu where the GPU stays away", device.ErrLost, g.name, err)
	if g.lost.CompareAndSwap(nil, &lost) {
		g.log.Error("the GPU is lost: everything on it ends", "gpu", g.name, "driver_says", err)
	}
	return *g.lost.Load()
}

// final tells whether err is of those that make a context unusable: "the process
// must be terminated and relaunched", as NVIDIA's documentation says of each.
func final(err error) bool {
	switch err {
	case cu.IllegalAddress, cu.LaunchFailed, cu.LaunchTimeout, cu.IllegalInstruction, cu.MisalignedAddress, cu.InvalidAddressSpace,
		cu.InvalidPc, cu.HardwareStackError, cu.Assert, cu.EccUncorrectable, cu.NvlinkUncorrectable, cu.ContextIsDestroyed,
		cu.Deinitialized, cu.Unknown, resultOf(cu.Success, deviceUnavailable), resultOf(cu.Success, contained):
		return true
	}
	return false
}

// Results that cu has no name for.
const (
	deviceUnavailable = 46  // the GPU is busy or fell off the bus
	unsupportedPTX    = 222 // the PTX is newer than the driver
	contained         = 911 // an error of the memory, contained to this process
)

// memoryNow is what is free, for people, if the driver still says so.
func memoryNow() string {
	free, total, err := cu.MemInfo()
	if err != nil {
		return "the driver does not say how much is free"
	}
	return fmt.Sprintf("%s of %s are free", megabytes(free), megabytes(total))
}

func megabytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MB", n/1e6)
}
