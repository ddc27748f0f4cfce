package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// results is what a run of the benchmark found. Times are milliseconds.
type results struct {
	Date     string       `json:"date"`
	Hardware string       `json:"hardware"`
	Threads  int          `json:"decoder_threads"`
	Runs     int          `json:"runs"`
	Clips    []clipResult `json:"clips"`
}

type clipResult struct {
	Clip        string  `json:"clip"`
	Frames      int64   `json:"frames"`
	DecodeFPS   float64 `json:"decode_fps"`
	VetFPS      float64 `json:"vet_fps"`
	Ratio       float64 `json:"vet_over_decode"` // median of the ratios of the pairs
	DecodeCPU   float64 `json:"decode_cpu_ms"`   // per frame, as all below
	VetCPU      float64 `json:"vet_cpu_ms"`
	Measure     float64 `json:"measure_ms"`
	Prepare     float64 `json:"prepare_ms"`
	Networks    float64 `json:"networks_ms"`
	Score       float64 `json:"score_ms"`
	Sound       float64 `json:"sound_ms"`
	Rest        float64 `json:"rest_ms"` // CPU of vet that none of these and not decoding explains
	Looks       int64   `json:"looks"`
	FilterFPS   float64 `json:"filters_fps,omitempty"`
	FilterCPU   float64 `json:"filters_cpu_ms,omitempty"`
	FilterRatio float64 `json:"vet_over_filters,omitempty"`
}

func (c *clipResult) fill(decodes, vets []sample) {
	over := func(of func(i int) float64) float64 {
		xs := make([]float64, len(vets))
		for i := range xs {
			xs[i] = of(i)
		}
		return median(xs)
	}
	stage := func(of func(s sample) time.Duration) float64 {
		return over(func(i int) float64 { return perFrame(of(vets[i]), vets[i].frames) })
	}
	c.Frames, c.Looks = vets[0].frames, vets[0].stages.Looks
	c.DecodeFPS = over(func(i int) float64 { return decodes[i].rate() })
	c.VetFPS = over(func(i int) float64 { return vets[i].rate() })
	c.Ratio = over(func(i int) float64 { return vets[i].rate() / decodes[i].rate() })
	c.DecodeCPU = over(func(i int) float64 { return perFrame(decodes[i].cpu, decodes[i].frames) })
	c.VetCPU = stage(func(s sample) time.Duration { return s.cpu })
	c.Measure = stage(func(s sample) time.Duration { return s.stages.Measure })
	c.Prepare = stage(func(s sample) time.Duration { return s.stages.Prepare })
	c.Networks = stage(func(s sample) time.Duration { return s.stages.Networks })
	c.Score = stage(func(s sample) time.Duration { return s.stages.Score })
	c.Sound = stage(func(s sample) time.Duration { return s.stages.Sound })
	c.Rest = c.VetCPU - c.DecodeCPU - c.Measure - c.Prepare - c.Networks - c.Score - c.Sound
}

func (c clipResult) print(out io.Writer) {
	fmt.Fprintf(out, "%s: vet %.0f frames/s, decode-only %.0f frames/s: ratio %.2f\n", c.Clip, c.VetFPS, c.DecodeFPS, c.Ratio)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "demux+decode\tmeasure\tprepare\tnetworks\tscore\tsound\trest\tall\t")
	fmt.Fprintf(w, "%.2f\t%.2f\t%.2f\t%.2f\t%.3f\t%.2f\t%.2f\t%.2f\tms a frame\n",
		c.DecodeCPU, c.Measure, c.Prepare, c.Networks, c.Score, c.Sound, c.Rest, c.VetCPU)
	w.Flush()
	fmt.Fprintf(out, "%d of %d frames were shown to networks\n", c.Looks, c.Frames)
	if c.FilterFPS > 0 {
		fmt.Fprintf(out, "filters of ffmpeg: %.1f frames/s, %.0f ms of CPU a frame; vet is %.1f times as fast\n", c.FilterFPS, c.FilterCPU, c.FilterRatio)
	}
	fmt.Fprintln(out)
}

func hardware() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for _, l := range strings.Split(string(text), "\n") {
			if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores", model, runtime.NumCPU())
}

func ortLibrary() string { return os.Getenv("STREAMVET_ORT_LIB") }
