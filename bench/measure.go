package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// sample is one run of something over a clip.
type sample struct {
	frames int64
	wall   time.Duration
	cpu    time.Duration
	stages engine.Stages
}

func (s sample) rate() float64 { return float64(s.frames) / s.wall.Seconds() }

// timed runs f and takes its wall and CPU time. Children count.
func timed(f func() (int64, engine.Stages, error)) (sample, error) {
	before, began := cpuTime(), time.Now()
	n, stages, err := f()
	s := sample{frames: n, wall: time.Since(began), cpu: cpuTime() - before, stages: stages}
	if err == nil && n == 0 {
		err = errors.New("no frames came out")
	}
	return s, err
}

func cpuTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

// decodeOnly decodes picture and sound and does nothing with them.
func decodeOnly(ctx context.Context, clip string, threads int) (int64, engine.Stages, error) {
	m, err := media.Open(ctx, clip, media.Options{Threads: threads})
	if err != nil {
		return 0, engine.Stages{}, err
	}
	var frames int64
	var group sync.WaitGroup
	errs := make([]error, 2)
	for i, t := range m.Video() {
		if i > 0 {
			t.Skip()
			continue
		}
		group.Go(func() {
			for {
				f, err := t.Next(ctx)
				if err != nil {
					errs[0] = err
					return
				}
				f.Release()
				frames++
			}
		})
	}
	for _, t := range m.Audio() {
		group.Go(func() {
			for {
				a, err := t.Next(ctx)
				if err != nil {
					errs[1] = err
					return
				}
				a.Release()
			}
		})
	}
	group.Wait()
	for _, e := range errs {
		if e != nil && !errors.Is(e, io.EOF) {
			err = errors.Join(err, e)
		}
	}
	return frames, engine.Stages{}, errors.Join(err, m.Close())
}

// nobody takes what is found and drops it.
type nobody struct{}

func (nobody) Verdict(*streamvetv1.Verdict) {}
func (nobody) Scores(int, []verdict.Score)  {}
func (nobody) Waveform(int, []sound.Peak)   {}

func vet(ctx context.Context, e *engine.Engine, clip string) (int64, engine.Stages, error) {
	s, err := e.Add(ctx, engine.SourceConfig{URL: clip, Sink: nobody{}})
	if err != nil {
		return 0, engine.Stages{}, err
	}
	sum, err := s.Wait()
	return sum.Frames, sum.Stages, err
}

func openEngine(threads int) (*engine.Engine, error) {
	set, err := models.Default()
	if err != nil {
		return nil, err
	}
	return engine.Open(engine.Config{Detectors: set.Detectors(), ORTLibrary: ortLibrary(), DecoderThreads: threads})
}

const (
	pictureFilters = "freezedetect,blackdetect,blockdetect,blurdetect,signalstats"
	soundFilters   = "silencedetect,ebur128,astats"
)

// filterChain runs what FFmpeg's own filters find, over the first frames.
func filterChain(ctx context.Context, o options, clip string, frames int) (int64, engine.Stages, error) {
	cmd := exec.CommandContext(ctx, o.ffmpeg, "-v", "error", "-threads", fmt.Sprint(o.threads), "-i", clip,
		"-frames:v", fmt.Sprint(frames), "-vf", pictureFilters, "-af", soundFilters, "-shortest", "-f", "null", "-")
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return int64(frames), engine.Stages{}, err
}

// measureClip runs everything in turn, several times.
func measureClip(ctx context.Context, o options, clip string) (clipResult, error) {
	c := clipResult{Clip: filepath.Base(clip)}
	e, err := openEngine(o.threads)
	if err != nil {
		return c, err
	}
	defer e.Close()
	var decodes, vets []sample
	for i := -1; i < o.runs; i++ { // the first pair warms up
		d, err := timed(func() (int64, engine.Stages, error) { return decodeOnly(ctx, clip, o.threads) })
		if err != nil {
			return c, err
		}
		v, err := timed(func() (int64, engine.Stages, error) { return vet(ctx, e, clip) })
		if err != nil {
			return c, err
		}
		if i >= 0 {
			decodes, vets = append(decodes, d), append(vets, v)
		}
	}
	c.fill(decodes, vets)
	if !o.filters {
		return c, nil
	}
	f, err := timed(func() (int64, engine.Stages, error) { return filterChain(ctx, o, clip, 60) })
	if err != nil {
		return c, err
	}
	c.FilterFPS, c.FilterCPU = f.rate(), perFrame(f.cpu, f.frames)
	c.FilterRatio = c.VetFPS / c.FilterFPS
	return c, nil
}

func perFrame(d time.Duration, frames int64) float64 {
	return float64(d.Microseconds()) / 1000 / float64(max(frames, 1))
}

func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}
