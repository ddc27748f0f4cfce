package engine

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// accountant is a sink that counts the heap allocations of tracks between two
// frames. It reads the heap profile: the runtime's own allocations (for waiting
// goroutines and the like), which depend on the machine's load, stay out of it.
type accountant struct {
	from, to, frames int
	before, after    int64
}

func (a *accountant) Verdict(*streamvetv1.Verdict) {}
func (a *accountant) Waveform(int, []sound.Peak)   {}

func (a *accountant) Scores(_ int, scores []verdict.Score) {
	if scores[0].Detector != "black" { // the first form of every picture
		return
	}
	a.frames++
	switch a.frames {
	case a.from:
		a.before = trackAllocs()
	case a.to:
		a.after = trackAllocs()
	}
}

// trackAllocs is how many objects the goroutines of tracks have allocated so far.
func trackAllocs() int64 {
	runtime.GC() // the profile lags by up to two collections
	runtime.GC()
	records := make([]runtime.MemProfileRecord, 1<<16)
	n, _ := runtime.MemProfile(records, true)
	var sum int64
	for _, r := range records[:n] {
		frames := runtime.CallersFrames(r.Stack())
		for {
			f, more := frames.Next()
			if strings.HasSuffix(f.Function, "(*Source).vetPictures") || strings.HasSuffix(f.Function, "(*Source).vetSound") {
				sum += r.AllocObjects
				break
			}
			if strings.HasSuffix(f.Function, "engine.trackAllocs") || !more {
				break
			}
		}
	}
	return sum
}

// perFrame vets 1,500 calm frames with sound, which a network hears too, and tells what one of the last
// 1,000 has allocated.
func perFrame(t testing.TB) float64 {
	defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
	runtime.MemProfileRate = 1
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	e := openWith(t, append(set.Detectors(), crackle(t)))
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
	if a.before == 0 {
		t.Fatal("the profile shows no allocation at all, not even those of the beginning")
	}
	return float64(a.after-a.before) / float64(a.to-a.from)
}

// In the steady state a frame costs no heap allocation. Queues and pools may
// still grow to what a loaded machine asks for: a dozen times in all.
func TestFramesCostNoAllocations(t *testing.T) {
	if per := perFrame(t); per > 0.05 {
		t.Errorf("%.3f allocations a frame", per)
	}
}

func BenchmarkVet(b *testing.B) {
	var per float64
	for b.Loop() {
		per = perFrame(b)
	}
	b.ReportMetric(per, "allocs/frame")
}
