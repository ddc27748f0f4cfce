package inject

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// recode is the substitution of compression: the clip's own pictures of the span,
// through an encoder at the wished quality.
func recode(ctx context.Context, r *run, d *planned) (replacement, error) {
	program, args, err := r.coarseEncoder(ctx, d.spec.Params)
	if err != nil {
		return nil, err
	}
	path, err := r.sideFile(".mkv")
	if err != nil {
		return nil, err
	}
	line := []string{"-hide_banner", "-loglevel", "error", "-y", "-f", "yuv4mpegpipe", "-i", "pipe:0", "-threads:v", "4", "-flags:v", "+bitexact", "-pix_fmt", "yuv420p"}
	line = append(append(line, args...), "-f", "matroska", fileURL(path))
	if err := r.encodeSpan(ctx, d.span, program, line); err != nil {
		return nil, fmt.Errorf("encode its pictures: %w", err)
	}
	return &encodedPictures{ctx: ctx, tools: r.tools, path: path, rate: r.plan.media.Picture.Rate}, nil
}

// coarseEncoder is the run's own encoder, or the best that is here where that one
// loses nothing or has no scale that we know.
func (r *run) coarseEncoder(ctx context.Context, p Params) (program string, args []string, err error) {
	names := []string{"libx264", "mpeg4"}
	if own := r.encoding.pictures; slices.Contains([]string{"libx265", "mpeg2video", "mpeg4"}, own) {
		names = []string{own}
	}
	for _, name := range names {
		program, err = r.tools.withEncoders(ctx, name)
		if err != nil || program == "" {
			continue
		}
		quality, err := coarseQuality(name, p)
		return program, append([]string{"-c:v", name, "-g", strconv.Itoa(max(r.encoding.gop, 1))}, quality...), err
	}
	if err == nil {
		err = fmt.Errorf("no ffmpeg here has the encoder %s: install one, or name its program in STREAMVET_ENCODER", names[0])
	}
	return "", nil, err
}

// coarseQuality sets the quantiser. MPEG's quantiser has steps of 2; those of
// H.264 double every 6 and are 1 at QP 4.
func coarseQuality(encoder string, p Params) ([]string, error) {
	qp, crf := decimal(p["qp"]), decimal(p["crf"])
	switch {
	case encoder == "libx264" && p["crf"] > 0:
		return []string{"-preset", "veryfast", "-crf", crf}, nil
	case encoder == "libx264":
		return []string{"-preset", "veryfast", "-qp", qp}, nil
	case encoder == "libx265" && p["crf"] > 0:
		return []string{"-preset", "veryfast", "-crf", crf, "-x265-params", "log-level=error:pools=4:frame-threads=2"}, nil
	case encoder == "libx265":
		return []string{"-preset", "veryfast", "-x265-params", "log-level=error:pools=4:frame-threads=2:qp=" + strconv.Itoa(int(p["qp"]))}, nil
	case p["crf"] > 0:
		return nil, fmt.Errorf("%s knows no CRF: give qp", encoder)
	}
	q := math.Round(math.Pow(2, (p["qp"]-4)/6) / 2)
	if q > 31 {
		return nil, fmt.Errorf("qp %s is beyond the coarsest quantiser of %s: up to 39 can be had, or take an ffmpeg with libx264", qp, encoder)
	}
	return []string{"-q:v", decimal(max(q, 1))}, nil
}
