package gpucheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/streamvet/streamvet/engine/device/cuda"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/media"
)

// machine says what is there, and tries each part that all else stands on.
func (c *check) machine(ctx context.Context) error {
	m := c.Before.Machine
	gpus, err := cuda.List()
	if err != nil {
		c.fail("%v", err)
		return nil
	}
	for _, g := range gpus {
		c.note("cuda %d: %s, %.1f GiB, compute capability %d.%d, driver %s", g.Ordinal, g.Name, float64(g.Memory)/(1<<30), g.Major, g.Minor, g.Driver)
		if g.Ordinal == c.Options.Ordinal {
			m.GPU, m.Memory, m.Driver = g.Name, g.Memory, g.Driver
			m.Capability = fmt.Sprintf("%d.%d", g.Major, g.Minor)
		}
	}
	if err := c.openings(ctx, &m); err != nil {
		c.fail("%v", err)
		m.GPU = "" // nothing else can be checked
		c.tell(event{Machine: &m})
		return nil
	}
	c.decoders()
	m.Libraries = c.engineOpens()
	for _, l := range m.Libraries {
		c.note("%s", strings.TrimSpace(l.Path+" "+l.Version))
	}
	for _, l := range media.Versions() {
		m.Libraries = append(m.Libraries, Library{Path: l.Name, Version: l.Version})
	}
	c.tell(event{Machine: &m})
	return nil
}

// openings opens the GPU in two processes, one after the other, that share an empty
// cache of the driver's compiler: the first compiles the kernels, the second finds them.
func (c *check) openings(ctx context.Context, m *Machine) error {
	cache, err := os.MkdirTemp(c.Options.Scratch, "compiled")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	for _, when := range []string{"cold", "warm"} {
		var o opening
		var failed string
		s := state{Step: "open", Budget: c.Budget, Options: c.Options, Before: c.Before}
		err := startChild(ctx, s, filepath.Join(c.Options.Scratch, "open-"+when+".log"), []string{"CUDA_CACHE_PATH=" + cache}, func(e event) {
			if e.Finding != nil {
				failed = e.Finding.What
			}
			if e.Data != nil {
				_ = json.Unmarshal(e.Data, &o) // what is not there stays zero
			}
		})
		if failed != "" {
			err = errors.New(failed)
		}
		if err != nil {
			return fmt.Errorf("open the GPU: %w", err)
		}
		m.CUDA, m.Double = o.CUDA, o.Double
		c.number("open the GPU, "+when, o.Open, "s")
		c.number("of that, the kernels are compiled and loaded in", o.Kernels, "s")
	}
	if m.Double {
		c.note("this is the test double of the driver: no number here says anything of hardware")
	}
	return nil
}

// opening is what the step open finds. Times are seconds.
type opening struct {
	Open, Kernels float64
	CUDA          string
	Double        bool
}

// open opens the GPU and tells how long that took.
func (c *check) open(context.Context) error {
	said := &recorder{}
	began := time.Now()
	d, err := cuda.Open(cuda.Options{Ordinal: c.Options.Ordinal, Logger: said.logger()})
	if err != nil {
		return err
	}
	o := opening{Open: time.Since(began).Seconds(), Double: d.Mem() == frame.MemDevice && d.HostReads()}
	o.Kernels, o.CUDA = said.duration("kernels_ready_in").Seconds(), said.text("cuda")
	c.table(o)
	return d.Close()
}

// decoders lists what NVDEC decodes here.
func (c *check) decoders() {
	d, err := cuda.Open(cuda.Options{Ordinal: c.Options.Ordinal, Logger: c.log})
	if err != nil {
		c.fail("%v", err)
		return
	}
	defer d.Close()
	var yes, no []string
	engines := 0
	for _, k := range []struct {
		codec  string
		chroma media.Chroma
		depths []int
	}{
		{"h264", media.Chroma420, []int{8, 10}}, {"h264", media.Chroma422, []int{8, 10}},
		{"hevc", media.Chroma420, []int{8, 10, 12}}, {"hevc", media.Chroma444, []int{8, 10}},
		{"vp9", media.Chroma420, []int{8, 10}}, {"av1", media.Chroma420, []int{8, 10}},
		{"vp8", media.Chroma420, []int{8}}, {"mpeg2video", media.Chroma420, []int{8}}, {"mpeg4", media.Chroma420, []int{8}},
	} {
		for _, depth := range k.depths {
			caps, err := media.NVDECCaps(media.CUDA{Context: d.Context()}, k.codec, k.chroma, depth)
			name := fmt.Sprintf("%s %v %d bits", k.codec, k.chroma, depth)
			switch {
			case err != nil:
				c.fail("NVDEC: %v", err)
				return
			case caps.Supported:
				yes = append(yes, name)
				engines = max(engines, caps.Engines)
			default:
				no = append(no, name)
			}
		}
	}
	c.must(engines > 0, "NVDEC: %d engines; they decode %s", engines, strings.Join(yes, ", "))
	if len(no) > 0 {
		c.note("NVDEC does not decode %s", strings.Join(no, ", "))
	}
}

// engineOpens opens the whole engine: ONNX Runtime's provider, cuDNN and one
// convolution are tried in that. It gives the libraries that this takes.
func (c *check) engineOpens() []Library {
	began := time.Now()
	e, err := c.openEngine(onGPU)
	if err != nil {
		c.fail("%v", err)
		return loadedLibraries()
	}
	libraries := loadedLibraries()
	c.pass("the engine is open on %s: networks run there", e.Device())
	c.number("open the engine", time.Since(began).Seconds(), "s")
	if err := e.Close(); err != nil {
		c.fail("close the engine: %v", err)
	}
	return libraries
}
