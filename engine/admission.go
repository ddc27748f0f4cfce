package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cuda"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/media"
)

// Limits are what admission keeps free. The zero value stands for the defaults.
type Limits struct {
	// DecoderShare is how much of NVDEC's roof realtime sources may take together; 0
	// stands for 0.9.
	DecoderShare float64
	// MemoryReserve is how many bytes of a GPU's memory stay free; 0 stands for 256 MiB.
	MemoryReserve int64
	// Latency is the 99th percentile, from a picture out of the decoder to its
	// scores, above which no further realtime source is taken; 0 stands for 100 ms.
	Latency time.Duration
}

func (l Limits) withDefaults() Limits {
	if l.DecoderShare == 0 {
		l.DecoderShare = 0.9
	}
	if l.MemoryReserve == 0 {
		l.MemoryReserve = 256 << 20
	}
	if l.Latency == 0 {
		l.Latency = 100 * time.Millisecond
	}
	return l
}

// Refusal is the error of a source that the engine has no room for. The sources
// that run are not touched.
type Refusal struct {
	What       string // is short: "device memory", "decoder throughput", "latency"
	Need, Left string // numbers with their units
	Remedy     string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("no room for another source: %s: it needs %s, and %s is left; %s", r.What, r.Need, r.Left, r.Remedy)
}

// capacity is what admission knows of a GPU's decoders.
type capacity struct {
	rate    decoderRate
	engines int     // of NVDEC; 0 where that is not known
	clock   float64 // MHz at most; 0 where that is not known
}

// admission keeps account of what sources were promised.
type admission struct {
	limits   Limits
	capacity capacity
	memory   func() (free, total int64, err error)
	decoders func() int // percent of NVDEC's capacity in use; -1 where that is not known
	monitor  *cuda.Monitor
	recent   recentLatency

	mu       sync.Mutex
	engines  float64 // of NVDEC, taken by realtime sources
	promised int64   // bytes of sources that were admitted and have not taken them yet
}

// grant is what one source was promised.
type grant struct {
	admission *admission
	engines   float64
	bytes     int64
	begun     sync.Once
}

// admit takes a source in or says what is short. video are its tracks that will
// be decoded.
func (a *admission) admit(video []*media.VideoTrack, realtime bool) (*grant, error) {
	g := &grant{admission: a}
	for _, t := range video {
		g.bytes += surfaceBytes(&t.Info)
		if decoder, _ := t.Decoder(); realtime && decoder == media.NVDEC {
			g.engines += a.capacity.take(&t.Info)
		}
	}
	return a.grant(g, realtime)
}

func (a *admission) grant(g *grant, realtime bool) (*grant, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, check := range []func(*grant, bool) error{a.checkMemory, a.checkDecoders, a.checkLatency} {
		if err := check(g, realtime); err != nil {
			return nil, err
		}
	}
	a.engines += g.engines
	a.promised += g.bytes
	return g, nil
}

func (a *admission) checkMemory(g *grant, _ bool) error {
	free, total, err := a.memory()
	if err != nil || total == 0 {
		return err // a CPU does not ration its memory
	}
	left := max(0, free-a.promised-a.limits.MemoryReserve)
	if g.bytes <= left {
		return nil
	}
	return &Refusal{
		What: "device memory", Need: mebibytes(g.bytes), Left: fmt.Sprintf("%s of %s", mebibytes(left), mebibytes(total)),
		Remedy: "remove a source, or use a GPU with more memory",
	}
}

func (a *admission) checkDecoders(g *grant, _ bool) error {
	if g.engines == 0 || a.capacity.engines == 0 {
		return nil
	}
	left := max(0, float64(a.capacity.engines)*a.limits.DecoderShare-a.engines)
	if used := a.decoders(); float64(used) > 100*a.limits.DecoderShare {
		return &Refusal{
			What: "decoder throughput", Need: fmt.Sprintf("%.3f NVDEC engines", g.engines), Left: fmt.Sprintf("none: %d %% of NVDEC is in use", used),
			Remedy: "wait until the files that are vetted are through, remove a source, or use a GPU with more decoders",
		}
	}
	if g.engines <= left {
		return nil
	}
	return &Refusal{
		What: "decoder throughput", Need: fmt.Sprintf("%.3f NVDEC engines", g.engines),
		Left:   fmt.Sprintf("%.3f of %d (%.0f %% of them may be taken)", left, a.capacity.engines, 100*a.limits.DecoderShare),
		Remedy: "remove a source, give this one a smaller picture or a lower rate, or use a GPU with more decoders",
	}
}

