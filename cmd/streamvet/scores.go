package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// scoreFile takes every score as a line of JSON. A nil scoreFile takes nothing.
type scoreFile struct {
	mu     sync.Mutex
	file   *os.File
	out    *bufio.Writer
	line   []byte            // reused
	names  map[string][]byte // sources as JSON strings
	failed error
}

// createScores makes the file; "" gives a nil scoreFile.
func createScores(path string) (*scoreFile, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create the file of scores: %w", err)
	}
	return &scoreFile{file: f, out: bufio.NewWriterSize(f, 1<<16), names: map[string][]byte{}}, nil
}

func (f *scoreFile) write(source string, track int, scores []verdict.Score) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	name := f.names[source]
	if name == nil {
		name, _ = json.Marshal(source) // a string always can be
		f.names[source] = name
	}
	for _, s := range scores {
		f.line = appendScore(f.line[:0], name, track, s)
		if _, err := f.out.Write(f.line); err != nil && f.failed == nil {
			f.failed = err
		}
	}
}

// appendScore writes {"source":..,"track":..,"detector":..,"defect":..,
// "start":seconds,"duration":seconds,"score":0..1,"reading":..}.
func appendScore(b, source []byte, track int, s verdict.Score) []byte {
	b = append(b, `{"source":`...)
	b = append(b, source...)
	b = append(b, `,"track":`...)
	b = strconv.AppendInt(b, int64(track), 10)
	b = append(b, `,"detector":`...)
	b = strconv.AppendQuote(b, s.Detector)
	b = append(b, `,"defect":`...)
	b = strconv.AppendQuote(b, string(s.Defect))
	b = appendSeconds(append(b, `,"start":`...), s.PTS)
	b = appendSeconds(append(b, `,"duration":`...), s.Duration)
	b = strconv.AppendFloat(append(b, `,"score":`...), s.Value, 'g', 5, 64)
	b = strconv.AppendFloat(append(b, `,"reading":`...), s.Reading, 'g', 6, 64)
	return append(b, "}\n"...)
}

func appendSeconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, d.Seconds(), 'f', 6, 64)
}

// Close writes what is left and tells the first thing that went wrong. It is
// idempotent.
func (f *scoreFile) Close() error {
	if f == nil || f.file == nil {
		return nil
	}
	err := errors.Join(f.failed, f.out.Flush(), f.file.Close())
	f.file = nil
	return err
}
