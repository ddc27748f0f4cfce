package engine

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/measure"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
)

func TestFuse(t *testing.T) {
	hints := measure.Suspicion{Damaged: 1, Edges: 0.25}
	for _, c := range []struct {
		name  string
		f     *models.Fusion
		score float64
		s     measure.Suspicion
		want  float64
	}{
		{"without fusion", nil, 0.3, hints, 0.3},
		{"the network alone", &models.Fusion{Network: 1, Damaged: 2}, 0.3, measure.Suspicion{}, 0.3},
		{"hints", &models.Fusion{Network: 1, Damaged: 2}, 0.5, hints, 1 / (1 + math.Exp(-2))},
		{"bias and scale", &models.Fusion{Bias: -1, Network: 2}, 0.8, hints, 1 / (1 + math.Exp(1)/16)},
		{"a score of 1", &models.Fusion{Network: 1, Bias: -20}, 1, hints, 1e6 / math.Exp(20) / (1 + 1e6/math.Exp(20))},
		{"a score that is none", &models.Fusion{Network: 1}, 0, hints, 1e-6},
	} {
		if got := fuse(c.f, c.score, c.s); math.Abs(got-c.want) > 1e-4*c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// lossy is 6 s of a moving picture, one keyframe in 2 s; of the packets from 3 s on
// a few are lost.
func lossy(t *testing.T) string {
	path := clip(t, "lossy.ts", "-f", "lavfi", "-i", "testsrc2=size=320x192:rate=25:duration=6", "-c:v", "mpeg2video", "-g", "50", "-b:v", "1M", "-muxdelay", "0")
	ts, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const packet = 188
	at := len(ts) / packet / 2 * packet
	lost := filepath.Join(t.TempDir(), "lost.ts")
	if err := os.WriteFile(lost, slices.Concat(ts[:at], ts[at+5*packet:]), 0o600); err != nil {
		t.Fatal(err)
	}
	return lost
}

// scoreBook keeps every score of a detector.
type scoreBook struct {
	notebook
	all []verdict.Score
}

func (b *scoreBook) Scores(_ int, s []verdict.Score) { b.all = append(b.all, s...) }

// scoresBy are those that a detector gives a clip, in an engine of its own.
func scoresBy(t *testing.T, d models.Detector, path string) []verdict.Score {
	t.Helper()
	e := openWith(t, []models.Detector{d})
	b := &scoreBook{}
	s, err := e.Add(context.Background(), SourceConfig{URL: path, Sink: b})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.all
}

// Evidence that the bitstream is damaged raises the scores of a network by its
// weight, from the first picture on, whatever batches its looks come in.
func TestEvidenceEntersTheScore(t *testing.T) {
	path := lossy(t)
	book := func(batch int, f *models.Fusion) []verdict.Score {
		d := brightest(t, models.Sampling{Every: 500 * time.Millisecond, Suspicious: 80 * time.Millisecond})
		d.Network.Batch.MaxSize = batch
		d.Outputs[0].Fusion = f
		return scoresBy(t, d, path)
	}
	plain := book(1, nil)
	fused := book(1, &models.Fusion{Network: 1, Damaged: 2})
	if len(plain) != len(fused) {
		t.Fatalf("%d looks, %d with fusion", len(plain), len(fused))
	}
	first, raised := time.Duration(-1), 0
	for i, p := range plain {
		odds := logOdds(fused[i].Value) - logOdds(p.Value)
		if math.Abs(odds) > 1e-6 && math.Abs(odds-2) > 1e-6 {
			t.Errorf("at %v the evidence weighs %v", p.PTS, odds)
		}
		if odds > 1 {
			raised++
			if first < 0 {
				first = p.PTS
			}
		}
	}
	if first < 2500*time.Millisecond || first > 3500*time.Millisecond || raised < 8 {
		t.Errorf("%d looks with evidence, the first at %v", raised, first)
	}
	moments := 0
	for _, p := range plain {
		if p.PTS >= first && p.PTS < first+8*40*time.Millisecond {
			moments++
		}
	}
	if moments != 8 {
		t.Errorf("%d looks at the first 8 pictures after the evidence", moments)
	}
	if other := book(4, &models.Fusion{Network: 1, Damaged: 2}); !slices.EqualFunc(fused, other, func(a, b verdict.Score) bool { return a.PTS == b.PTS && a.Value == b.Value }) {
		t.Error("in batches of 4 the scores are others")
	}
}