func (a *admission) checkLatency(_ *grant, realtime bool) error {
	if !realtime {
		return nil
	}
	if p99 := a.recent.P99(time.Now()); p99 > a.limits.Latency {
		return &Refusal{
			What: "latency", Need: fmt.Sprintf("a 99th percentile of at most %v from picture to verdict", a.limits.Latency),
			Left: fmt.Sprintf("one of %v", p99), Remedy: "remove a source, run fewer detectors, or use a faster machine",
		}
	}
	return nil
}

// take is how many NVDEC engines a track takes.
func (c capacity) take(t *media.TrackInfo) float64 {
	rate := 25.0
	if t.FrameRateNum > 0 {
		rate = float64(t.FrameRateNum) / float64(t.FrameRateDen)
	}
	return c.rate.engines(t.Codec, t.BitDepth > 8, t.Width, t.Height, rate, c.clock)
}

// hasBegun says that the source's memory is taken by now: it shows in what the
// device says is free.
func (g *grant) hasBegun() {
	g.begun.Do(func() {
		g.admission.mu.Lock()
		g.admission.promised -= g.bytes
		g.admission.mu.Unlock()
	})
}

// giveBack ends the grant. Once.
func (g *grant) giveBack() {
	g.hasBegun()
	g.admission.mu.Lock()
	g.admission.engines -= g.engines
	g.admission.mu.Unlock()
}

// decodeSurfaces is how many pictures NVDEC keeps for a stream of 1080p: the
// codec's references, those that FFmpeg adds, and those that we hold; each twice,
// as decoded and as copied out of the decoder.
const decodeSurfaces = 11 + 2*picturesHeld

// surfaceBytes is what the decoder of a track will take of a GPU's memory, and
// the small pictures that are kept as evidence.
func surfaceBytes(t *media.TrackInfo) int64 {
	pitch, rows := int64(t.Width+511)/512*512, int64(t.Height+15)/16*16
	picture := pitch * rows * 3 / 2
	if t.BitDepth > 8 {
		picture *= 2
	}
	w, h := evidenceSize(max(t.Width, 1), max(t.Height, 1))
	return picture*decodeSurfaces + int64(3*w*h*(galleryPlaces+1))
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// newAdmission asks what the engine's GPU has.
func newAdmission(l Limits, dev device.Device, ordinal int, log *slog.Logger) *admission {
	a := &admission{limits: l.withDefaults(), memory: dev.Memory, decoders: func() int { return -1 }}
	if dev.Mem() != frame.MemDevice {
		return a
	}
	var err error
	if a.capacity, err = capacityOf(dev, ordinal); err != nil {
		log.Warn("what NVDEC can do is not known: no source is refused for its sake", "reason", err)
		return a
	}
	a.monitor = cuda.NewMonitor(cuda.Options{Ordinal: ordinal, Logger: log})
	a.capacity.clock = float64(a.monitor.Read().VideoClock)
	a.decoders = func() int { return a.monitor.Read().DecoderPercent }
	return a
}

func (a *admission) close() error {
	if a.monitor == nil {
		return nil
	}
	return a.monitor.Close()
}

func capacityOf(dev device.Device, ordinal int) (capacity, error) {
	caps, err := media.NVDECCaps(media.CUDA{Context: dev.Context()}, "h264", media.Chroma420, 8)
	if err != nil {
		return capacity{}, err
	}
	gpus, err := cuda.List()
	for _, g := range gpus {
		if g.Ordinal == ordinal {
			return capacity{rate: rateOf(g.Major, g.Minor), engines: caps.Engines}, nil
		}
	}
	return capacity{}, errors.Join(err, fmt.Errorf("GPU %d is not listed", ordinal))
}
