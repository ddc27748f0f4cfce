//go:build cuda

package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cuda/double"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// The engine from file to verdict on the GPU of the driver's test double.

// openGPU opens an engine on the double; it must leave nothing there.
func openGPU(t *testing.T, ds []models.Detector) *Engine {
	t.Helper()
	double.Reset()
	before := double.Counters().Live
	t.Cleanup(func() {
		if now := double.Counters(); now.Live != before || now.Errors > 0 || now.Missing > 0 {
			t.Errorf("left on the GPU: %+v, before %+v; %d calls failed, %d were of what the double has not", now.Live, before, now.Errors, now.Missing)
		}
	})
	return openDevice(t, "cuda:0", ds)
}

// ledger is a sink that keeps every score and verdict, as text that can be compared.
type ledger struct {
	scores   map[string][]string // by track and detector
	verdicts []string
	evidence int
}

func (l *ledger) Scores(track int, s []verdict.Score) {
	for _, x := range s {
		k := fmt.Sprintf("%d %s", track, x.Detector)
		l.scores[k] = append(l.scores[k], fmt.Sprintf("%s %v+%v %x %x %v", x.Defect, x.PTS, x.Duration, math.Float64bits(x.Value), math.Float64bits(x.Reading), x.Region))
	}
}

func (l *ledger) Verdict(v *streamvetv1.Verdict) {
	if v.Evidence != nil {
		l.evidence++
	}
	l.verdicts = append(l.verdicts, fmt.Sprintf("%s %v %v-%v %v %v %v", v.Id, v.State, v.Start.AsDuration(), v.End.AsDuration(), v.Score, v.Reading, v.Region))
}

// book vets url and writes everything down.
func book(t *testing.T, e *Engine, url string) (*ledger, Summary) {
	t.Helper()
	l := &ledger{scores: map[string][]string{}}
	s, err := e.Add(context.Background(), SourceConfig{URL: url, Name: "source", Sink: discardWaveform{l}})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Wait()
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(l.verdicts)
	return l, sum
}

// bookOnCPU is what the CPU says of url. Its engine is closed: ONNX Runtime is one
// a process.
func bookOnCPU(t *testing.T, url string) (*ledger, Summary) {
	t.Helper()
	e, err := Open(Config{Detectors: pictureSet(t), Device: "cpu", ORTLibrary: environment(t, "STREAMVET_ORT_LIB")})
	if err != nil {
		t.Fatal(err)
	}
	l, sum := book(t, e, url)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return l, sum
}

func (l *ledger) compare(t *testing.T, want *ledger) {
	t.Helper()
	for k, w := range want.scores {
		g := l.scores[k]
		for i := range w {
			if i >= len(g) || g[i] != w[i] {
				t.Errorf("track %s: score %d of %d differs from that of the CPU: %v, want %s", k, i, len(w), g[i:min(i+1, len(g))], w[i])
				break
			}
		}
		if len(g) > len(w) {
			t.Errorf("track %s: %d scores, the CPU gave %d", k, len(g), len(w))
		}
	}
	if g, w := strings.Join(l.verdicts, "\n"), strings.Join(want.verdicts, "\n"); g != w {
		t.Errorf("verdicts:\n%s\nthe CPU's:\n%s", g, w)
	}
	if l.evidence != want.evidence {
		t.Errorf("%d evidence pictures, the CPU took %d", l.evidence, want.evidence)
	}
}

// pictureSet is the shipped detectors, a network that looks at every picture and one
// that hears all sound.
func pictureSet(t *testing.T) []models.Detector {
	t.Helper()
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	ds := set.Detectors()
	for i := range ds {
		if ds[i].Name == "distortion" || ds[i].Name == "sound_defects" { // the order of their sums depends on the batch, by 2e-7 of a score
			network := *ds[i].Network
			network.Batch.MaxSize = 1
			ds[i].Network = &network
		}
	}
	return append(ds, brightest(t, models.Sampling{Every: 40 * time.Millisecond}), crackle(t))
}

