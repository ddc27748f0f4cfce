package inject

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// container is a kind of output file and what is put into it, the best first.
type container struct {
	extension, format string
	pictures, sound   []string // FFmpeg's names of encoders
	args              []string
}

func containers() []container {
	mp4 := []string{"libx264", "mpeg4"}
	return []container{
		{".mp4", "mp4", mp4, []string{"aac"}, nil},
		{".m4v", "mp4", mp4, []string{"aac"}, nil},
		{".mov", "mov", mp4, []string{"aac"}, nil},
		// No CRC elements, since damage would make them wrong.
		{".mkv", "matroska", mp4, []string{"aac"}, []string{"-write_crc32", "0"}},
		{".ts", "mpegts", []string{"libx264", "mpeg2video", "mpeg4"}, []string{"aac"}, nil},
		{".webm", "webm", []string{"libvpx-vp9"}, []string{"libopus"}, []string{"-write_crc32", "0"}},
		{".m4a", "ipod", nil, []string{"aac"}, nil},
		{".mka", "matroska", nil, []string{"flac"}, nil},
		{".wav", "wav", nil, []string{"pcm_s16le"}, nil},
		{".flac", "flac", nil, []string{"flac"}, nil},
	}
}

// encoding is how a run encodes.
type encoding struct {
	program         string // of ffmpeg
	container       container
	pictures, sound string // encoders; "" for none
	quality         float64
	gop             int // pictures from one key picture to the next
	slices          int // most bytes of a coded slice; 0: as the encoder likes
}

// chooseEncoding picks the first pair of encoders that one of the programs has.
func chooseEncoding(ctx context.Context, t Tools, job Job, m Media) (encoding, error) {
	var e encoding
	ext := strings.ToLower(filepath.Ext(job.Out))
	all := containers()
	i := slices.IndexFunc(all, func(c container) bool { return c.extension == ext })
	if i < 0 {
		var known []string
		for _, c := range all {
			known = append(known, c.extension)
		}
		return e, fmt.Errorf("the output's name ends in %q, which no container here has: use one of %s", ext, strings.Join(known, " "))
	}
	e.container = all[i]
	pictures, sound := []string{""}, []string{""}
	if m.Picture != nil {
		pictures = either(job.Encoder, e.container.pictures)
	}
	if m.Sound != nil {
		sound = either(job.SoundEncoder, e.container.sound)
	}
	if m.Picture != nil && len(e.container.pictures) == 0 {
		return e, fmt.Errorf("%s files hold sound only, but the clip has pictures: write .mp4, .mkv, .mov or .ts", ext)
	}
	if job.Encoder == "mpeg2video" && m.Picture != nil && !mpeg2Rate(m.Picture.Rate) {
		return e, fmt.Errorf("MPEG-2 cannot code %s pictures a second: choose another encoder", m.Picture.Rate)
	}
	for _, e.pictures = range pictures {
		for _, e.sound = range sound {
			if e.pictures == "mpeg2video" && job.Encoder == "" && !mpeg2Rate(m.Picture.Rate) {
				continue
			}
			var err error
			if e.program, err = t.withEncoders(ctx, e.pictures, e.sound); err != nil {
				return e, err
			}
			if e.program != "" {
				e = e.finish(job, m)
				return e, e.canSlice()
			}
		}
	}
	return e, fmt.Errorf("no ffmpeg here (%s) has an encoder for %s: it takes %s; install one that has it, name another with --encoder, or write another container",
		strings.Join(t.Programs, ", "), ext, strings.TrimSuffix(strings.Join(pictures, " or ")+" with "+strings.Join(sound, " or "), " with "))
}

func either(wish string, usual []string) []string {
	if wish != "" {
		return []string{wish}
	}
	return usual
}

// mpeg2Rate tells whether MPEG-2 can code the rate (ISO/IEC 13818-2 table 6-4).
func mpeg2Rate(r Rate) bool {
	return slices.Contains([]Rate{{24000, 1001}, {24, 1}, {25, 1}, {30000, 1001}, {30, 1}, {50, 1}, {60000, 1001}, {60, 1}}, r)
}

func (e encoding) finish(job Job, m Media) encoding {
	e.quality, e.gop = job.Quality, job.GOP
	if e.quality < 0 {
		e.quality = defaultQuality(e.pictures)
	}
	if e.gop == 0 && m.Picture != nil {
		e.gop = max(1, int(2*m.Picture.Rate.FPS()+0.5))
	}
	for _, s := range job.Specs {
		if s.Kind.slices != nil {
			e.slices = s.Kind.slices(s.Params)
		}
	}
	return e
}

