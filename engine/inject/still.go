package inject

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// Still gives the picture of a file that is shown at a time from its start, as a
// JPEG at most so wide and high.
func (t Tools) Still(ctx context.Context, path string, seconds float64, most int) ([]byte, error) {
	// Decoding from well before makes sure that damage looks as it does in play. What
	// comes before the first key picture after a seek is no damage: it is not decoded.
	lead, corrupt := min(seconds, 12), "+output_corrupt"
	if lead < seconds {
		corrupt = "-output_corrupt"
	}
	fit := fmt.Sprintf("select='gte(t,%s)',scale=w='min(iw,%d)':h='min(ih,%d)':force_original_aspect_ratio=decrease:force_divisible_by=2:out_range=pc,format=yuvj420p", decimal(max(lead-0.001, 0)), most, most)
	out, err := runQuiet(ctx, t.Decoder(), "-hide_banner", "-nostdin", "-loglevel", "fatal", "-flags", corrupt, "-ss", decimal(seconds-lead), "-i", fileURL(path),
		"-map", "0:V:0", "-vf", fit, "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "4", "-f", "mjpeg", "pipe:1")
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("there is none")
	}
	if err != nil {
		return nil, fmt.Errorf("take the picture of %s at %.3f s: %w", path, seconds, err)
	}
	return out, nil
}

// SoundPeaks gives the lowest and the highest sample of n equal parts of a stretch
// of a file's sound, over all channels.
func (t Tools) SoundPeaks(ctx context.Context, path string, start, length float64, n int) ([][2]float32, error) {
	const rate = 16000
	out, err := runQuiet(ctx, t.Decoder(), "-hide_banner", "-nostdin", "-loglevel", "fatal", "-ss", decimal(max(start, 0)), "-t", decimal(length), "-i", fileURL(path),
		"-map", "0:a:0", "-ar", strconv.Itoa(rate), "-ac", "1", "-f", "f32le", "pipe:1")
	if err == nil && len(out) < 4*n {
		err = fmt.Errorf("there is too little")
	}
	if err != nil {
		return nil, fmt.Errorf("take the sound of %s at %.3f s: %w", path, start, err)
	}
	samples := len(out) / 4
	peaks := make([][2]float32, n)
	for i := range peaks {
		from, to := i*samples/n, (i+1)*samples/n
		for k := from; k < to; k++ {
			v := math.Float32frombits(binary.LittleEndian.Uint32(out[4*k:]))
			peaks[i][0], peaks[i][1] = min(peaks[i][0], v), max(peaks[i][1], v)
		}
	}
	return peaks, nil
}
