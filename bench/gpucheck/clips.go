package gpucheck

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// clipsIn lists the files of a folder of clips, by name.
func (c *check) clipsIn(folder string) ([]string, error) {
	dir := filepath.Join(c.Options.Clips, folder)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("clips: %w", err)
	}
	var all []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			all = append(all, filepath.Join(dir, e.Name()))
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("clips: there is none in %s", dir)
	}
	return all, nil
}

// loadClip is the first clip for load whose name begins with codec.
func (c *check) loadClip(codec string) (string, error) {
	all, err := c.clipsIn("load")
	if err != nil {
		return "", err
	}
	for _, clip := range all {
		if strings.HasPrefix(filepath.Base(clip), codec) {
			return clip, nil
		}
	}
	return "", fmt.Errorf("clips: there is none of %s in %s/load", codec, c.Options.Clips)
}
