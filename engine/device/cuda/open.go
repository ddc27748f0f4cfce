//go:build cuda

package cuda

import (
	"bytes"
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"time"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/kernels"
)

// Open opens a GPU: it starts the driver, takes the GPU's primary context, and
// has the kernels compiled for it. An error says what is missing and how to get it.
func Open(o Options) (device.Device, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	n, err := start()
	if err != nil {
		return nil, err
	}
	if o.Ordinal < 0 || o.Ordinal >= n {
		return nil, fmt.Errorf("device: there is no GPU of number %d; there is %s", o.Ordinal, ordinals(n))
	}
	g, err := newGPU(o)
	if err != nil {
		return nil, fmt.Errorf("device: open cuda %d: %w", o.Ordinal, err)
	}
	return g, nil
}

func newGPU(o Options) (*gpu, error) {
	runtime.LockOSThread() // contexts are current on a thread
	defer runtime.UnlockOSThread()
	g := &gpu{log: o.Logger, double: exports("streamvet_driver_double")}
	g.users.Store(1)
	if err := g.identify(o.Ordinal); err != nil {
		return nil, err
	}
	if err := g.takeContext(); err != nil {
		return nil, err
	}
	if err := g.load(); err != nil {
		g.drop()
		return nil, err
	}
	return g, nil
}

// identify finds out what the GPU is, and refuses one that is too old.
func (g *gpu) identify(ordinal int) (err error) {
	if g.device, err = cu.GetDevice(ordinal); err != nil {
		return g.failed(err)
	}
	name, err := g.device.Name()
	if err != nil {
		return g.failed(err)
	}
	g.name = fmt.Sprintf("%s (cuda %d)", name, ordinal)
	major, minor, err := g.device.ComputeCapability()
	if err != nil {
		return g.failed(err)
	}
	if major*10+minor < 75 {
		return fmt.Errorf("%s is of compute capability %d.%d, and 7.5 is the least (Turing: T4, RTX 20, and all later ones). "+
			"Remedy: another GPU, or --device cpu", name, major, minor)
	}
	return nil
}

// takeContext retains the primary context. Waiting threads sleep in it, unless somebody else has made it active with other flags.
func (g *gpu) takeContext() error {
	_, active, err := g.device.PrimaryCtxState()
	if err != nil {
		return fmt.Errorf("context: %w", g.failed(err))
	}
	if active == 0 {
		if err := g.device.SetPrimaryCtxFlags(cu.SchedBlockingSync); err != nil {
			return fmt.Errorf("flags of the context: %w", g.failed(err))
		}
	}
	if g.context, err = g.device.RetainPrimaryCtx(); err != nil {
		return fmt.Errorf("context: %w", g.failed(err))
	}
	if err := cu.SetCurrentContext(g.context); err != nil {
		_ = g.device.ReleasePrimaryCtx()
		return fmt.Errorf("context: %w", g.failed(err))
	}
	return nil
}

// load has the driver compile the kernels, and prepares for chores.
func (g *gpu) load() (err error) {
	began := time.Now()
	if err := g.compile(); err != nil {
		return fmt.Errorf("kernels: %w", err)
	}
	g.kernels = map[string]cu.Function{}
	for _, entry := range regexp.MustCompile(`\.entry (\w+)`).FindAllStringSubmatch(kernels.PTX, -1) {
		if g.kernels[entry[1]], err = g.module.Function(entry[1]); err != nil {
			return fmt.Errorf("kernel %s: %w", entry[1], g.failed(err))
		}
	}
	if err := g.chores.open(g); err != nil {
		return err
	}
	g.log.Info("the GPU is open", "gpu", g.name, "cuda", cudaVersion(), "memory", memoryNow(), "kernels_ready_in", time.Since(began))
	return nil
}

func (g *gpu) compile() (err error) {
	said := cu.JITErrorLogBuffer{Buffer: make([]byte, 8192)}
	g.module, err = cu.LoadDataEx(kernels.PTX, &said)
	switch err {
	case nil:
		return nil
	case resultOf(cu.Success, unsupportedPTX):
		return fmt.Errorf("the NVIDIA driver (of CUDA %s) is too old for them. Remedy: a driver of 410 (CUDA 10.0) or later; "+
			"ONNX Runtime's GPU build asks for more", cudaVersion())
	}
	text, _, _ := bytes.Cut(said.Buffer, []byte{0})
	return fmt.Errorf("%w; the compiler says: %q", g.failed(err), bytes.TrimSpace(text))
}
