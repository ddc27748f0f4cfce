package engine

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// crackle is a network of sound: its score of clicks is the greatest step from one
// sample to the next, its score of clipping the mean level, both of 20 ms.
func crackle(t testing.TB) models.Detector {
	t.Helper()
	onnx, err := os.ReadFile("infer/testdata/sound.onnx")
	if err != nil {
		t.Fatal(err)
	}
	rule := models.Rule{Raise: 0.5, Clear: 0.4, Hold: 100 * time.Millisecond}
	return models.Detector{ONNX: onnx, Manifest: models.Manifest{
		Name: "crackle", Version: "1.0.0", Input: "sound",
		Network: &models.Network{
			File: "sound.onnx", Score: "click", Sampling: models.Sampling{Every: time.Second},
			Tensor: models.TensorSpec{Name: "samples", DType: "f32", Channels: "each", Rate: 32000, Window: 40960},
			Batch:  models.Batch{MaxSize: 3, MaxQueueDelay: 2 * time.Millisecond},
		},
		Outputs: []models.Output{{Defect: verdict.Click, Rule: rule}, {Defect: verdict.Clipping, Score: "loud", Rule: rule}},
	}}
}

// heardBy is a crackle with another network.
func heardBy(t *testing.T, model string, change func(*models.Detector)) models.Detector {
	t.Helper()
	d := crackle(t)
	var err error
	if d.ONNX, err = os.ReadFile("infer/testdata/" + model + ".onnx"); err != nil {
		t.Fatal(err)
	}
	network := *d.Network
	d.Network = &network
	change(&d)
	return d
}

// step is a source of ffmpeg's that is silent but for 5 ms from some seconds on.
func step(at ...float64) string {
	wave := "0"
	for _, s := range at {
		wave += fmt.Sprintf("+0.9*gte(t,%g)*lt(t,%g)", s, s+.005)
	}
	return wave
}

// listen vets url and gives all scores.
func listen(t *testing.T, e *Engine, c SourceConfig) (*scoreBook, Summary, error) {
	t.Helper()
	b := &scoreBook{}
	c.Sink = b
	s, err := e.Add(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Wait()
	return b, sum, err
}

// of gives the scores of a defect, which must come in time order and without a gap of
// more than so much; it tells where they begin and end.
func (b *scoreBook) inOrder(t *testing.T, d verdict.Defect, gap time.Duration) (scores []verdict.Score, start, end time.Duration) {
	t.Helper()
	for _, s := range b.all {
		if s.Defect != d {
			continue
		}
		if len(scores) == 0 {
			start, end = s.PTS, s.PTS
		}
		if s.PTS < end || s.PTS-end > gap || s.Duration <= 0 || s.Duration > 20*time.Millisecond {
			t.Errorf("%s: a score of %v+%v after %v", d, s.PTS, s.Duration, end)
		}
		scores, end = append(scores, s), s.PTS+s.Duration
	}
	return scores, start, end
}

// raisedAt is where a defect was raised.
func raisedAt(n *notebook, d verdict.Defect) (at []time.Duration) {
	for _, v := range n.of(d, streamvetv1.State_STATE_RAISED) {
		at = append(at, v.Start.AsDuration())
	}
	return at
}

// stepOf is the beginning of the 20 ms that a time in seconds is in.
func stepOf(seconds float64) time.Duration { return time.Duration(seconds*50) * 20 * time.Millisecond }

// A click raises in the step that it is in, wherever windows begin, at the rate of
// the network and at others; the scores cover the track, and no more.
func TestNetworksHearSound(t *testing.T) {
	e := openWith(t, []models.Detector{crackle(t)})
	for _, rate := range []int{32000, 48000, 44100, 22050} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			url := clip(t, "a.wav", "-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='%s':s=%d:d=3.95", step(.9999, 2.5, 3.87), rate))
			n, sum := vet(t, e, url)
			if sum.Stages.Looks != 4 || n.scores != 2*198 || sum.Latency.Count != 4 {
				t.Errorf("%d looks, %d latencies and %d scores of 3.95 s: want 4 windows, and 198 steps of two defects", sum.Stages.Looks, sum.Latency.Count, n.scores)
			}
			if got, want := raisedAt(n, verdict.Click), []time.Duration{stepOf(.9999), stepOf(2.5), stepOf(3.87)}; !slices.Equal(got, want) {
				t.Errorf("raised at %v, want %v", got, want)
			}
			if end := n.last["crackle"].PTS + n.last["crackle"].Duration; end != 3950*time.Millisecond {
				t.Errorf("the last score ends at %v", end)
			}
		})
	}
}