// canSlice refuses encoders whose slices cannot be lost one by one.
func (e encoding) canSlice() error {
	if _, ok := syntaxOf(e.pictures); e.slices > 0 && !ok {
		return fmt.Errorf("slices of %s cannot be lost one by one: use an ffmpeg with libx264, or name the encoder mpeg2video", e.pictures)
	}
	return nil
}

// second tells whether the encoder of pictures is not the container's best one.
func (e encoding) second() bool {
	return e.pictures != "" && e.pictures != e.container.pictures[0]
}

// defaultQuality is what nobody tells from the original by eye.
func defaultQuality(encoder string) float64 {
	switch encoder {
	case "libx264":
		return 18
	case "libx265":
		return 20
	case "libvpx-vp9", "libvpx", "libaom-av1", "libsvtav1":
		return 24
	}
	return 2
}

// String names the encoders, for people and for the truth file.
func (e encoding) String() string {
	var parts []string
	if e.pictures != "" {
		parts = append(parts, strings.Join(append([]string{e.pictures}, e.pictureArgs()...), " "))
	}
	if e.sound != "" {
		parts = append(parts, e.sound)
	}
	return strings.Join(parts, ", ")
}

// args make the command line: pictures come on descriptor 3, sound on the next.
// The number of threads is fixed, since it changes what some encoders write.
func (e encoding) args(p *plan, out string) []string {
	m := p.media
	a := []string{"-hide_banner", "-nostdin", "-loglevel", "error", "-y"}
	fd := 3
	if m.Picture != nil {
		a = append(a, "-f", "yuv4mpegpipe", "-i", "pipe:"+strconv.Itoa(fd))
		fd++
	}
	if m.Sound != nil {
		a = append(a, "-f", "f32le", "-ar", strconv.Itoa(m.Sound.RateHz), "-ac", strconv.Itoa(m.Sound.Channels), "-i", "pipe:"+strconv.Itoa(fd))
	}
	if m.Picture != nil {
		a = append(a, "-map", "0:v", "-c:v", e.pictures, "-pix_fmt", "yuv420p", "-threads:v", "4", "-flags:v", "+bitexact")
		a = append(a, e.pictureArgs()...)
		a = append(a, m.Picture.colorArgs()...)
		if kept := p.keepExpression(); kept != "" {
			a = append(a, "-vf", "select='"+kept+"'", "-fps_mode", "passthrough")
		}
	}
	if m.Sound != nil {
		a = append(a, "-map", strconv.Itoa(fd-3)+":a", "-c:a", e.sound, "-flags:a", "+bitexact")
		if !strings.HasPrefix(e.sound, "pcm_") && e.sound != "flac" {
			a = append(a, "-b:a", strconv.Itoa(min(96*m.Sound.Channels, 512))+"k")
		}
		if late := p.stampExpression(); late != "" {
			a = append(a, "-af", "asetpts='PTS+("+late+")/TB'")
		}
	}
	a = append(a, e.container.args...)
	return append(a, "-fflags", "+bitexact", "-map_metadata", "-1", "-max_interleave_delta", "0", "-f", e.container.format, fileURL(out))
}

func (e encoding) pictureArgs() []string {
	q := strconv.FormatFloat(e.quality, 'g', -1, 64)
	gop := strconv.Itoa(e.gop)
	switch e.pictures {
	case "":
		return nil
	case "ffv1":
		return []string{"-level", "3", "-g", "1"}
	case "rawvideo":
		return nil
	case "libx264":
		return append([]string{"-preset", "veryfast", "-crf", q, "-g", gop}, e.sliceArgs("-slice-max-size")...)
	case "libx265":
		return []string{"-preset", "veryfast", "-crf", q, "-g", gop, "-x265-params", "log-level=error:pools=4:frame-threads=2"}
	case "libvpx-vp9", "libvpx":
		return []string{"-crf", q, "-b:v", "0", "-g", gop, "-deadline", "good", "-cpu-used", "5"}
	case "libaom-av1":
		return []string{"-crf", q, "-b:v", "0", "-g", gop, "-cpu-used", "8"}
	case "libsvtav1":
		return []string{"-crf", q, "-g", gop, "-preset", "10"}
	}
	return append([]string{"-q:v", q, "-g", gop}, e.sliceArgs("-ps")...)
}

