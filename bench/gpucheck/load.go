package gpucheck

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/streamvet/streamvet/engine/device/cuda"
	"github.com/streamvet/streamvet/engine/media"
)

// left is what is left of the time of a context.
func (c *check) left(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return time.Until(end)
	}
	return c.Budget
}

// ratesOf are the declared rates of a clip: pictures and bits a second.
func ratesOf(ctx context.Context, clip string) (pictures float64, bits int64, err error) {
	s, err := media.Open(ctx, clip, media.Options{})
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	for _, t := range s.Video() {
		if t.Info.FrameRateNum > 0 {
			return float64(t.Info.FrameRateNum) / float64(t.Info.FrameRateDen), s.Info().BitRate, nil
		}
	}
	return 0, 0, errors.New("it declares no frame rate")
}

// loadWatch reads the load of the GPU several times a second.
type loadWatch struct {
	monitor *cuda.Monitor
	stop    chan struct{}
	done    sync.WaitGroup

	mu       sync.Mutex
	gpuSum   int
	nvdecSum int
	n        int
	most     int64 // bytes of memory
}

func (c *check) watchLoad() *loadWatch {
	w := &loadWatch{monitor: cuda.NewMonitor(cuda.Options{Ordinal: c.Options.Ordinal, Logger: c.log}), stop: make(chan struct{})}
	w.done.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-tick.C:
				w.read()
			}
		}
	})
	return w
}

func (w *loadWatch) read() {
	r := w.monitor.Read()
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.GPUPercent < 0 || r.DecoderPercent < 0 {
		return
	}
	w.gpuSum, w.nvdecSum, w.n, w.most = w.gpuSum+r.GPUPercent, w.nvdecSum+r.DecoderPercent, w.n+1, max(w.most, r.MemoryUsed)
}

// gpu and decoder are means since the last reset, in percent; -1: not known.
func (w *loadWatch) gpu() int     { return w.mean(&w.gpuSum) }
func (w *loadWatch) decoder() int { return w.mean(&w.nvdecSum) }

func (w *loadWatch) mean(sum *int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n == 0 {
		return -1
	}
	return *sum / w.n
}

func (w *loadWatch) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gpuSum, w.nvdecSum, w.n, w.most = 0, 0, 0, 0
}

func (w *loadWatch) close() {
	close(w.stop)
	w.done.Wait()
	_ = w.monitor.Close()
}

func percent(n int) string {
	if n < 0 {
		return "not known"
	}
	return fmt.Sprintf("%d %%", n)
}

// cpuWatch is the processor time of this process since the last reset.
type cpuWatch struct {
	began  time.Time
	before time.Duration
}

func newCPUWatch() *cpuWatch {
	w := &cpuWatch{}
	w.reset()
	return w
}

func (w *cpuWatch) reset() { w.began, w.before = time.Now(), cpuTime() }

func (w *cpuWatch) spent() time.Duration { return cpuTime() - w.before }

// cores is how many were busy on average.
func (w *cpuWatch) cores() float64 { return w.spent().Seconds() / time.Since(w.began).Seconds() }

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
