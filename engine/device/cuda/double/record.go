package double

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
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

func ffmpeg(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv("STREAMVET_FFMPEG"), append([]string{"-v", "error", "-nostdin"}, args...)...)
	cmd.Stderr = new(bytes.Buffer)
	return cmd
}

// onDouble decodes a clip by NVDEC on the double and writes the surfaces as they are.
func (f clipFormat) onDouble(clip, muxer, option string) *exec.Cmd {
	args := []string{"-noautorotate", "-hwaccel", "cuda", "-hwaccel_output_format", "cuda"}
	if f.Codec == "av1" {
		args = append(args, "-c:v", "av1") // FFmpeg prefers dav1d, which knows no NVDEC
	}
	cmd := ffmpeg(append(args, "-i", clip, "-map", "0:v:0", "-vf", "hwdownload,format="+f.surface, "-fps_mode", "passthrough", "-f", muxer, "-")...)
	cmd.Env = append(Environment(Folder()), "STREAMVET_DOUBLE_SMALL=1", option)
	return cmd
}

// pictures runs cmd and takes what it writes, size bytes at a time.
func pictures(cmd *exec.Cmd, size int, take func([]byte) error) error {
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("start FFmpeg (set STREAMVET_FFMPEG with scripts/env.sh): %w", err)
	}
	data := make([]byte, size)
	for err == nil {
		if _, err = io.ReadFull(out, data); err == nil {
			err = take(data)
		}
	}
	io.Copy(io.Discard, out)
	if failed := cmd.Wait(); failed != nil {
		return fmt.Errorf("%v: %w: %s", cmd.Args, failed, cmd.Stderr)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// clipFormat is how a clip's pictures come out of the software decoder, and which
// surfaces NVDEC uses for them.
type clipFormat struct {
	Width, Height int
	PixFmt        string `json:"pix_fmt"`
	Codec         string `json:"codec_name"`
	depth         int
	planar        bool
	surface       string
}

func probe(clip string) (clipFormat, error) {
	program := filepath.Join(filepath.Dir(os.Getenv("STREAMVET_FFMPEG")), "ffprobe")
	out, err := exec.Command(program, "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=codec_name,width,height,pix_fmt", "-of", "json", clip).Output()
	if err != nil {
		return clipFormat{}, fmt.Errorf("%s: %w", program, err)
	}
	var found struct{ Streams []clipFormat }
	if err := json.Unmarshal(out, &found); err != nil || len(found.Streams) != 1 {
		return clipFormat{}, fmt.Errorf("no video found in %s", out)
	}
	f := found.Streams[0]
	surfaces := map[string]clipFormat{
		"yuv420p": {depth: 8, surface: "nv12"}, "yuvj420p": {depth: 8, surface: "nv12"},
		"yuv420p10le": {depth: 10, surface: "p010le"}, "yuv420p12le": {depth: 12, surface: "p016le"},
		"yuv444p": {depth: 8, planar: true, surface: "yuv444p"}, "yuvj444p": {depth: 8, planar: true, surface: "yuv444p"},
		"yuv444p10le": {depth: 10, planar: true, surface: "yuv444p16le"}, "yuv444p12le": {depth: 12, planar: true, surface: "yuv444p16le"},
	}
	s, ok := surfaces[f.PixFmt]
	if !ok {
		return f, fmt.Errorf("NVDEC has no surfaces for %s", f.PixFmt)
	}
	f.depth, f.planar, f.surface = s.depth, s.planar, s.surface
	return f, nil
}

func (f clipFormat) chroma() (w, h int) {
	if f.planar {
		return f.Width, f.Height
	}
	return (f.Width + 1) / 2, (f.Height + 1) / 2
}

// bytes is the size of a picture of the software decoder: three planes.
func (f clipFormat) bytes() int {
	w, h := f.chroma()
	return (f.Width*f.Height + 2*w*h) * f.sampleBytes()
}

func (f clipFormat) sampleBytes() int {
	if f.depth > 8 {
		return 2
	}
	return 1
}

// toSurface interleaves the chroma and moves deep samples to the upper bits.
func (f clipFormat) toSurface(planes []byte) Picture {
	p := Picture{Width: f.Width, Height: f.Height, Deep: f.depth > 8, Planar: f.planar, Data: bytes.Clone(planes)}
	size := f.sampleBytes()
	if !f.planar {
		w, h := f.chroma()
		luma := f.Width * f.Height * size
		u, v, uv := planes[luma:], planes[luma+w*h*size:], p.Data[luma:]
		for i := range w * h {
			copy(uv[2*i*size:], u[i*size:(i+1)*size])
			copy(uv[(2*i+1)*size:], v[i*size:(i+1)*size])
		}
	}
	if p.Deep {
		for i := 0; i < len(p.Data); i += 2 {
			v := binary.LittleEndian.Uint16(p.Data[i:]) << (16 - f.depth)
			binary.LittleEndian.PutUint16(p.Data[i:], v)
		}
	}
	return p
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