// A source that NVDEC refuses is decoded in software, and its pictures are
// uploaded: the same scores and verdicts, bit for bit, as on the CPU.
func TestUploadedSourcesAreJudgedAsOnTheCPU(t *testing.T) {
	for name, url := range map[string]string{
		"ffv1": clip(t, "a.mkv", "-f", "lavfi", "-i", "testsrc2=size=114x62:rate=25:duration=3",
			"-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:duration=3",
			"-vf", "drawbox=color=black:t=fill:enable='gte(t,1)*lt(t,2)'", "-af", "volume=0:enable='gte(t,1)'", "-c:v", "ffv1", "-c:a", "flac"),
		"4:4:4 of 10 bit":       clip(t, "b.mkv", "-f", "lavfi", "-i", "testsrc2=size=97x55:rate=25:duration=1", "-pix_fmt", "yuv444p10le", "-c:v", "ffv1"),
		"H.264 4:2:2 of 10 bit": "media/testdata/h264-422-10.mkv",
	} {
		t.Run(name, func(t *testing.T) {
			want, cpu := bookOnCPU(t, url)
			e := openGPU(t, pictureSet(t))
			got, gpu := book(t, e, url)
			got.compare(t, want)
			if gpu.Frames != cpu.Frames || gpu.Uploads != gpu.Frames {
				t.Errorf("%d pictures, %d uploaded; on the CPU %d", gpu.Frames, gpu.Uploads, cpu.Frames)
			}
			if n := e.Copies().ToDevice[device.ForPictures]; n.Calls == 0 || n.Bytes == 0 {
				t.Errorf("copied as pictures: %+v", n)
			}
		})
	}
}

// What NVDEC decodes is judged as what the CPU decodes: the double plays the very
// pictures, as NV12 and P010 in device memory.
func TestNVDECSourcesAreJudgedAsOnTheCPU(t *testing.T) {
	spoiledH262 := clip(t, "spoiled.ts", "-f", "lavfi", "-i", "testsrc2=size=176x100:rate=25:duration=3", "-f", "lavfi",
		"-i", "anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:duration=3",
		"-vf", "drawbox=color=black:t=fill:enable='gte(t,1)*lt(t,2)',loop=loop=20:size=1:start=52", "-c:v", "mpeg2video", "-q:v", "4", "-bf", "2", "-c:a", "mp2")
	for _, url := range []string{
		spoiledH262, "media/testdata/h264.mp4", "media/testdata/h264-interlaced.ts", "media/testdata/h264-full.mkv", "media/testdata/h264-rotated.mp4",
		"media/testdata/hevc.ts", "media/testdata/hevc-10.mkv", "media/testdata/vp9.webm", "media/testdata/vp8.webm",
	} {
		t.Run(filepath.Base(url), func(t *testing.T) {
			tapes := t.TempDir()
			if err := double.Record(tapes, url); err != nil {
				t.Fatal(err)
			}
			want, cpu := bookOnCPU(t, url)
			e := openGPU(t, pictureSet(t))
			t.Cleanup(double.Restore)
			double.Tapes(tapes)
			double.DecodeSmall()
			got, gpu := book(t, e, url)
			got.compare(t, want)
			if gpu.Frames != cpu.Frames || gpu.Uploads > 0 {
				t.Errorf("%d pictures, %d uploaded; on the CPU %d", gpu.Frames, gpu.Uploads, cpu.Frames)
			}
			if d := double.Counters().Decoder; d.Taped == 0 || d.Taped != d.Pictures {
				t.Errorf("%d of %d pictures were on the tape", d.Taped, d.Pictures)
			}
		})
	}
}

