package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// makeClips makes 1080p clips with sound from the demo clip, which is natural
// moving content, and keeps them beside it. The private FFmpeg cannot encode
// H.264 or HEVC; an ffmpeg on the PATH with x264 and x265 does.
func makeClips(ctx context.Context, o options) ([]string, error) {
	demo := os.Getenv("STREAMVET_DEMO_CLIP")
	if demo == "" {
		return nil, errors.New("STREAMVET_DEMO_CLIP does not name a clip to start from: use make bench, or name clips")
	}
	encoder, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, errors.New("no ffmpeg on the PATH to make H.264 and HEVC clips with: install the package ffmpeg, or name clips")
	}
	var clips []string
	for _, c := range []struct{ name, codec, rate string }{{"h264", "libx264", "6M"}, {"hevc", "libx265", "4M"}} {
		out := filepath.Join(filepath.Dir(demo), fmt.Sprintf("bench-1080p-%s-%gs.mp4", c.name, o.seconds))
		clips = append(clips, out)
		if _, err := os.Stat(out); err == nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: making %s\n", out)
		part := out + ".part.mp4"
		cmd := exec.CommandContext(ctx, encoder, "-v", "error", "-y", "-stream_loop", "-1", "-i", demo, "-t", fmt.Sprint(o.seconds),
			"-vf", "scale=1920:1080:flags=bicubic", "-c:v", c.codec, "-preset", "fast", "-b:v", c.rate, "-g", "50",
			"-pix_fmt", "yuv420p", "-x265-params", "log-level=error", "-c:a", "aac", "-b:a", "128k", part)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("make %s: %w", filepath.Base(out), err)
		}
		if err := os.Rename(part, out); err != nil {
			return nil, err
		}
	}
	return clips, nil
}
