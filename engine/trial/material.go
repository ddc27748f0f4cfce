package trial

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// clip is one piece of generated material.
type clip struct{ name, path string }

// sizes are those of real sources, and two that fit no grid of 16: as small as a
// thumbnail, and upright.
var sizes = []struct{ width, height, pictures int }{
	{320, 180, 2 * len(scenes)}, {177, 99, len(scenes)}, {540, 960, len(scenes)}, {1280, 720, len(scenes)}, {1920, 1080, len(scenes)},
}

// hearings are rates and channels of real sources; the last one is shorter than what any
// detector looks at.
var hearings = []struct {
	rate, channels int
	seconds        float64
}{
	{48000, 2, 6}, {44100, 1, 4}, {32000, 2, 4}, {8000, 1, 4}, {48000, 6, 3}, {48000, 2, 0.3},
}

// material makes what the detector looks at. The first clip is what variants are
// compared on: it fills a batch.
func (t *trial) material() ([]clip, error) {
	switch t.detector.Input {
	case "picture":
		return t.pictures()
	case "sound":
		return t.sounds()
	case "bitstream":
		pictures, err := t.pictures()
		if err != nil {
			return nil, err
		}
		sounds, err := t.sounds()
		return append(pictures[:1], sounds[:min(1, len(sounds))]...), err
	}
	return nil, nil // the clock: there is none in a file
}

func (t *trial) pictures() ([]clip, error) {
	var clips []clip
	for i, s := range sizes {
		n := s.pictures
		if net := t.detector.Network; net != nil && i == 0 {
			n = max(n, net.Batch.OnCPU().MaxSize)
		}
		c := clip{fmt.Sprintf("%dx%d", s.width, s.height), filepath.Join(t.dir, fmt.Sprintf("%dx%d.y4m", s.width, s.height))}
		if err := written(c.path, func(w io.Writer) error { return writePictures(w, s.width, s.height, n) }); err != nil {
			return nil, err
		}
		clips = append(clips, c)
	}
	return clips, nil
}

func (t *trial) sounds() ([]clip, error) {
	var clips []clip
	for i, h := range hearings {
		name := fmt.Sprintf("%d Hz, %d channels", h.rate, h.channels)
		if h.channels == 1 {
			name = fmt.Sprintf("%d Hz, one channel", h.rate)
		}
		if h.seconds < 1 {
			name += fmt.Sprintf(", %v s", h.seconds)
		}
		c := clip{name, filepath.Join(t.dir, fmt.Sprintf("%d.wav", i))}
		if err := written(c.path, func(w io.Writer) error { return writeSound(w, h.rate, h.channels, h.seconds) }); err != nil {
			return nil, err
		}
		clips = append(clips, c)
	}
	return clips, nil
}

// written makes a file.
func written(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make generated material: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := errors.Join(write(w), w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("make generated material %s: %w", path, err)
	}
	return nil
}