// What NVDEC decodes stays on the GPU: no picture crosses the bus, and what does is
// what we count, to the byte.
func TestNoPictureCrossesTheBus(t *testing.T) {
	e := openGPU(t, pictureSet(t))
	urls := []string{
		"media/testdata/h264.mp4", "media/testdata/h264.ts", "media/testdata/h264-interlaced.ts",
		clip(t, "m.ts", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=1", "-c:v", "mpeg2video"),
	}
	var frames int64
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, u := range urls {
		all.Go(func() {
			s, err := e.Add(context.Background(), SourceConfig{URL: u, Sink: discardWaveform{&ledger{scores: map[string][]string{}}}})
			if err != nil {
				t.Error(err)
				return
			}
			sum, err := s.Wait()
			mu.Lock()
			defer mu.Unlock()
			if frames += sum.Frames; err != nil || sum.Frames == 0 || sum.Uploads != 0 {
				t.Errorf("%s: %d pictures, %d uploaded: %v", filepath.Base(u), sum.Frames, sum.Uploads, err)
			}
		})
	}
	all.Wait()
	ours, driver := e.Copies(), double.Counters()
	var up, down device.Traffic
	for _, p := range device.Purposes() {
		up.Calls, up.Bytes = up.Calls+ours.ToDevice[p].Calls, up.Bytes+ours.ToDevice[p].Bytes
		down.Calls, down.Bytes = down.Calls+ours.ToHost[p].Calls, down.Bytes+ours.ToHost[p].Bytes
	}
	if ours.ToDevice[device.ForPictures].Calls != 0 {
		t.Errorf("pictures were uploaded: %+v", ours.ToDevice)
	}
	if up.Bytes != driver.ToDevice.Bytes || down.Bytes != driver.ToHost.Bytes || up.Calls != driver.ToDevice.Calls || down.Calls != driver.ToHost.Calls {
		t.Errorf("we count %+v and %+v, the driver %+v and %+v", up, down, driver.ToDevice, driver.ToHost)
	}
	measures := ours.ToHost[device.ForMeasures]
	if size := uint64(unsafe.Sizeof(frame.Measures{})) * uint64(frames); measures.Calls != uint64(frames) || measures.Bytes != size {
		t.Errorf("measures of %d pictures: %+v, want %d bytes", frames, measures, size)
	}
	if n := ours.ToHost[device.ForOutputs]; n.Calls == 0 || n.Bytes/n.Calls > 4096 {
		t.Errorf("outputs of networks: %+v", n)
	}
}

// Sound stays where it is decoded: networks that hear it take nothing to the GPU.
func TestSoundDoesNotCrossTheBus(t *testing.T) {
	e := openGPU(t, []models.Detector{crackle(t)})
	opened := double.Counters()
	l, sum := book(t, e, clip(t, "a.wav", "-f", "lavfi", "-i", "aevalsrc='"+step(1.5)+"':s=48000:d=3"))
	if sum.Stages.Looks != 3 || len(l.scores["0 crackle"]) != 300 || len(l.verdicts) != 2 {
		t.Errorf("%d looks, %d scores, verdicts %v", sum.Stages.Looks, len(l.scores["0 crackle"]), l.verdicts)
	}
	if now := double.Counters(); now.ToDevice != opened.ToDevice || now.ToHost != opened.ToHost || e.Copies() != (device.Copies{}) {
		t.Errorf("copied: %+v, %+v, before %+v, %+v; we count %+v", now.ToDevice, now.ToHost, opened.ToDevice, opened.ToHost, e.Copies())
	}
}

// Two sources of the same clip: a verdict of one is a verdict of the other.
func TestSourcesOnOneGPUDoNotMix(t *testing.T) {
	e := openGPU(t, pictureSet(t))
	one, _ := book(t, e, "media/testdata/h264.mp4")
	var both [2]*ledger
	var all sync.WaitGroup
	for i := range both {
		all.Go(func() { both[i], _ = book(t, e, "media/testdata/h264.mp4") })
	}
	all.Wait()
	for _, l := range both {
		l.compare(t, one)
	}
}

// discardWaveform makes a Sink of a ledger.
type discardWaveform struct{ *ledger }

func (discardWaveform) Waveform(int, []sound.Peak) {}

// A GPU that is lost in mid-run ends its sources with an error that says what to
// do, and the engine closes.
func TestLostGPU(t *testing.T) {
	for _, n := range []int{100, 300, 700} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			double.Reset()
			defer double.Restore()
			e, err := Open(Config{Detectors: pictureSet(t), Device: "cuda", ORTLibrary: environment(t, "STREAMVET_ORT_LIB")})
			if err != nil {
				t.Fatal(err)
			}
			double.LoseDevice(n, 719)
			s, err := e.Add(context.Background(), SourceConfig{URL: "media/testdata/h264.ts", Sink: &notebook{}})
			if err == nil {
				_, err = s.Wait()
			}
			if !errors.Is(err, ErrLost) {
				t.Errorf("a lost GPU: %v", err)
			}
			if err := e.Close(); err != nil && !errors.Is(err, device.ErrLost) {
				t.Errorf("close: %v", err)
			}
		})
	}
}

// Out of memory at each allocation in turn: a clear error or a network left out,
// never a crash or a leak, and the sources that run go on.
func TestOutOfDeviceMemory(t *testing.T) {
	few := append(shipped(t, "black"), brightest(t, models.Sampling{Every: 200 * time.Millisecond}))
	run := func(n int) (done bool) {
		double.Reset()
		before := double.Counters().Live
		double.FailAllocation(n)
		defer double.Restore()
		e, err := Open(Config{Detectors: few, Device: "cuda", ORTLibrary: environment(t, "STREAMVET_ORT_LIB")})
		if err == nil {
			var s *Source
			if s, err = e.Add(context.Background(), SourceConfig{URL: "media/testdata/h264.mp4", Sink: &notebook{}}); err == nil {
				_, err = s.Wait()
			}
			if closing := e.Close(); closing != nil {
				t.Errorf("allocation %d fails: close: %v", n, closing)
			}
		}
		if err != nil && !strings.Contains(err.Error(), "memory") {
			t.Errorf("allocation %d fails, and the error is %v", n, err)
		}
		if now := double.Counters().Live; now != before {
			t.Errorf("allocation %d fails: left %+v, before %+v", n, now, before)
		}
		return double.Counters().Errors == 0
	}
	for n := 1; !run(n); n++ {
		if n > 2000 {
			t.Fatal("there is no end to allocations")
		}
	}
}

