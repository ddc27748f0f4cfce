package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/streamvet/streamvet/engine/inject"
)

func (o *injectOptions) checkSet() error {
	switch {
	case len(o.defects) > 0 || o.job.Out != "" || o.job.TruthPath != "":
		return errors.New("--set makes many clips: --defect, --output and --truth do not go with it; --kinds says what to put in")
	case len(o.inputs) == 0:
		return errors.New("name the clips, folders or lists to make the set of")
	case o.parallel < 1:
		return fmt.Errorf("--parallel %d must be at least 1", o.parallel)
	}
	if !strings.HasPrefix(o.plan.Container, ".") {
		o.plan.Container = "." + o.plan.Container
	}
	o.plan.Seed, o.plan.Encoder, o.plan.SoundEncoder, o.plan.Quality = o.job.Seed, o.job.Encoder, o.job.SoundEncoder, o.job.Quality
	return nil
}

// makeSet makes the set, or what is missing of it.
func (o *injectOptions) makeSet(ctx context.Context, stdout, stderr io.Writer) error {
	tools, err := inject.FindTools()
	if err != nil {
		return err
	}
	if o.plan.Clips, err = inject.FindClips(o.inputs); err != nil {
		return err
	}
	meter := newItemMeter(stderr, o.quiet)
	r, err := inject.BuildSet(ctx, tools, o.set, o.plan, o.parallel, func(p inject.SetProgress) {
		meter.show(p.Step, p.Done, p.Total, p.Now)
	})
	meter.clear()
	if !o.quiet && r.Set.Items != nil {
		tellSet(stdout, stderr, o.set, r)
	}
	if err == nil && len(r.Failed) > 0 {
		for _, f := range r.Failed {
			fmt.Fprintln(stderr, "streamvet inject:", f)
		}
		err = fmt.Errorf("%s of %d could not be made; the others are there", count(len(r.Failed), "item"), len(r.Set.Items))
	}
	return err
}

func tellSet(stdout, stderr io.Writer, dir string, r inject.SetResult) {
	for _, why := range r.LeftOut {
		fmt.Fprintln(stderr, "streamvet inject: left out:", why)
	}
	for _, w := range r.Warnings {
		fmt.Fprintln(stderr, "streamvet inject: warning:", w)
	}
	controls := 0
	for _, i := range r.Set.Items {
		if i.Clean() {
			controls++
		}
	}
	fmt.Fprintf(stdout, "%s: %s of %s, %d of them clean controls; %d made now, %d were there\n",
		dir, count(len(r.Set.Items), "item"), count(len(r.Set.Clips), "clip"), controls, r.Made, r.There)
	fmt.Fprintf(stdout, "  streamvet eval %s measures the detectors on it\n", dir)
}

// itemMeter tells on stderr how many items are done: on a terminal as a line that
// moves, elsewhere every half minute.
type itemMeter struct {
	w        io.Writer
	terminal bool
	quiet    bool
	step     string
	began    time.Time
	first    int // items that were done when the step began
	shown    time.Time
}

func newItemMeter(w io.Writer, quiet bool) *itemMeter {
	return &itemMeter{w: w, terminal: isTerminal(w), quiet: quiet}
}

func (m *itemMeter) show(step string, done, total int, now string) {
	at := time.Now()
	if step != m.step {
		m.step, m.began, m.first = step, at, done-1
		if !m.terminal {
			m.shown = at
		}
	}
	every := progressTick
	if !m.terminal {
		every = progressLogEvery
	}
	if m.quiet || at.Sub(m.shown) < every {
		return
	}
	m.shown = at
	line := fmt.Sprintf("%s: %d of %d", step, done, total)
	if n := done - m.first; n > 0 && done < total {
		left := time.Duration(float64(at.Sub(m.began)) / float64(n) * float64(total-done))
		line += fmt.Sprintf(", about %v left", left.Round(time.Second))
	}
	if !m.terminal {
		fmt.Fprintln(m.w, line)
		return
	}
	fmt.Fprintf(m.w, "\r\x1b[K%s", fit(line+"  "+now, terminalOf(m.w)))
}

func (m *itemMeter) clear() {
	if m.terminal && !m.shown.IsZero() {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}