// The greatest score of all channels speaks; more channels than there are slots, and
// sources that drop, change nothing.
func TestEveryChannelIsHeard(t *testing.T) {
	for _, channels := range []int{1, 2, 6, 8} {
		e := openWith(t, []models.Detector{crackle(t)})
		wave := ""
		for c := range channels - 1 {
			wave += fmt.Sprintf("%g*sin(2*PI*100*t)|", float64(c+1)/10)
		}
		url := clip(t, "a.wav", "-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='%s%s':s=48000:d=2.5", wave, step(1.5)))
		for _, drops := range []bool{false, true} {
			b, sum, err := listen(t, e, SourceConfig{URL: url, Drops: drops})
			if err != nil {
				t.Fatal(err)
			}
			clicks, start, end := b.inOrder(t, verdict.Click, 0)
			if sum.Stages.Looks != 3 || len(sum.Drops) > 0 || start != 0 || end != 2500*time.Millisecond {
				t.Errorf("%d channels: %d looks, %v dropped, scores from %v to %v", channels, sum.Stages.Looks, sum.Drops, start, end)
			}
			if at := raisedAt(&b.notebook, verdict.Click); len(at) != 1 || at[0] != stepOf(1.5) {
				t.Errorf("%d channels: raised at %v", channels, at)
			}
			for _, s := range clicks {
				if s.Value > 0.4 && s.PTS != stepOf(1.5) {
					t.Errorf("%d channels: %v at %v", channels, s.Value, s.PTS)
				}
			}
		}
		rows := int64(0)
		for n, batches := range e.Networks()[0].Batches {
			rows += int64(n) * batches
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if rows != int64(2*3*channels) {
			t.Errorf("%d channels: %d rows were run", channels, rows)
		}
	}
}

// A mix of the channels is one row, whose score is that of their mean.
func TestAMixIsHeardOnce(t *testing.T) {
	d := heardBy(t, "sound", func(d *models.Detector) { d.Network.Tensor.Channels = "mix" })
	e := openWith(t, []models.Detector{d})
	b, sum, err := listen(t, e, SourceConfig{URL: clip(t, "a.wav", "-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='0|%s':s=32000:d=2.5", step(1.5)))})
	if err != nil {
		t.Fatal(err)
	}
	rows := int64(0)
	for n, batches := range e.Networks()[0].Batches {
		rows += int64(n) * batches
	}
	clicks, start, end := b.inOrder(t, verdict.Click, 0)
	if sum.Stages.Looks != 3 || rows != 3 || start != 0 || end != 2500*time.Millisecond {
		t.Errorf("%d looks, %d rows, scores from %v to %v", sum.Stages.Looks, rows, start, end)
	}
	for _, s := range clicks {
		if s.PTS == stepOf(1.5) && math.Abs(s.Value-0.45) > 0.01 || s.PTS != stepOf(1.5) && s.Value != 0 {
			t.Errorf("%v at %v", s.Value, s.PTS)
		}
	}
}

