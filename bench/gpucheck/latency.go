package gpucheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine"
)

// latencyPoint is what the step latency finds for one number of sources.
type latencyPoint struct {
	Sources                 int
	P50, P99                float64 // milliseconds, of all pictures from the sources' beginnings on
	WorstP99, Worst         float64 // milliseconds; of the worst source
	Frames, Looks, Drops    int64
	Late                    float64 // share of the pictures that did not come at their pace
	CPUSecondsPerStreamHour float64
	GPU, NVDEC              int // percent; -1: not known
}

// latencyLimit is the 99th percentile that is promised.
const latencyLimit = 100 * time.Millisecond

// latency lets sources run at their own pace and asks how late scores are.
func (c *check) latency(ctx context.Context) error {
	clip, err := c.loadClip("h264")
	if err != nil {
		return err
	}
	fps, _, err := ratesOf(ctx, clip)
	if err != nil {
		return err
	}
	var all []latencyPoint
	counts := c.latencyCounts(fps)
	for i, n := range counts {
		part, cancel := context.WithTimeout(ctx, c.left(ctx)/time.Duration(len(counts)-i))
		p, err := c.latencyOf(part, clip, n, fps)
		cancel()
		if err != nil {
			c.fail("%d sources: %v", n, err)
			continue
		}
		all = append(all, p)
		c.table(all)
		c.judgeLatency(&p)
	}
	return nil
}

// latencyCounts are 1, half and nine tenths of what the step roofs found to be vetted.
func (c *check) latencyCounts(fps float64) []int {
	var roofs []roof
	most := 2.0
	if !c.Options.Quick && c.Before.data("roofs", &roofs) {
		for _, r := range roofs {
			if r.Codec == "h264" {
				most = r.VetFPS / fps
			}
		}
	} else if !c.Options.Quick {
		c.note("the step roofs found nothing to start from")
	}
	counts := []int{1, max(1, int(most/2)), max(1, int(most*0.9))}
	return slices.Compact(counts)
}

func (c *check) latencyOf(ctx context.Context, clip string, n int, fps float64) (p latencyPoint, err error) {
	e, err := c.openEngine(onGPU)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	// The first source finds networks that have not run yet; it is not counted.
	first := sources(ctx, e, engine.SourceConfig{URL: clip, Paced: true})
	defer func() { err = errors.Join(err, first.end()) }()
	if err := first.grow(ctx, 1); err != nil {
		return p, err
	}
	if err := pause(ctx, time.Second); err != nil {
		return p, err
	}
	crowd := sources(ctx, e, engine.SourceConfig{URL: clip, Paced: true, Realtime: true})
	ended := false
	defer func() {
		if !ended {
			err = errors.Join(err, crowd.end())
		}
	}()
	if err := crowd.grow(ctx, n); err != nil {
		return p, err
	}
	if n == 1 {
		first.stop()
	}
	watch, cpu := c.watchLoad(), newCPUWatch()
	defer watch.close()
	window := min(15*time.Second, c.left(ctx)-2*time.Second)
	if c.Options.Quick {
		window = 500 * time.Millisecond
	}
	rate, err := crowd.rate(ctx, window)
	if err != nil {
		return p, err
	}
	hours := time.Since(cpu.began).Hours() * float64(n)
	p = latencyPoint{Sources: n, CPUSecondsPerStreamHour: cpu.spent().Seconds() / hours, GPU: watch.gpu(), NVDEC: watch.decoder(), Late: max(0, 1-rate/(fps*float64(n)))}
	ended = true
	err = crowd.end()
	p.gather(crowd)
	all := e.Totals().Latency.Summary()
	p.P50, p.P99 = milliseconds(all.P50), milliseconds(all.P99)
	return p, err
}

// gather sums up what the sources of a crowd that has ended say.
func (p *latencyPoint) gather(crowd *crowd) {
	for _, m := range crowd.members {
		l := m.last.Latency
		p.WorstP99, p.Worst = max(p.WorstP99, milliseconds(l.P99)), max(p.Worst, milliseconds(l.Max))
		p.Frames, p.Looks = p.Frames+m.last.Frames, p.Looks+m.last.Stages.Looks
		for _, n := range m.last.Drops {
			p.Drops += n
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (c *check) judgeLatency(p *latencyPoint) {
	who := fmt.Sprintf("%d sources", p.Sources)
	if p.Sources == 1 {
		who = "1 source"
	}
	c.note("%s: median %.1f ms, 99th percentile of the worst source %.1f ms, worst of all %.1f ms; %d pictures, %.1f %% behind their pace; %d looks of networks, %d dropped",
		who, p.P50, p.WorstP99, p.Worst, p.Frames, 100*p.Late, p.Looks, p.Drops)
	c.note("%s: NVDEC %s, GPU %s; %.0f CPU seconds for an hour of a source", who, percent(p.NVDEC), percent(p.GPU), p.CPUSecondsPerStreamHour)
	what := who + ", 99th percentile"
	if c.Before.Machine.Double {
		c.number(what+" (of the test double: without meaning)", p.P99, "ms")
		return
	}
	limit := float64(latencyLimit.Milliseconds())
	c.target(what, p.P99, "ms", p.P99 < limit, fmt.Sprintf("below %.0f", limit))
	c.must(p.Drops == 0 && p.Late < 0.02, "%s: every picture comes at its pace and is looked at", who)
}
