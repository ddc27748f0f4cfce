//go:build cuda

package cuda

import (
	"errors"
	"log/slog"
	"sync"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"gorgonia.org/cu"
)

// Monitor reads what NVIDIA's management library (NVML) says of a GPU. Where the
// library is missing, or does not know a number, the number is missing too.
type Monitor struct {
	mu     sync.Mutex
	device nvml.Device // nil where there is none to read
}

// NewMonitor finds the GPU that Open would open. It logs, once, if there will be no numbers.
func NewMonitor(o Options) *Monitor {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	d, err := management(o.Ordinal)
	if err != nil {
		o.Logger.Warn("NVML tells nothing of the GPU: its load and memory are not known", "gpu", o.Ordinal, "reason", err,
			"remedy", "libnvidia-ml.so.1 is part of the driver; a container gets it with NVIDIA_DRIVER_CAPABILITIES=utility")
	}
	return &Monitor{device: d}
}

// management starts NVML, and finds the GPU in it by its UUID: NVML counts those that CUDA hides, and in another order.
func management(ordinal int) (nvml.Device, error) {
	if _, err := start(); err != nil {
		return nil, err
	}
	d, err := cu.GetDevice(ordinal)
	if err != nil {
		return nil, err
	}
	id, err := d.UUID()
	if err != nil {
		return nil, err
	}
	if result := nvml.Init(); result != nvml.SUCCESS {
		return nil, errors.New(nvml.ErrorString(result))
	}
	m, result := nvml.DeviceGetHandleByUUID("GPU-" + id.String())
	if result != nvml.SUCCESS {
		_ = nvml.Shutdown()
		return nil, errors.New(nvml.ErrorString(result))
	}
	return m, nil
}

// Read asks for the numbers of now.
func (m *Monitor) Read() Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := Reading{GPUPercent: -1, DecoderPercent: -1}
	if m.device == nil {
		return r
	}
	if u, result := m.device.GetUtilizationRates(); result == nvml.SUCCESS {
		r.GPUPercent = int(u.Gpu)
	}
	if percent, _, result := m.device.GetDecoderUtilization(); result == nvml.SUCCESS {
		r.DecoderPercent = int(percent)
	}
	if memory, result := m.device.GetMemoryInfo(); result == nvml.SUCCESS {
		r.MemoryUsed, r.MemoryTotal = int64(memory.Used), int64(memory.Total)
	}
	if clock, result := m.device.GetMaxClockInfo(nvml.CLOCK_VIDEO); result == nvml.SUCCESS {
		r.VideoClock = int(clock)
	}
	return r
}

// Close ends the use of NVML. It is idempotent; Read gives no numbers after it.
func (m *Monitor) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.device == nil {
		return nil
	}
	m.device = nil
	if result := nvml.Shutdown(); result != nvml.SUCCESS {
		return errors.New("device: NVML does not end: " + nvml.ErrorString(result))
	}
	return nil
}
