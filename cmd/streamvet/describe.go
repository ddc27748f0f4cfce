package main

import (
	"fmt"
	"time"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine/media"
)

// describe says what a container holds, a line each.
func describe(i media.Info) []string {
	var lines []string
	for _, t := range i.Tracks {
		lines = append(lines, report.Describe(t))
	}
	return lines
}

// seconds is a length of time as people say it.
func seconds(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return report.Clock(d)
}
