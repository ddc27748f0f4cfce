package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/measure/sound"
	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// The defects whose accuracy is promised, and how long they are made: each is a
// little longer than what its detector needs to raise it, or much longer.
var promised = []struct {
	defect        verdict.Defect
	kind          string
	shortest, rnd float64 // seconds
}{
	{verdict.Black, "black", 0.6, 1.2},
	{verdict.Freeze, "freeze", 0.8, 1.2},
	{verdict.Silence, "silence", 2.1, 1},
}

// shortestClip has room for one of each, apart.
const shortestClip = 9 * time.Second

// accuracy puts black, freeze and silence at random places into every clip,
// looks for them, and prints F1 and how far both ends are off.
func accuracy(ctx context.Context, o options) error {
	if len(o.clips) == 0 {
		return errors.New("--accuracy needs clips: name some that were not used for tuning")
	}
	tools, err := inject.FindTools()
	if err != nil {
		return err
	}
	e, err := openEngine(o.threads)
	if err != nil {
		return err
	}
	defer e.Close()
	dir, err := os.MkdirTemp("", "streamvet-accuracy")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tallies := make([]tally, len(promised))
	for i, clip := range o.clips {
		if err := spoilAndVet(ctx, e, tools, clip, filepath.Join(dir, "spoiled.mp4"), uint64(i)+o.seed, tallies); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", filepath.Base(clip), err)
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "defect\tinjected\tfound\tfalse alarms\tF1\tF1 of frames or ms\tworst start\tworst end\t")
	for i, p := range promised {
		t := tallies[i]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\t%v\t%v\t\n", p.defect, t.events.Hits+t.events.Misses, t.events.Hits, t.events.FalseAlarms,
			f1(t.events), f1(t.units), t.start.Round(time.Millisecond), t.end.Round(time.Millisecond))
	}
	return w.Flush()
}

// tally adds up over clips.
type tally struct {
	events, units inject.Tally
	start, end    time.Duration // furthest off
}

func f1(t inject.Tally) string {
	if f, ok := t.F1(); ok {
		return fmt.Sprintf("%.3f", f)
	}
	return "none injected"
}

// spoilAndVet spoils one clip with one of each defect and adds what was found.
func spoilAndVet(ctx context.Context, e *engine.Engine, tools inject.Tools, clip, out string, seed uint64, tallies []tally) error {
	length, err := lengthOf(ctx, e, clip)
	if err != nil {
		return err
	}
	if length < shortestClip {
		return fmt.Errorf("%v long, %v are needed: left out", length.Round(time.Millisecond), shortestClip)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	var specs []inject.Spec
	slot := (length.Seconds() - 1) / float64(len(promised))
	for i, k := range r.Perm(len(promised)) {
		p := promised[k]
		d := p.shortest + p.rnd*r.Float64()
		at := 0.5 + slot*float64(i) + max(slot-d-0.2, 0)*r.Float64()
		s, err := inject.ParseSpec(fmt.Sprintf("%s@%.3f-%.3f", p.kind, at, at+d))
		if err != nil {
			return err
		}
		specs = append(specs, s)
	}
	made, err := inject.Run(ctx, tools, inject.Job{In: clip, Out: out, Specs: specs, Quality: -1, Seed: seed, Overwrite: true})
	if err != nil {
		return err
	}
	c := &collector{}
	s, err := e.Add(ctx, engine.SourceConfig{URL: out, Sink: c})
	if err != nil {
		return err
	}
	if _, err := s.Wait(); err != nil {
		return err
	}
	for _, d := range inject.Match(made.Truth, c.verdicts, inject.DefaultTolerance()).Defects {
		for i, p := range promised {
			if p.defect == d.Defect {
				tallies[i].add(d, filepath.Base(clip))
			}
		}
	}
	return nil
}

func (t *tally) add(d inject.DefectReport, clip string) {
	sum := func(a *inject.Tally, b inject.Tally) {
		a.Hits, a.FalseAlarms, a.Misses = a.Hits+b.Hits, a.FalseAlarms+b.FalseAlarms, a.Misses+b.Misses
	}
	sum(&t.events, d.Events)
	sum(&t.units, d.Units)
	for _, m := range d.Matched {
		t.start, t.end = max(t.start, m.OnsetError.Abs()), max(t.end, m.EndError.Abs())
		if max(m.OnsetError.Abs(), m.EndError.Abs()) > 100*time.Millisecond {
			fmt.Fprintf(os.Stderr, "bench: %s: %s at %.2f-%.2f s is off by %v and %v\n", clip, d.Defect, m.Truth.Start, m.Truth.End, m.OnsetError, m.EndError)
		}
	}
	for _, m := range d.Missed {
		fmt.Fprintf(os.Stderr, "bench: %s: %s at %.2f-%.2f s was missed\n", clip, d.Defect, m.Start, m.End)
	}
	for _, v := range d.FalseAlarms {
		fmt.Fprintf(os.Stderr, "bench: %s: %s at %v-%v was not injected\n", clip, d.Defect, v.Start, v.End)
	}
}

// lengthOf is how long the clip's picture and sound last together.
func lengthOf(ctx context.Context, e *engine.Engine, clip string) (time.Duration, error) {
	s, err := e.Add(ctx, engine.SourceConfig{URL: clip, Sink: nobody{}})
	if err != nil {
		return 0, err
	}
	defer s.Wait()
	defer s.Stop()
	if d := s.Info().Duration; d > 0 {
		return d, nil
	}
	sum, err := s.Wait()
	return sum.Position, err
}

// collector keeps the verdicts that have ended.
type collector struct{ verdicts []verdict.Verdict }

func (c *collector) Verdict(v *streamvetv1.Verdict) {
	if v.State != streamvetv1.State_STATE_CLEARED {
		return
	}
	found := engine.FromRecord(v)
	found.Number = len(c.verdicts) + 1
	c.verdicts = append(c.verdicts, found)
}

func (c *collector) Scores(int, []verdict.Score) {}
func (c *collector) Waveform(int, []sound.Peak)  {}

// clean vets clips that should have nothing wrong and counts what is found.
func clean(ctx context.Context, o options) error {
	e, err := openEngine(o.threads)
	if err != nil {
		return err
	}
	defer e.Close()
	var total time.Duration
	byDefect := map[verdict.Defect]int{}
	for _, clip := range o.clips {
		c := &collector{}
		s, err := e.Add(ctx, engine.SourceConfig{URL: clip, Sink: c})
		if err == nil {
			var sum engine.Summary
			sum, err = s.Wait()
			total += sum.Position
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		}
		for _, v := range c.verdicts {
			byDefect[v.Defect]++
			fmt.Printf("%s: %s at %v-%v, score %.2f, reading %.4g\n", filepath.Base(clip), v.Defect, v.Start, v.End, v.Peak, v.Reading)
		}
	}
	all := 0
	for _, d := range verdict.Defects() {
		if n := byDefect[d]; n > 0 {
			all += n
			fmt.Printf("%-17s %d\n", d, n)
		}
	}
	fmt.Printf("%d verdicts in %v of clips: %.2f in 10 minutes\n", all, total.Round(time.Second), float64(all)*600/total.Seconds())
	return nil
}
