package double

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Record makes tapes of the clips' first video tracks in folder, so that decoders on
// the double give what FFmpeg decodes in software. A clip that has its tape there
// keeps it. The pictures are found by their bitstream: any number of decoders may
// play the same clips, from anywhere in them.
//
// It runs $STREAMVET_FFMPEG twice on a clip: on the double, whose decoder writes into
// each picture the key of its bitstream, and in software. Both give the pictures in
// the order of output, and so the key of each.
func Record(folder string, clips ...string) error {
	for _, clip := range clips {
		path, err := tapeOf(folder, clip)
		if err == nil {
			if _, missing := os.Stat(path); missing != nil {
				err = record(path, clip)
			}
		}
		if err != nil {
			return fmt.Errorf("record %s: %w", clip, err)
		}
	}
	return nil
}

// tapeOf names a clip's tape by what is in the clip.
func tapeOf(folder, clip string) (string, error) {
	data, err := os.ReadFile(clip)
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, fmt.Sprintf("%x.tape", sha256.Sum256(data))), nil
}

func record(path, clip string) error {
	format, err := probe(clip)
	if err != nil {
		return err
	}
	keys, err := stampedKeys(clip, format)
	if err != nil {
		return err
	}
	t, err := newTape(path)
	if err != nil {
		return err
	}
	if err := software(t, clip, format, keys); err != nil {
		t.abandon()
		return err
	}
	return t.finish()
}

// stampedKeys decodes on the double and reads the key of every picture.
func stampedKeys(clip string, f clipFormat) ([]uint64, error) {
	var keys []uint64
	surface := Picture{Width: f.Width, Height: f.Height, Deep: f.depth > 8, Planar: f.planar}
	cmd := f.onDouble(clip, "rawvideo", "STREAMVET_DOUBLE_STAMP=1")
	err := pictures(cmd, surface.bytes(), func(data []byte) error {
		var key [8]byte
		for k := range key {
			if surface.Deep {
				key[k] = data[2*k+1]
			} else {
				key[k] = data[k]
			}
		}
		keys = append(keys, binary.LittleEndian.Uint64(key[:]))
		return nil
	})
	return keys, err
}

// software decodes on the CPU and puts the pictures on the tape.
func software(t *tapeWriter, clip string, f clipFormat, keys []uint64) error {
	n := 0
	cmd := ffmpeg("-noautorotate", "-i", clip, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", f.PixFmt, "-")
	err := pictures(cmd, f.bytes(), func(data []byte) error {
		if n++; n > len(keys) {
			return nil
		}
		return t.add(keys[n-1], f.toSurface(data))
	})
	if err == nil && n != len(keys) {
		err = fmt.Errorf("%d pictures in software, but %d on the double", n, len(keys))
	}
	return err
}

// DecodesAlike tells whether FFmpeg gives the same pictures on the double, with the
// tapes in folder, as in software; if not, how they differ. It is a check of tapes.
func DecodesAlike(folder, clip string) error {
	f, err := probe(clip)
	if err != nil {
		return err
	}
	onDouble := f.onDouble(clip, "framemd5", "STREAMVET_DOUBLE_TAPES="+folder)
	got, err := onDouble.Output()
	if err != nil {
		return fmt.Errorf("decode on the double: %w: %s", err, onDouble.Stderr)
	}
	onCPU := ffmpeg("-i", clip, "-map", "0:v:0", "-pix_fmt", f.surface, "-fps_mode", "passthrough", "-f", "framemd5", "-")
	want, err := onCPU.Output()
	if err != nil {
		return fmt.Errorf("decode in software: %w: %s", err, onCPU.Stderr)
	}
	g, w := sums(got), sums(want)
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			return fmt.Errorf("picture %d of %d and %d differs", i, len(g), len(w))
		}
	}
	return nil
}

// sums are the lines of framemd5 that tell of pictures.
func sums(framemd5 []byte) []string {
	var s []string
	for line := range strings.Lines(string(framemd5)) {
		if !strings.HasPrefix(line, "#") {
			s = append(s, line)
		}
	}
	return s
}
