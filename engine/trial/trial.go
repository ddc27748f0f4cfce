package trial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
)

// Options say where a detector is tried.
type Options struct {
	Device     string // as engine.Config has it
	ORTLibrary string // path of libonnxruntime.so; needed for networks alone
	Logger     *slog.Logger
}

// Report is what a trial has shown.
type Report struct {
	// Problems are why the detector cannot be served; none: it can.
	Problems []string
	// Notes are what its author should look at, though it can be served.
	Notes []string
	// Inputs and Outputs are what the ONNX file declares; none of a closed form.
	Inputs, Outputs []infer.Port
	// Runs are the pieces of generated material, in the order in which they were shown.
	Runs []Run
	// Batch is how scores of full batches differ from those of each look alone, and
	// Half those of the variant in half precision from those of the full one; nil
	// where it was not compared.
	Batch, Half *Difference
}

// Difference is between the scores of the same material in two ways.
type Difference struct {
	Rows   int     // of the largest batch that was run
	Most   float64 // largest difference of a score
	Scores int     // that were compared
}

// What scores may differ by: sums in another order, and products in half precision.
const (
	batchTolerance = 1e-4
	halfTolerance  = 0.02
)

// Look reads what the ONNX file of a detector declares and does no more: for one whose
// manifest is not good enough to be tried.
func Look(d models.Detector, o Options) (*Report, error) {
	t := &trial{detector: d, options: o, report: &Report{}}
	return t.report, t.describe()
}

// Detector tries one. The error is of what could not be done here, such as a missing
// ONNX Runtime; what is wrong with the detector is in the report.
func Detector(ctx context.Context, d models.Detector, o Options) (*Report, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	t := &trial{detector: d, options: o, report: &Report{}}
	if d.Network != nil {
		if err := t.describe(); err != nil {
			return t.report, err
		}
	}
	t.report.Notes = advice(d.Manifest)
	if len(t.report.Problems) > 0 {
		return t.report, nil
	}
	dir, err := os.MkdirTemp("", "streamvet-trial-")
	if err != nil {
		return t.report, fmt.Errorf("make a place for generated material: %w", err)
	}
	t.dir = dir
	err = t.all(ctx)
	return t.report, errors.Join(err, os.RemoveAll(dir))
}

// trial is the trial of one detector under way.
type trial struct {
	detector models.Detector
	options  Options
	dir      string // of generated material
	report   *Report
}

func (t *trial) problem(format string, args ...any) {
	if p := fmt.Sprintf(format, args...); !slices.Contains(t.report.Problems, p) {
		t.report.Problems = append(t.report.Problems, p)
	}
}

// describe reads what the network declares, also of one that does not fit its manifest.
func (t *trial) describe() error {
	lib, err := infer.Open(t.options.ORTLibrary, infer.Options{})
	if err != nil {
		return err
	}
	inputs, outputs, err := lib.Describe(t.detector.ONNX)
	if err != nil {
		t.problem("%v", err)
	}
	t.report.Inputs, t.report.Outputs = inputs, outputs
	return lib.Close()
}

// all shows the detector everything.
func (t *trial) all(ctx context.Context) error {
	clips, err := t.material()
	if err != nil {
		return err
	}
	if len(clips) == 0 {
		return t.open()
	}
	d := eager(t.detector)
	var first outcome
	for i, c := range clips {
		out, err := t.run(ctx, d, c)
		if err != nil || out.refused {
			return err
		}
		t.report.Runs = append(t.report.Runs, out.Run)
		if i == 0 {
			first = out
		}
	}
	t.lookAtScores()
	if t.detector.Network == nil || len(t.report.Problems) > 0 {
		return nil
	}
	return errors.Join(t.compareBatches(ctx, d, clips[0]), t.compareHalf(ctx, d, clips[0], first))
}

// open lets the engine take a detector that no clip can be shown to.
func (t *trial) open() error {
	e, err := t.engine(t.detector, t.options.Logger)
	if err != nil {
		return nil // told
	}
	t.report.Notes = append(t.report.Notes, "it speaks of live sources alone: the engine takes it, and it was not run")
	return e.Close()
}

// compareBatches holds scores of full batches to those of each look alone.
func (t *trial) compareBatches(ctx context.Context, d models.Detector, c clip) error {
	size := d.Network.Batch.OnCPU().MaxSize
	if size == 1 {
		return nil
	}
	alone, err := t.run(ctx, batched(d, 1, 0), c)
	if err != nil {
		return err
	}
	together, err := t.run(ctx, batched(d, size, longestQueue), c)
	if err != nil {
		return err
	}
	diff := alone.difference(together)
	diff.Rows = together.largestBatch
	t.report.Batch = &diff
	if diff.Most > batchTolerance {
		t.problem("network.batch: in a batch of %d the same %s gets another score than alone, by up to %.3g: "+
			"nothing in the network may mix the rows of a batch", diff.Rows, t.detector.Input, diff.Most)
	}
	return nil
}

// compareHalf holds the variant in half precision to the network itself.
func (t *trial) compareHalf(ctx context.Context, d models.Detector, c clip, full outcome) error {
	if len(d.HalfONNX) == 0 {
		return nil
	}
	half, err := t.run(ctx, halved(d), c)
	if err != nil {
		return err
	}
	diff := full.difference(half)
	t.report.Half = &diff
	if diff.Most > halfTolerance {
		t.problem("network.half: its scores differ from the full network's by up to %.3g, %v is the most: "+
			"a GPU would find something else than a CPU", diff.Most, halfTolerance)
	}
	return nil
}

// lookAtScores says what is strange about them.
func (t *trial) lookAtScores() {
	if t.detector.Network == nil {
		return
	}
	for _, o := range t.detector.Outputs {
		lowest, highest, scores := t.report.Range(o.Defect)
		if scores > 1 && highest-lowest < 1e-6 {
			t.report.Notes = append(t.report.Notes, fmt.Sprintf("it gives %.3g of %s for everything that was shown: does it look at its input?", lowest, o.Defect))
		}
	}
}

// Range is between which values the scores of a defect lay, and how many there were.
func (r *Report) Range(d verdict.Defect) (lowest, highest float64, scores int) {
	for _, run := range r.Runs {
		v := run.Scores[d]
		if v.Count == 0 {
			continue
		}
		if scores == 0 {
			lowest, highest = v.Lowest, v.Highest
		}
		lowest, highest, scores = min(lowest, v.Lowest), max(highest, v.Highest), scores+v.Count
	}
	return lowest, highest, scores
}

// lines are those of an error that joins several, without what the engine says first.
func (t *trial) lines(err error) []string {
	text := err.Error()
	for _, before := range []string{fmt.Sprintf("detector %q: ", t.detector.Name), "detector " + t.detector.Name + ": "} {
		if _, after, found := strings.Cut(text, before); found {
			text = after
		}
	}
	return strings.Split(text, "\n")
}