func (e encoding) sliceArgs(option string) []string {
	if e.slices == 0 {
		return nil
	}
	return []string{option, strconv.Itoa(e.slices)}
}

// soundStart is when the first sample that was encoded is heard on the output's
// timeline. The encoder hands picture 0 and sample 0 over as one moment, after
// the samples that it puts in front of the sound to get going; whoever plays the
// file hears those too, unless the container says that they are to be skipped.
func (e encoding) soundStart(pictureStart float64, m Media) float64 {
	const opusDelay = 312.0 / 48000
	switch {
	case m.Picture != nil && e.sound == "libopus" && e.container.matroska():
		// The muxer writes the delay into the timestamps and beside them, and
		// FFmpeg's demuxer takes it off again.
		return max(pictureStart-opusDelay, 0)
	case m.Picture != nil:
		return pictureStart
	case e.container.skipsPriming() || e.sound == "libopus":
		return 0
	}
	return float64(map[string]int{"aac": 1024, "mp2": 481, "ac3": 256, "eac3": 256}[e.sound]) / float64(m.Sound.RateHz)
}

func (c container) matroska() bool { return c.format == "matroska" || c.format == "webm" }

func (c container) skipsPriming() bool {
	return c.format == "mp4" || c.format == "mov" || c.format == "ipod"
}

// colorArgs carry over how the samples are meant. Pictures are always handed to
// the encoder in limited range.
func (t PictureTrack) colorArgs() []string {
	out := []string{"-color_range", "tv"}
	add := func(option, value string) {
		if value != "" && value != "unknown" && value != "reserved" && value != "gbr" {
			out = append(out, option, value)
		}
	}
	add("-colorspace", t.ColorSpace)
	add("-color_trc", t.ColorTRC)
	add("-color_primaries", t.ColorPrimaries)
	return out
}

// input is a clip, or a stretch of it.
type input struct {
	path         string
	from, length float64 // seconds; 0, 0: all of it
	maxHeight    int     // pictures are made smaller to fit; 0: as they are
	bare         bool    // coded pictures without a container, in which nothing can be sought
}

func (in input) args() []string {
	var out []string
	if in.bare {
		return append(out, "-i", fileURL(in.path))
	}
	if in.from > 0 {
		out = append(out, "-ss", decimal(in.from))
	}
	if in.length > 0 {
		out = append(out, "-t", decimal(in.length))
	}
	return append(out, "-i", fileURL(in.path))
}

// cut gives what is known of the stretch, from what is known of the clip.
func (in input) cut(m Media) (Media, error) {
	if m.Duration > 0 {
		if in.from >= m.Duration {
			return m, fmt.Errorf("the stretch begins at %g s, but the clip ends at %.3f s", in.from, m.Duration)
		}
		m.Duration -= in.from
	}
	if in.length > 0 && (m.Duration <= 0 || in.length < m.Duration) {
		m.Duration = in.length
	}
	return m, nil
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// decodePictures is the command line that gives raw pictures at a constant rate
// from the start of the input, of even size, on standard output.
func decodePictures(in input, rate Rate) []string {
	filters := "fps=fps=" + rate.String() + ":start_time=0,crop=trunc(iw/2)*2:trunc(ih/2)*2,"
	if in.bare && (in.from > 0 || in.length > 0) {
		filters += "trim=start=" + decimal(in.from)
		if in.length > 0 {
			filters += ":duration=" + decimal(in.length)
		}
		filters += ",setpts=PTS-STARTPTS,"
	}
	if in.maxHeight > 0 {
		filters += fmt.Sprintf("scale=w=-2:h='min(ih,%d)':flags=area,", in.maxHeight/2*2)
	}
	a := append([]string{"-hide_banner", "-nostdin", "-loglevel", "error"}, in.args()...)
	return append(a, "-map", "0:V:0", "-vf", filters+"scale=out_range=tv,format=yuv420p", "-f", "yuv4mpegpipe", "-strict", "-1", "pipe:1")
}

// decodeSound gives interleaved float samples from the start of the input, with
// holes in the timestamps filled by silence.
func decodeSound(in input, s SoundTrack) []string {
	a := append([]string{"-hide_banner", "-nostdin", "-loglevel", "error"}, in.args()...)
	return append(a, "-map", "0:a:0", "-af", "aresample=async=1:first_pts=0", "-ar", strconv.Itoa(s.RateHz), "-ac", strconv.Itoa(s.Channels), "-f", "f32le", "pipe:1")
}
