package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/streamvet/streamvet/engine"
)

// soak vets one long file and watches the resident memory: after the first
// tenth it must stay within 5 %.
func soak(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "streamvet-soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	clip, err := longClip(ctx, o, dir)
	if err != nil {
		return err
	}
	e, err := openEngine(o.threads)
	if err != nil {
		return err
	}
	defer e.Close()
	s, err := e.Add(ctx, engine.SourceConfig{URL: clip, Sink: nobody{}})
	if err != nil {
		return err
	}
	var first, last int
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-s.Done():
			running = false
		case <-tick.C:
		}
		n := s.Progress().Frames
		if n < o.soak/10 {
			continue
		}
		if last = residentBytes(); first == 0 {
			first = last
		}
		fmt.Fprintf(os.Stderr, "\r%d frames, %.1f MB ", n, float64(last)/1e6)
	}
	sum, err := s.Wait()
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return err
	}
	growth := 100 * (float64(last)/float64(first) - 1)
	fmt.Printf("%d frames: resident memory %.1f MB after a tenth, %.1f MB at the end: %+.1f %%\n", sum.Frames, float64(first)/1e6, float64(last)/1e6, growth)
	if growth > 5 {
		return errors.New("resident memory grew by more than 5 %")
	}
	return nil
}

// longClip makes a file of at least o.soak small frames with sound.
func longClip(ctx context.Context, o options, dir string) (string, error) {
	short, long := filepath.Join(dir, "short.ts"), filepath.Join(dir, "long.ts")
	const frames = 500
	if err := ffmpeg(ctx, o, "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25", "-f", "lavfi", "-i", "anoisesrc=amplitude=0.1:sample_rate=48000",
		"-t", strconv.Itoa(frames/25), "-c:v", "mpeg2video", "-q:v", "4", "-c:a", "aac", short); err != nil {
		return "", err
	}
	loops := strconv.FormatInt((o.soak+frames-1)/frames-1, 10)
	return long, ffmpeg(ctx, o, "-stream_loop", loops, "-i", short, "-c", "copy", long)
}

func ffmpeg(ctx context.Context, o options, args ...string) error {
	out, err := exec.CommandContext(ctx, o.ffmpeg, append([]string{"-v", "error", "-y"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// residentBytes is the resident memory of this process.
func residentBytes() int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := bytes.Fields(text)
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(string(f[1]))
	return pages * os.Getpagesize()
}
