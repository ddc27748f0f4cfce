package engine

import (
	"context"
	"runtime"
	"testing"

	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// accountant is a sink that counts heap allocations between two frames.
type accountant struct {
	from, to, frames int
	before, after    runtime.MemStats
}

func (a *accountant) Verdict(*streamvetv1.Verdict) {}
func (a *accountant) Waveform(int, []sound.Peak)   {}

func (a *accountant) Scores(_ int, scores []verdict.Score) {
	if scores[0].Detector != "banding" { // the first form of every picture
		return
	}
	a.frames++
	switch a.frames {
	case a.from:
		runtime.ReadMemStats(&a.before)
	case a.to:
		runtime.ReadMemStats(&a.after)
	}
}

// perFrame is how many allocations a frame has cost.
func (a *accountant) perFrame() float64 {
	return float64(a.after.Mallocs-a.before.Mallocs) / float64(a.to-a.from)
}

// account vets 1,500 calm frames with sound and counts over 1,000 of them.
func account(t testing.TB) *accountant {
	e := openAll(t)
	path := clip(t, "calm.mkv", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=60",
		"-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.1:sample_rate=48000:duration=60", "-c:v", "mpeg4", "-c:a", "ac3")
	a := &accountant{from: 400, to: 1400}
	s, err := e.Add(context.Background(), SourceConfig{URL: path, Sink: a})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if a.frames != 1500 {
		t.Fatalf("%d frames were counted", a.frames)
	}
	return a
}

// In the steady state a frame costs no heap allocation. What is counted besides
// is the runtime's own (waiting goroutines, the statistics): one in ten frames.
func TestFramesCostNoAllocations(t *testing.T) {
	if per := account(t).perFrame(); per > 0.25 {
		t.Errorf("%.3f allocations a frame", per)
	}
}

func BenchmarkVet(b *testing.B) {
	var per float64
	for b.Loop() {
		per = account(b).perFrame()
	}
	b.ReportMetric(per, "allocs/frame")
}
