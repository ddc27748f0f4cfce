package double

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// ffmpeg is a run of the private FFmpeg that keeps what it complains of.
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
	cmd := ffmpeg(append(args, "-i", clip, "-map", "0:v:0", "-vf", "hwdownload,format="+f.surface,
		"-fps_mode", "passthrough", "-f", muxer, "-")...)
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
	out, err := exec.Command(program, "-v", "error", "-select_streams", "v:0",
		"-show_entries", "stream=codec_name,width,height,pix_fmt", "-of", "json", clip).Output()
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
