package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/batch"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func track(codec string, w, h, rate int) *media.TrackInfo {
	return &media.TrackInfo{Codec: codec, Width: w, Height: h, FrameRateNum: rate, FrameRateDen: 1, BitDepth: 8}
}

// room is the admission of a GPU with so much memory free, of a T4's decoders.
func room(free int64) *admission {
	return &admission{
		limits:   Limits{}.withDefaults(),
		capacity: capacity{rate: rateOf(7, 5), engines: 2, clock: 1470},
		memory:   func() (int64, int64, error) { return free, 16 << 30, nil },
		decoders: func() int { return 50 },
	}
}

func (a *admission) take(t *testing.T, bytes int64, engines float64, realtime bool) (*grant, error) {
	t.Helper()
	return a.grant(&grant{admission: a, bytes: bytes, engines: engines}, realtime)
}

func TestAdmissionKeepsMemoryFree(t *testing.T) {
	a := room(600 << 20)
	first, err := a.take(t, 200<<20, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.take(t, 200<<20, 0, false)
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.What != "device memory" || !strings.Contains(err.Error(), "it needs 200 MiB, and 144 MiB of 16384 MiB is left") {
		t.Fatalf("a second source while the first has not begun: %v", err)
	}
	// The first has taken its memory: it is not free any more, and not promised either.
	first.hasBegun()
	first.hasBegun()
	a.memory = func() (int64, int64, error) { return 500 << 20, 16 << 30, nil }
	second, err := a.take(t, 200<<20, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	first.giveBack()
	second.giveBack()
	if a.promised != 0 {
		t.Errorf("%d bytes are promised to nobody", a.promised)
	}
}

func TestAdmissionKeepsToTheDecoders(t *testing.T) {
	a := room(16 << 30)
	need := a.capacity.take(track("h264", 1920, 1080, 30))
	var grants []*grant
	for {
		g, err := a.take(t, 0, need, true)
		var refusal *Refusal
		if errors.As(err, &refusal) {
			if refusal.What != "decoder throughput" || refusal.Remedy == "" {
				t.Errorf("refused for %+v", refusal)
			}
			break
		}
		if err != nil || len(grants) > 100 {
			t.Fatal(err)
		}
		grants = append(grants, g)
	}
	if len(grants) != 36 { // 2 engines * 609 pictures a second * 0.9 / 30
		t.Errorf("%d sources of 1080p30 on a T4", len(grants))
	}
	if _, err := a.take(t, 0, 0, false); err != nil {
		t.Errorf("a file takes what is left: %v", err)
	}
	grants[0].giveBack()
	a.decoders = func() int { return 97 } // files take what they can get
	if _, err := a.take(t, 0, need, true); err == nil || !strings.Contains(err.Error(), "97 % of NVDEC is in use") {
		t.Errorf("with busy decoders: %v", err)
	}
	a.decoders = func() int { return -1 }
	if _, err := a.take(t, 0, need, true); err != nil {
		t.Errorf("after one has gone: %v", err)
	}
}

func TestAdmissionMindsLatency(t *testing.T) {
	a := room(16 << 30)
	for range 100 {
		a.recent.Observe(time.Now(), 300*time.Millisecond)
	}
	var refusal *Refusal
	if _, err := a.take(t, 0, 0.01, true); !errors.As(err, &refusal) || refusal.What != "latency" {
		t.Errorf("a late engine: %v", err)
	}
	if _, err := a.take(t, 0, 0, false); err != nil {
		t.Errorf("a file has no latency to keep: %v", err)
	}
}

func TestWhatSourcesTakeOfAGPU(t *testing.T) {
	if n := surfaceBytes(track("h264", 1920, 1080, 30)); n > 100<<20 || n < 50<<20 {
		t.Errorf("a source of 1080p is reckoned with %d MiB", n>>20)
	}
	deep := track("hevc", 1920, 1080, 30)
	deep.BitDepth = 10
	if surfaceBytes(deep) < 3*surfaceBytes(track("hevc", 1920, 1080, 30))/2 {
		t.Error("10 bit takes twice as much")
	}
}

// On the CPU nothing is rationed, and a source that ends gives back what it has.
func TestAdmissionOnTheCPU(t *testing.T) {
	e := openWith(t, shipped(t, "black"))
	s, err := e.Add(context.Background(), SourceConfig{URL: spoiled(t), Sink: &notebook{}, Realtime: true})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if a := e.admission; a.promised != 0 || a.engines != 0 {
		t.Errorf("left: %d bytes, %v engines", a.promised, a.engines)
	}
	if sum.Latency.Count != sum.Frames || sum.Latency.P99 < sum.Latency.P50 || sum.Latency.P50 == 0 {
		t.Errorf("latency %+v of %d pictures", sum.Latency, sum.Frames)
	}
}

// A source that comes at its own pace does not wait for a network that has no time.
func TestRealtimeSourcesDropWhatNetworksHaveNoTimeFor(t *testing.T) {
	e := openWith(t, append(shipped(t, "black"), brightest(t, models.Sampling{Every: 40 * time.Millisecond})))
	n := e.lineup.networks[0]
	l, err := n.enter(320, 180)
	if err != nil {
		t.Fatal(err)
	}
	var held []batch.Slot
	for s, ok := l.TryAcquire(); ok; s, ok = l.TryAcquire() {
		held = append(held, s)
	}
	c := &changer{detector: "black", at: 3 * time.Second, do: func() {
		for _, s := range held {
			l.Abandon(s)
		}
	}}
	s, err := e.Add(context.Background(), SourceConfig{URL: spoiled(t), Sink: c, Realtime: true})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Wait()
	n.leave(l)
	if err != nil {
		t.Fatal(err)
	}
	dropped := sum.Drops["brightest"]
	if dropped < 75 || dropped+sum.Stages.Looks != 150 || sum.Frames != 150 {
		t.Errorf("of 150 pictures %d were dropped and %d looked at", dropped, sum.Stages.Looks)
	}
	if len(c.of(verdict.Black, streamvetv1.State_STATE_CLEARED)) != 1 {
		t.Errorf("the other detectors: %v", c.verdicts)
	}
}
