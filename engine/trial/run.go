package trial

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Run is one piece of generated material and what the detector made of it.
type Run struct {
	Material string // "320x180", "48000 Hz, 2 channels"
	Looks    int64  // of a network
	Scores   map[verdict.Defect]Values
	Look     time.Duration // processor time of a network for one look, on one thread
	Memory   int64         // bytes by which the process grew
}

// Values are the scores of one defect.
type Values struct {
	Count           int
	Lowest, Highest float64
}

// outcome is a run and every score of it.
type outcome struct {
	Run
	scores       map[verdict.Defect][]verdict.Score
	largestBatch int
	refused      bool // the engine does not take the detector
}

// run lets a new engine vet one clip with the detector alone. What goes wrong is a
// problem of the report; an error is what the detector is not to blame for.
func (t *trial) run(ctx context.Context, d models.Detector, c clip) (outcome, error) {
	warned := &warnings{next: t.options.Logger.Handler()}
	before := resident()
	e, err := t.engine(d, warned.logger())
	if err != nil {
		return outcome{refused: true}, nil
	}
	ears := &listener{scores: map[verdict.Defect][]verdict.Score{}}
	out := outcome{Run: Run{Material: c.name}, scores: ears.scores}
	s, err := e.Add(ctx, engine.SourceConfig{URL: c.path, Name: c.name, Sink: ears})
	if err != nil {
		return out, errors.Join(err, e.Close())
	}
	sum, err := s.Wait()
	out.Memory = max(0, resident()-before)
	out.takeCounts(sum, e.Networks())
	if e := e.Close(); e != nil {
		return out, e
	}
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	if err != nil {
		t.problem("%v", err)
	}
	for _, text := range warned.all() {
		t.problem("%s: %s", c.name, text)
	}
	if d.Network != nil && len(out.scores) == 0 && len(t.report.Problems) == 0 {
		t.problem("%s: it gave no score", c.name)
	}
	return out, nil
}

// engine opens one with the detector alone; why it does not take it is in the report.
func (t *trial) engine(d models.Detector, log *slog.Logger) (*engine.Engine, error) {
	e, err := engine.Open(engine.Config{
		Detectors: []models.Detector{d}, Device: t.options.Device, ORTLibrary: t.options.ORTLibrary,
		DecoderThreads: 1, FullPrecision: true, Logger: log,
	})
	if err != nil {
		for _, line := range t.lines(err) {
			t.problem("%s", line)
		}
	}
	return e, err
}

func (o *outcome) takeCounts(sum engine.Summary, networks []engine.NetworkCounts) {
	o.Looks, o.Run.Scores = sum.Stages.Looks, map[verdict.Defect]Values{}
	if o.Looks > 0 {
		o.Look = sum.Stages.Networks / time.Duration(o.Looks)
	}
	for d, scores := range o.scores {
		v := Values{Lowest: math.Inf(1), Highest: math.Inf(-1)}
		for _, s := range scores {
			v.Count, v.Lowest, v.Highest = v.Count+1, min(v.Lowest, s.Value), max(v.Highest, s.Value)
		}
		o.Run.Scores[d] = v
	}
	for _, n := range networks {
		for rows, runs := range n.Batches {
			if runs > 0 {
				o.largestBatch = max(o.largestBatch, rows)
			}
		}
	}
}

// difference compares two runs over the same clip, score by score.
func (o *outcome) difference(other outcome) Difference {
	var diff Difference
	for d, scores := range o.scores {
		others := other.scores[d]
		if len(others) != len(scores) {
			diff.Most = 1 // a score that is not there differs as much as one can
		}
		for i := range min(len(scores), len(others)) {
			diff.Scores++
			diff.Most = max(diff.Most, math.Abs(scores[i].Value-others[i].Value))
		}
	}
	return diff
}

// listener keeps every score.
type listener struct {
	mu     sync.Mutex
	scores map[verdict.Defect][]verdict.Score
}

func (l *listener) Scores(_ int, scores []verdict.Score) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range scores {
		l.scores[s.Defect] = append(l.scores[s.Defect], s)
	}
}

func (l *listener) Verdict(*streamvetv1.Verdict) {}
func (l *listener) Waveform(int, []sound.Peak)   {}

// resident is the memory of the process in bytes; 0 where the system does not tell.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
