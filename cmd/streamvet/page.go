package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
)

// page is the report on its way to disk. A nil page is no report.
type page struct {
	path string
	file *os.File
}

// createReport opens the file before the work begins, so that a wrong path is
// told at once; "" gives a nil page.
func createReport(path string) (*page, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create the report: %w", err)
	}
	return &page{path, f}, nil
}

func (p *page) write(recorders []*report.Recorder) error {
	if p == nil {
		return nil
	}
	return errors.Join(report.Write(p.file, version, recorders), p.file.Close())
}
