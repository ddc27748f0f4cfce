package inject

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Tools are the ffmpeg programs that this machine has.
type Tools struct {
	// Programs are paths of ffmpeg programs, the preferred decoder first. Beside
	// at least one of them, or on PATH, there is an ffprobe.
	Programs []string
	Probe    string // path of ffprobe
}

// FindTools looks for ffmpeg: the program that $STREAMVET_FFMPEG names, the ones
// that the set-up built into its cache, the one that $STREAMVET_ENCODER names for
// its encoders, and the one on PATH.
func FindTools() (Tools, error) {
	var t Tools
	named := func(variable string) error {
		name := os.Getenv(variable)
		if name == "" {
			return nil
		}
		path, err := exec.LookPath(name)
		if err != nil {
			return fmt.Errorf("find ffmpeg: %s names %s, which cannot be run: correct it or unset it", variable, name)
		}
		t.Programs = append(t.Programs, path)
		return nil
	}
	if err := named("STREAMVET_FFMPEG"); err != nil {
		return t, err
	}
	t.Programs = append(t.Programs, cachedPrograms()...)
	if err := named("STREAMVET_ENCODER"); err != nil {
		return t, err
	}
	if path, err := exec.LookPath("ffmpeg"); err == nil {
		t.Programs = append(t.Programs, path)
	}
	for _, p := range t.Programs {
		if probe := filepath.Join(filepath.Dir(p), "ffprobe"); t.Probe == "" && runnable(probe) {
			t.Probe = probe
		}
	}
	if t.Probe == "" {
		t.Probe, _ = exec.LookPath("ffprobe")
	}
	if len(t.Programs) == 0 || t.Probe == "" {
		return t, errors.New("find ffmpeg: neither the set-up's build nor an ffmpeg with ffprobe on PATH is there: run make setup, or install ffmpeg, or name the program in STREAMVET_FFMPEG")
	}
	return t, nil
}

// cachedPrograms are the builds in the set-up's cache, newest first.
func cachedPrograms() []string {
	cache := os.Getenv("STREAMVET_CACHE")
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		cache = filepath.Join(base, "streamvet")
	}
	found, _ := filepath.Glob(filepath.Join(cache, "ffmpeg-*", "bin", "ffmpeg"))
	var out []string
	for i := len(found) - 1; i >= 0; i-- {
		// A build in progress lies in NAME.partial.
		if !strings.Contains(found[i], ".partial") && runnable(found[i]) {
			out = append(out, found[i])
		}
	}
	return out
}

func runnable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// Decoder is the program that decodes.
func (t Tools) Decoder() string { return t.Programs[0] }

// withEncoders is the first program that has all the named encoders, "" for none.
func (t Tools) withEncoders(ctx context.Context, names ...string) (string, error) {
	for _, p := range t.Programs {
		has, err := encodersOf(ctx, p)
		if err != nil {
			return "", err
		}
		all := true
		for _, n := range names {
			all = all && (n == "" || has[n])
		}
		if all {
			return p, nil
		}
	}
	return "", nil
}

func encodersOf(ctx context.Context, program string) (map[string]bool, error) {
	out, err := exec.CommandContext(ctx, program, "-hide_banner", "-encoders").Output()
	if err != nil {
		return nil, fmt.Errorf("list the encoders of %s: %w", program, err)
	}
	has := map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) > 1 {
			has[f[1]] = true
		}
	}
	return has, nil
}
