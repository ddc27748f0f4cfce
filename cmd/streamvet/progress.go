package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
)

// The progress line appears once work has taken a moment, and moves twice a
// second on a terminal; elsewhere a line comes every half minute.
const (
	progressPatience = 1500 * time.Millisecond
	progressTick     = 500 * time.Millisecond
	progressLogEvery = 30 * time.Second
)

// progressBar tells on stderr how far the inputs have come.
type progressBar struct {
	v        *vetting
	terminal *os.File // nil where stderr is none
	quit     chan struct{}
	done     sync.WaitGroup
}

func startProgress(v *vetting) *progressBar {
	b := &progressBar{v: v, terminal: terminalOf(v.stderr), quit: make(chan struct{})}
	if !v.options.quiet {
		b.done.Go(b.run)
	}
	return b
}

func (b *progressBar) run() {
	tick := time.NewTicker(progressTick)
	defer tick.Stop()
	began := time.Now()
	var told time.Time
	for {
		select {
		case <-b.quit:
			b.v.printer.setStatus("")
			return
		case now := <-tick.C:
			switch {
			case now.Sub(began) < progressPatience:
			case b.terminal != nil:
				b.v.printer.setStatus(fit(b.line(now.Sub(began)), b.terminal))
			case now.Sub(began) >= progressLogEvery && now.Sub(told) >= progressLogEvery:
				told = now
				fmt.Fprintln(b.v.printer.log(), b.line(now.Sub(began)))
			}
		}
	}
}

// fit cuts a line to the width of the terminal: one that wraps could not be
// wiped.
func fit(line string, terminal *os.File) string {
	width, _, err := term.GetSize(int(terminal.Fd()))
	if err != nil || width < 2 || len(line) < width {
		return line
	}
	return line[:width-1]
}

// line is the state of all inputs in one line.
func (b *progressBar) line(elapsed time.Duration) string {
	var position, length time.Duration
	var frames int64
	var raised, opened int
	for _, r := range b.v.runs {
		p, l, ok := r.progress()
		if !ok {
			continue
		}
		opened++
		position += p.Position
		length += max(l, p.Position)
		frames += p.Frames
		raised += p.Raised
	}
	var s strings.Builder
	if len(b.v.runs) > 1 {
		fmt.Fprintf(&s, "%d of %d inputs  ", opened, len(b.v.runs))
	}
	fmt.Fprintf(&s, "%s", report.Clock(position))
	if length > position {
		fmt.Fprintf(&s, " of %s (%.0f %%)", report.Clock(length), 100*position.Seconds()/length.Seconds())
	}
	fmt.Fprintf(&s, "  %.1fx real time", position.Seconds()/elapsed.Seconds())
	if frames > 0 {
		fmt.Fprintf(&s, "  %.0f frames/s", float64(frames)/elapsed.Seconds())
	}
	fmt.Fprintf(&s, "  %s", count(raised, "defect"))
	return s.String()
}

func (b *progressBar) stop() {
	close(b.quit)
	b.done.Wait()
}

// count is "1 defect", "2 defects".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