func TestNoRoomOnTheGPU(t *testing.T) {
	double.Reset()
	defer double.Restore()
	double.LimitMemory(300 << 20)
	e := openDevice(t, "cuda", shipped(t, "black"))
	_, err := e.Add(context.Background(), SourceConfig{URL: "media/testdata/h264.mp4", Sink: &notebook{}})
	if err != nil {
		t.Fatalf("a small source: %v", err)
	}
	big := clip(t, "big.ts", "-f", "lavfi", "-i", "color=gray:size=3840x2160:rate=25:duration=0.2", "-c:v", "mpeg2video")
	_, err = e.Add(context.Background(), SourceConfig{URL: big, Sink: &notebook{}})
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.What != "device memory" {
		t.Errorf("a large one: %v", err)
	}
}

// auto takes the GPU where there is one, and says why not otherwise.
func TestAutoFallsBack(t *testing.T) {
	open := func() *Engine {
		t.Helper()
		e, err := Open(Config{Detectors: shipped(t, "black"), Device: "auto"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		return e
	}
	double.Reset()
	defer double.Restore()
	if e := open(); e.device.Mem() != frame.MemDevice || e.Fallback() != "" {
		t.Errorf("with a GPU: on %s, %q", e.Device(), e.Fallback())
	}
	double.Devices(0)
	if e := open(); e.device.Mem() != frame.MemHost || e.Fallback() == "" {
		t.Errorf("without one: on %s, %q", e.Device(), e.Fallback())
	}
	if _, err := Open(Config{Detectors: shipped(t, "black"), Device: "cuda"}); err == nil {
		t.Error("cuda was asked for, and there is none")
	}
}

// What goes wrong on the GPU in mid-run: an error that names it, pictures that are
// decoded in software, or the verdict decode_error; never a picture left out in silence.
func TestFaultsInMidRun(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func()
		lost  bool
		says  string // "" where the source ends well, with all its pictures
	}{
		{"a launch fails", func() { double.FailLaunch("sv_measure_tiles", 10, 701) }, false, "resources"},
		{"a kernel faults", func() { double.FaultKernel("sv_measure_tiles", 10, 700) }, true, ""},
		{"the decoder fails", func() { double.FailDecode(8) }, false, ""},
		{"a surface cannot be mapped", func() { double.FailMap(5) }, false, ""},
		{"surfaces run out", func() { double.LimitSurfaces(0) }, false, ""},
		{"the decoder refuses", func() { double.RefuseDecoder("h264") }, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			double.Reset()
			defer double.Restore()
			e, err := Open(Config{Detectors: pictureSet(t), Device: "cuda", ORTLibrary: environment(t, "STREAMVET_ORT_LIB")})
			if err != nil {
				t.Fatal(err)
			}
			c.fault()
			s, err := e.Add(context.Background(), SourceConfig{URL: "media/testdata/h264.ts", Sink: &notebook{}})
			if err != nil {
				t.Fatal(err)
			}
			sum, err := s.Wait()
			switch {
			case c.lost && !errors.Is(err, ErrLost):
				t.Errorf("a lost GPU: %v", err)
			case c.says != "" && (err == nil || !strings.Contains(strings.ToLower(err.Error()), c.says)):
				t.Errorf("the error: %v", err)
			case !c.lost && c.says == "" && (err != nil || sum.Frames < 20 || sum.Frames != 25 && sum.ByDefect[verdict.DecodeError] == 0):
				t.Errorf("%d pictures of 25, found %v, %v", sum.Frames, sum.ByDefect, err)
			}
			if err := e.Close(); err != nil && !c.lost {
				t.Errorf("close: %v", err)
			}
		})
	}
}

// Where the CPU computes, a batch may be another than on a GPU.
func TestBatchesOfTheCPU(t *testing.T) {
	for device, want := range map[string]int{"cpu": 2, "cuda:0": 5} {
		t.Run(device, func(t *testing.T) {
			d := brightest(t, models.Sampling{Every: time.Second})
			d.Network.Batch.MaxSize, d.Network.Batch.MaxSizeCPU = 5, 2
			e := openDevice(t, device, []models.Detector{d})
			if got := len(e.Networks()[0].Batches) - 1; got != want {
				t.Errorf("batches of up to %d, want %d", got, want)
			}
		})
	}
}