// Channels that are the same are run once.
func TestTheSameSoundIsHeardOnce(t *testing.T) {
	e := openWith(t, []models.Detector{crackle(t)})
	noise := "0.3*sin(2*PI*t*(300+100*t))"
	_, sum := vet(t, e, clip(t, "a.wav", "-f", "lavfi", "-i", "aevalsrc='"+noise+"|0|"+noise+"|0|0|0':s=48000:d=1"))
	if c := e.Networks()[0]; sum.Stages.Looks != 1 || c.Batches[1]+2*c.Batches[2] != 2 || c.Batches[3] != 0 {
		t.Errorf("%d looks, batches %v", sum.Stages.Looks, c.Batches)
	}
}

// What is shorter than a window is heard, too.
func TestShortSound(t *testing.T) {
	e := openWith(t, []models.Detector{crackle(t)})
	for _, ms := range []int{1, 20, 333} {
		url := clip(t, "a.wav", "-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='0.1*sin(600*t)':s=48000:d=%d.%03d", ms/1000, ms%1000))
		b, sum, err := listen(t, e, SourceConfig{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if scores, _, end := b.inOrder(t, verdict.Clipping, 0); sum.Stages.Looks != 1 || len(scores) != (ms+19)/20 || end != time.Duration(ms)*time.Millisecond {
			t.Errorf("%d ms: %d looks, %d scores up to %v", ms, sum.Stages.Looks, len(scores), end)
		}
	}
}

// Where sound is missing another window begins: what comes after is told of when it
// plays.
func TestWindowsBeginAnewAfterAGap(t *testing.T) {
	e := openWith(t, []models.Detector{crackle(t)})
	url := clip(t, "a.mkv", "-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='0.2*sin(600*t)+%s':s=48000:d=5", step(.5, 2.9, 4.4)),
		"-af", "aselect='not(between(t,1.2,2.7))'", "-c:a", "flac", "-frame_size", "1024")
	b, sum, err := listen(t, e, SourceConfig{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	scores, _, end := b.inOrder(t, verdict.Clipping, 2*time.Second)
	if n := len(scores); sum.Stages.Looks != 5 || n < 174 || n > 178 || (end-5*time.Second).Abs() > 20*time.Millisecond {
		t.Errorf("%d looks, %d scores up to %v", sum.Stages.Looks, n, end)
	}
	at := raisedAt(&b.notebook, verdict.Click)
	if len(at) != 3 {
		t.Fatalf("raised at %v", at)
	}
	for i, s := range []float64{.5, 2.9, 4.4} {
		if d := time.Duration(s*float64(time.Second)) - at[i]; d < 0 || d >= 20*time.Millisecond {
			t.Errorf("the click at %v s was found in a step from %v on", s, at[i])
		}
	}
}

// Rate and channels change in mid-stream: all of it is heard.
func TestSoundThatChanges(t *testing.T) {
	var whole []byte
	for i, args := range [][]string{{"-ac", "1", "-ar", "48000"}, {"-ac", "2", "-ar", "44100"}, {"-ac", "1", "-ar", "32000"}} {
		part, err := os.ReadFile(clip(t, "part.ts", append([]string{"-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='%s':s=48000:d=2", step(1.5)),
			"-c:a", "mp2", "-output_ts_offset", fmt.Sprint(2 * i)}, args...)...))
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, part...)
	}
	url := filepath.Join(t.TempDir(), "whole.ts")
	if err := os.WriteFile(url, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	e := openWith(t, []models.Detector{heardBy(t, "sound", func(d *models.Detector) { d.Outputs[0].Rule.Raise, d.Outputs[0].Rule.Clear = .3, .3 })})
	b, _, err := listen(t, e, SourceConfig{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	var heard time.Duration
	for _, s := range b.all {
		if s.Defect == verdict.Click {
			heard += s.Duration
		}
	}
	if (heard - 6*time.Second).Abs() > 150*time.Millisecond { // what the codec adds, and drops at changes
		t.Errorf("%v of 6 s were heard", heard)
	}
	at := raisedAt(&b.notebook, verdict.Click)
	for _, want := range []time.Duration{1500 * time.Millisecond, 3500 * time.Millisecond, 5500 * time.Millisecond} {
		if !slices.ContainsFunc(at, func(a time.Duration) bool { return (a - want).Abs() <= 60*time.Millisecond }) {
			t.Errorf("raised at %v, not at %v", at, want)
		}
	}
}

// However batches fill, and whoever else is in them, no bit of a score changes.
func TestBatchesChangeNoScoreOfSound(t *testing.T) {
	urls := []string{
		clip(t, "a.wav", "-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.4:sample_rate=48000:duration=4:seed=1"),
		clip(t, "b.wav", "-f", "lavfi", "-i", "anoisesrc=color=white:amplitude=0.4:sample_rate=44100:duration=4:seed=2", "-ac", "2"),
		clip(t, "c.wav", "-f", "lavfi", "-i", "anoisesrc=color=brown:amplitude=0.4:sample_rate=32000:duration=4:seed=3"),
	}
	var want [][]verdict.Score
	for _, size := range []int{1, 2, 16} {
		e := openWith(t, []models.Detector{heardBy(t, "sound", func(d *models.Detector) {
			d.Network.Batch = models.Batch{MaxSize: size, MaxQueueDelay: 20 * time.Millisecond}
		})})
		books, sources := make([]*scoreBook, len(urls)), make([]*Source, len(urls))
		for i, url := range urls {
			books[i] = &scoreBook{}
			var err error
			if sources[i], err = e.Add(context.Background(), SourceConfig{URL: url, Sink: books[i]}); err != nil {
				t.Fatal(err)
			}
		}
		for i, s := range sources {
			if _, err := s.Wait(); err != nil {
				t.Fatal(err)
			}
			if len(books[i].all) != 2*200 {
				t.Errorf("batches of %d: source %d has %d scores", size, i, len(books[i].all))
			}
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		for i, b := range books {
			if size == 1 {
				want = append(want, b.all)
			} else if !slices.Equal(b.all, want[i]) {
				t.Errorf("batches of %d: source %d has other scores than in batches of one", size, i)
			}
		}
	}
}

// A live source does not wait for a network that has no time: the windows are left
// out whole, counted, and the closed forms go on.
func TestWindowsAreDropped(t *testing.T) {
	e := openWith(t, append(shipped(t, "silence"), crackle(t)))
	hall := e.lineup.networks[0].hall
	var give []func()
	for s, ok := hall.TryAcquire(); ok; s, ok = hall.TryAcquire() {
		give = append(give, func() { hall.Abandon(s) })
	}
	url := clip(t, "a.wav", "-f", "lavfi", "-i", "aevalsrc='"+step(1)+"|0.5*sin(600*t)':s=48000:d=3.5")
	b, sum, err := listen(t, e, SourceConfig{URL: url, Drops: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range give {
		f()
	}
	if scores, _, _ := b.inOrder(t, verdict.Click, 0); len(scores) != 0 || sum.Stages.Looks != 0 || sum.Drops["crackle"] != 4 || e.Totals().Drops["crackle"] != 4 {
		t.Errorf("%d scores, %d looks, %v dropped", len(scores), sum.Stages.Looks, sum.Drops)
	}
	if n := len(b.all); n == 0 || b.all[0].Detector != "silence" {
		t.Errorf("%d scores of silence", n)
	}
	if _, sum, err := listen(t, e, SourceConfig{URL: url, Drops: true}); err != nil || sum.Stages.Looks != 4 || len(sum.Drops) != 0 {
		t.Errorf("with slots: %d looks, %v dropped, %v", sum.Stages.Looks, sum.Drops, err)
	}
}

// A network that fails in mid-run is a fault of the source; the others go on.
func TestSoundNetworksThatFail(t *testing.T) {
	deaf := heardBy(t, "deaf", func(d *models.Detector) {
		d.Name, d.Network.Score, d.Outputs = "deaf", "score", []models.Output{{Defect: verdict.Hum, Rule: d.Outputs[0].Rule}}
	})
	e := openWith(t, append(shipped(t, "silence"), crackle(t), deaf))
	silent, loud := clip(t, "a.wav", "-f", "lavfi", "-i", "aevalsrc='0|0':s=32000:d=3"), clip(t, "b.wav", "-f", "lavfi", "-i", "aevalsrc='0|0.5':s=32000:d=3")
	b, sum, err := listen(t, e, SourceConfig{URL: silent})
	if err != nil || sum.Stages.Looks != 6 || b.all == nil {
		t.Errorf("silence, which it hears: %d looks, %v", sum.Stages.Looks, err)
	}
	b, _, err = listen(t, e, SourceConfig{URL: loud})
	if err == nil || !strings.Contains(err.Error(), "detector deaf has failed") {
		t.Errorf("the error: %v", err)
	}
	if scores, _, end := b.inOrder(t, verdict.Click, 0); len(scores) != 150 || end != 3*time.Second {
		t.Errorf("the other network: %d scores up to %v", len(scores), end)
	}
	if scores, _, _ := b.inOrder(t, verdict.Hum, 0); len(scores) != 0 {
		t.Errorf("%d scores of the network that fails", len(scores))
	}
}

// Networks of sound come and go without a gap in what is heard.
func TestUseExchangesSoundNetworks(t *testing.T) {
	// Batches of one, of which 16 may be on their way: the track is at most so far ahead.
	alone := heardBy(t, "sound", func(d *models.Detector) { d.Network.Batch.MaxSize = 1 })
	newer := version([]models.Detector{alone}, "2.0.0")
	e := openWith(t, []models.Detector{alone})
	first := e.lineup.networks[0]
	b := &exchanged{at: 2 * time.Second, do: func() {
		if err := e.Use(append(newer, shipped(t, "silence")...)); err != nil {
			t.Errorf("the change: %v", err)
		}
	}}
	url := clip(t, "a.wav", "-f", "lavfi", "-i", "aevalsrc='0.1*sin(600*t)+"+step(1.5, 38.5)+"':s=48000:d=39.5")
	s, err := e.Add(context.Background(), SourceConfig{URL: url, Sink: b})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, start, end := b.inOrder(t, verdict.Click, time.Millisecond); start != 0 || (end-39500*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("scores from %v to %v", start, end)
	}
	if first.retain() {
		t.Error("the network that went is still open")
	}
	raised := b.of(verdict.Click, streamvetv1.State_STATE_RAISED)
	if len(raised) != 2 || raised[0].DetectorVersion != "1.0.0" || raised[1].DetectorVersion != "2.0.0" {
		t.Errorf("raised: %v", raised)
	}
}

// exchanged is a scoreBook that does something when scores come to a time.
type exchanged struct {
	scoreBook
	at time.Duration
	do func()
}

func (b *exchanged) Scores(track int, s []verdict.Score) {
	b.scoreBook.Scores(track, s)
	if do := b.do; do != nil && s[0].PTS >= b.at {
		b.do = nil
		do()
	}
}

// A shadow hears what the network in force hears, and its scores are told apart.
func TestShadowsHearSound(t *testing.T) {
	e := openWith(t, []models.Detector{crackle(t)})
	if err := e.Use([]models.Detector{crackle(t)}, version([]models.Detector{crackle(t)}, "2.0.0")...); err != nil {
		t.Fatal(err)
	}
	n := &shadowed{scored: map[string]int{}}
	s, err := e.Add(context.Background(), SourceConfig{URL: clip(t, "a.wav", "-f", "lavfi", "-i", "aevalsrc='"+step(1.5)+"':s=48000:d=3"), Sink: n})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Wait()
	if err != nil || sum.Stages.Looks != 6 || n.scores != 300 || n.scored["crackle"] != 300 {
		t.Errorf("%d looks, %d scores, %v of shadows: %v", sum.Stages.Looks, n.scores, n.scored, err)
	}
	if len(n.shadows) != 2 || n.shadows[0].DetectorVersion != "2.0.0" {
		t.Errorf("verdicts of the shadow: %v", n.shadows)
	}
}

// What a network of sound gives must fit its manifest: it is refused before a source.
func TestSoundNetworksThatDoNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*models.Detector)
		says   string
	}{
		"hop":    {func(d *models.Detector) { d.Network.Sampling.Every = 1010 * time.Millisecond }, `network.score: output "click" has 64 steps over a window of 40960 samples`},
		"middle": {func(d *models.Detector) { d.Network.Sampling.Every = 1020 * time.Millisecond }, "and so must what comes before and after it"},
		"window": {func(d *models.Detector) { d.Network.Tensor.Window = 41000 }, "64 steps over a window of 41000 samples"},
		"score":  {func(d *models.Detector) { d.Outputs[1].Score = "lout" }, `outputs[1].score: the model has no output "lout"`},
		"hop 0":  {func(d *models.Detector) { d.Network.Sampling.Every = 1 }, "they must be positive"},
	} {
		_, err := Open(Config{Detectors: []models.Detector{heardBy(t, "sound", c.change)}, Device: "cpu", ORTLibrary: environment(t, "STREAMVET_ORT_LIB")})
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "crackle") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Sound at a rate that is no track's is left out; a source that is stopped while
// windows are under way ends.
func TestSoundThatIsNotHeard(t *testing.T) {
	e := openWith(t, []models.Detector{crackle(t)})
	b, sum, err := listen(t, e, SourceConfig{URL: clip(t, "a.wav", "-f", "lavfi", "-i", "aevalsrc=0.1:s=6000:d=3")})
	if err != nil || sum.Stages.Looks != 0 || len(b.all) != 0 {
		t.Errorf("6 kHz: %d looks, %d scores, %v", sum.Stages.Looks, len(b.all), err)
	}
	url := clip(t, "a.wav", "-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:duration=600", "-ac", "2")
	c := &exchanged{at: 3 * time.Second}
	ready := make(chan *Source, 1)
	c.do = func() { (<-ready).Stop() }
	s, err := e.Add(context.Background(), SourceConfig{URL: url, Sink: c})
	if err != nil {
		t.Fatal(err)
	}
	ready <- s
	if sum, err := s.Wait(); err != nil || !sum.Stopped || sum.Position > 590*time.Second {
		t.Errorf("stopped: %v at %v, %v", sum.Stopped, sum.Position, err)
	}
}

// A score of the whole window speaks for its middle.
func TestScoresOfWholeWindows(t *testing.T) {
	e := openWith(t, []models.Detector{heardBy(t, "sound", func(d *models.Detector) {
		d.Network.Score, d.Network.Sampling.Every = "peak", 700*time.Millisecond
		d.Outputs = d.Outputs[:1]
	})})
	b, _, err := listen(t, e, SourceConfig{URL: clip(t, "a.wav", "-f", "lavfi", "-i", "aevalsrc='"+step(1)+"':s=32000:d=2")})
	if err != nil {
		t.Fatal(err)
	}
	want := []verdict.Score{{PTS: 0, Duration: 700 * time.Millisecond}, {PTS: 700 * time.Millisecond, Duration: 700 * time.Millisecond}, {PTS: 1400 * time.Millisecond, Duration: 600 * time.Millisecond}}
	for i, s := range b.all {
		if i >= len(want) || s.PTS != want[i].PTS || s.Duration != want[i].Duration || (s.Value > .8) != (i == 1) {
			t.Errorf("score %d: %+v", i, s)
		}
	}
	if len(b.all) != len(want) {
		t.Errorf("%d scores", len(b.all))
	}
}
