package engine

import (
	"context"
	"log/slog"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// brightest is a network whose score is the mean of the brightest 8x8 block and
// whose map holds them all.
func brightest(t *testing.T, s models.Sampling) models.Detector {
	t.Helper()
	onnx, err := os.ReadFile("infer/testdata/good.onnx")
	if err != nil {
		t.Fatal(err)
	}
	return models.Detector{ONNX: onnx, Manifest: models.Manifest{
		Name: "brightest", Version: "1.0.0", Input: "picture",
		Network: &models.Network{
			File: "good.onnx", Score: "score", Map: "map", MapThreshold: 0.7, Sampling: s,
			Tensor: models.TensorSpec{Name: "luma", DType: "u8", Channels: "luma", Resize: "none", Align: 16},
			Batch:  models.Batch{MaxSize: 3, MaxQueueDelay: 2 * time.Millisecond},
		},
		Outputs: []models.Output{{Defect: verdict.BlockCorruption, Rule: models.Rule{Raise: 0.8, Clear: 0.7, Hold: 300 * time.Millisecond, MinScores: 2}}},
	}}
}

// One look of a network speaks of several defects: each output is judged by its own
// rule, and the map belongs to the one whose score is the network's.
func TestANetworkScoresSeveralDefects(t *testing.T) {
	d := brightest(t, models.Sampling{Every: 200 * time.Millisecond})
	var err error
	if d.ONNX, err = os.ReadFile("infer/testdata/two_scores.onnx"); err != nil {
		t.Fatal(err)
	}
	d.Network.Score = "bright"
	// The grey (luma 71 of 255) is 0.722 below white; the box brightens an eighth of it.
	rule := models.Rule{Raise: 0.7, Clear: 0.7, Hold: 300 * time.Millisecond}
	d.Outputs = []models.Output{{Defect: verdict.Dark, Score: "dim", Rule: rule}, d.Outputs[0]}
	for _, size := range []int{1, 3} {
		d.Network.Batch.MaxSize = size
		e := openWith(t, []models.Detector{d})
		n, sum := vet(t, e, boxed(t, "208x128"))
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if sum.Stages.Looks != 30 || n.scores != 60 {
			t.Errorf("%d looks, %d scores", sum.Stages.Looks, n.scores)
		}
		box, dark := n.of(verdict.BlockCorruption, streamvetv1.State_STATE_CLEARED), n.of(verdict.Dark, streamvetv1.State_STATE_CLEARED)
		if len(box) != 1 || box[0].Start.AsDuration() != 2*time.Second || box[0].Region == nil {
			t.Errorf("batches of %d: the box: %v", size, box)
		}
		if len(dark) != 2 || dark[0].End.AsDuration() > 2*time.Second || dark[1].Start.AsDuration() < 4*time.Second || dark[0].Region != nil || math.Abs(dark[0].Score-0.722) > 0.001 {
			t.Errorf("batches of %d: dark: %v", size, dark)
		}
	}
}

// boxed is 6 s of grey with a white box on the right from 2 to 4 s.
func boxed(t *testing.T, size string) string {
	return clip(t, "boxed.mkv", "-f", "lavfi", "-i", "color=0x404040:size="+size+":rate=25:duration=6",
		"-vf", "drawbox=x=iw/2:y=ih/4:w=iw/4:h=ih/2:color=white:t=fill:enable='gte(t,2)*lt(t,4)'", "-c:v", "ffv1")
}

func TestNetworksLookAtTheirRateAndSayWhere(t *testing.T) {
	e := openWith(t, []models.Detector{brightest(t, models.Sampling{Every: 200 * time.Millisecond})})
	n, sum := vet(t, e, boxed(t, "200x120"))
	if sum.Stages.Looks != 30 || n.scores != 30 {
		t.Errorf("%d looks and %d scores in 6 s at 5 a second", sum.Stages.Looks, n.scores)
	}
	raised, cleared := n.of(verdict.BlockCorruption, streamvetv1.State_STATE_RAISED), n.of(verdict.BlockCorruption, streamvetv1.State_STATE_CLEARED)
	if len(raised) != 1 || len(cleared) != 1 {
		t.Fatalf("raised %d, cleared %d: %v", len(raised), len(cleared), n.verdicts)
	}
	v := cleared[0]
	if v.Start.AsDuration() != 2*time.Second || v.End.AsDuration() < 3800*time.Millisecond || v.End.AsDuration() > 4*time.Second {
		t.Errorf("found at %v to %v", v.Start.AsDuration(), v.End.AsDuration())
	}
	// 200 columns lie in a tensor of 208; the box is at 100..150 x 30..90.
	r := v.Region
	if r == nil || math.Abs(r.X-0.5) > 0.05 || math.Abs(r.Width-0.25) > 0.08 || math.Abs(r.Y-0.25) > 0.08 || math.Abs(r.Height-0.5) > 0.13 {
		t.Errorf("region %v", r)
	}
	if raised[0].Evidence == nil || (raised[0].Evidence.At.AsDuration()-2*time.Second).Abs() > time.Second {
		t.Errorf("evidence %v", raised[0].Evidence.GetAt())
	}
}

func TestNetworksLookAtOnceWhenSuspicious(t *testing.T) {
	// A few blocks on the 16-grid break, for a moment between two looks.
	broken := clip(t, "broken.mkv", "-f", "lavfi", "-i", "testsrc2=size=640x368:rate=25:duration=4",
		"-vf", "drawbox=x=320:y=160:w=64:h=64:color=white:t=fill:enable='gte(t,2.4)*lt(t,3)',drawbox=x=96:y=208:w=96:h=48:color=white:t=fill:enable='gte(t,2.4)*lt(t,3)'", "-c:v", "ffv1")
	looks := func(s models.Sampling) int64 {
		e := openWith(t, []models.Detector{brightest(t, s)})
		defer e.Close()
		n, sum := vet(t, e, broken)
		if s.Suspicious > 0 && len(n.last) == 0 {
			t.Error("no scores")
		}
		return sum.Stages.Looks
	}
	base := looks(models.Sampling{Every: 2 * time.Second})
	alert := looks(models.Sampling{Every: 2 * time.Second, Suspicious: 40 * time.Millisecond})
	if base != 2 || alert <= base {
		t.Errorf("%d looks at the base rate, %d with suspicion", base, alert)
	}
}

// Sources of the same and of other sizes share the network; each gets its own scores.
func TestSourcesShareBatches(t *testing.T) {
	e := openWith(t, []models.Detector{brightest(t, models.Sampling{Every: 40 * time.Millisecond})})
	var notes []*notebook
	var sources []*Source
	for i, url := range []string{boxed(t, "200x120"), boxed(t, "200x120"), boxed(t, "96x64"),
		clip(t, "grey.mkv", "-f", "lavfi", "-i", "color=0x404040:size=200x120:rate=25:duration=6", "-c:v", "ffv1")} {
		n := &notebook{}
		s, err := e.Add(context.Background(), SourceConfig{URL: url, Name: string(rune('a' + i)), Sink: n})
		if err != nil {
			t.Fatal(err)
		}
		notes, sources = append(notes, n), append(sources, s)
	}
	for i, s := range sources {
		sum, err := s.Wait()
		if err != nil {
			t.Fatal(err)
		}
		want := 1
		if i == 3 {
			want = 0
		}
		if got := len(notes[i].of(verdict.BlockCorruption, streamvetv1.State_STATE_CLEARED)); got != want || sum.Stages.Looks != 150 || notes[i].scores != 150 {
			t.Errorf("source %d: %d verdicts, %d looks, %d scores", i, got, sum.Stages.Looks, notes[i].scores)
		}
	}
	for _, n := range e.lineup.networks {
		if len(n.lanes) != 0 {
			t.Errorf("%d lanes are left open", len(n.lanes))
		}
	}
}

// A network that cannot run on a picture size is left out; the rest goes on.
func TestNetworksThatDoNotFitAreLeftOut(t *testing.T) {
	d := brightest(t, models.Sampling{Every: 200 * time.Millisecond})
	var err error
	if d.ONNX, err = os.ReadFile("infer/testdata/one_size.onnx"); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	e, err := Open(Config{Detectors: append(shipped(t, "black"), d), Device: "cpu", ORTLibrary: environment(t, "STREAMVET_ORT_LIB"), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	n, sum := vet(t, e, spoiled(t))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if sum.Stages.Looks != 0 || len(n.of(verdict.Black, streamvetv1.State_STATE_CLEARED)) != 1 {
		t.Errorf("%d looks, %v", sum.Stages.Looks, n.verdicts)
	}
	if !strings.Contains(log.String(), "brightest") {
		t.Errorf("the log does not tell: %s", log.String())
	}
}
