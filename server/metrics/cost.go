package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"
)

// busy adds up for how long the GPU was.
type busy struct {
	at             time.Time // of the last sample
	kernels, codec time.Duration
}

// Sample reads how busy the GPU is, and takes it for that since the sample before.
// It is to be called every few seconds.
func (m *Metrics) Sample(now time.Time) {
	r, ok := m.options.Engine.GPU()
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if since := now.Sub(m.gpu.at); !m.gpu.at.IsZero() && since > 0 {
		m.gpu.kernels += since * time.Duration(max(0, r.GPUPercent)) / 100
		m.gpu.codec += since * time.Duration(max(0, r.DecoderPercent)) / 100
	}
	m.gpu.at = now
}

func (m *Metrics) busy() busy {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gpu
}

func (m *Metrics) collectGPU(ch chan<- prometheus.Metric) {
	r, ok := m.options.Engine.GPU()
	if !ok {
		return
	}
	if r.GPUPercent >= 0 {
		m.gpuBusy.send(ch, float64(r.GPUPercent)/100)
	}
	if r.DecoderPercent >= 0 {
		m.gpuDecoder.send(ch, float64(r.DecoderPercent)/100)
	}
	if r.MemoryTotal > 0 {
		m.gpuMemory.send(ch, float64(r.MemoryUsed))
		m.gpuMemoryTotal.send(ch, float64(r.MemoryTotal))
	}
	m.gpuSeconds.send(ch, m.busy().kernels.Seconds())
	m.decoderSeconds.send(ch, m.busy().codec.Seconds())
}

// collectCost tells what an hour of media takes. Before there is any it tells nothing.
func (m *Metrics) collectCost(ch chan<- prometheus.Metric, media time.Duration) {
	price := m.options.Config.Metrics.InstancePrice
	m.price.send(ch, price)
	hours := media.Hours()
	if hours <= 0 {
		return
	}
	m.cpuPerHour.send(ch, processTime().Seconds()/hours)
	if _, ok := m.options.Engine.GPU(); ok {
		m.gpuPerHour.send(ch, m.busy().kernels.Seconds()/hours)
	}
	m.costPerHour.send(ch, price*time.Since(m.started).Hours()/hours)
}

// processTime is the processor time of all threads of this process so far.
func processTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
