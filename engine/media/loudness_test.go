package media

import (
	"math"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/streamvet/streamvet/engine/frame"
)

// readings are those of a whole track.
func readings(t *testing.T, path string) (all []frame.Loudness, last frame.Loudness, peak float64) {
	t.Helper()
	_, audio := playFile(t, path, Options{Loudness: true})
	peak = math.Inf(-1)
	for _, f := range audio[0].frames {
		if f.loudness.Valid {
			all = append(all, f.loudness)
			last = f.loudness
			peak = max(peak, f.loudness.TruePeak)
		}
	}
	if len(all) == 0 {
		t.Fatal("no reading")
	}
	return all, last, peak
}

var summary = regexp.MustCompile(`(?s)I:\s+(-?[\d.]+) LUFS.*Peak:\s+(-?[\d.]+) dBFS`)

// reference128 is the summary of FFmpeg's ebur128 with its own true peak.
func reference128(t *testing.T, path string) (integrated, peak float64) {
	t.Helper()
	cmd := exec.Command(os.Getenv("STREAMVET_FFMPEG"), "-hide_banner", "-nostats", "-i", path, "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m := summary.FindSubmatch(out)
	if m == nil {
		t.Fatalf("no summary in\n%s", out)
	}
	integrated, _ = strconv.ParseFloat(string(m[1]), 64)
	peak, _ = strconv.ParseFloat(string(m[2]), 64)
	return integrated, peak
}

// Loudness is FFmpeg's; our true peak is within 0.1 dB of FFmpeg's. (High tones are
// faded in: where they begin abruptly the two interpolators ring differently.)
func TestLoudnessAgainstFFmpeg(t *testing.T) {
	for _, c := range []struct{ file, args string }{
		{"tone-997.wav", "-f lavfi -i sine=frequency=997:sample_rate=48000:duration=5 -c:a pcm_s24le"},
		{"tone-11999.wav", "-f lavfi -i aevalsrc=0.7*sin(2*PI*11999*t+0.7):s=48000:d=5 -af afade=d=0.5 -c:a pcm_s24le"},
		{"tone-18000.wav", "-f lavfi -i aevalsrc=0.5*sin(2*PI*18000*t+0.3)|0.2*sin(2*PI*3000*t):s=48000:d=5 -af afade=d=0.5 -c:a pcm_s24le"},
		{"noise.wav", "-f lavfi -i anoisesrc=r=48000:d=5:a=0.5:c=pink:seed=7 -ac 2 -c:a pcm_f32le"},
		{"noise-44.flac", "-f lavfi -i anoisesrc=r=44100:d=5:a=0.4:c=brown:seed=3 -c:a flac"},
		{"level.wav", "-f lavfi -i aevalsrc=0.9*sin(2*PI*440*t)*lt(t\\,2)+0.05*sin(2*PI*440*t):s=48000:d=6 -c:a pcm_s16le"},
		{"five-one.wav", "-f lavfi -i aevalsrc=0.1*sin(2*PI*440*t)|0.2*sin(2*PI*500*t)|0.3*sin(2*PI*600*t)|0.5*sin(2*PI*60*t)|0.2*sin(2*PI*800*t)|0.2*sin(2*PI*900*t):s=48000:d=5:c=5.1 -c:a pcm_s24le"},
	} {
		t.Run(c.file, func(t *testing.T) {
			path := clip(t, c.file, c.args)
			all, last, peak := readings(t, path)
			wantI, wantPeak := reference128(t, path)
			if math.Abs(last.Integrated-wantI) > 0.11 { // the summary has one decimal
				t.Errorf("integrated %.2f LUFS, FFmpeg says %.1f", last.Integrated, wantI)
			}
			if math.Abs(peak-wantPeak) > 0.15 { // 0.1 dB, and the summary's one decimal
				t.Errorf("true peak %.2f dBTP, FFmpeg says %.1f", peak, wantPeak)
			}
			if n := len(all); n < 45 || n > 62 {
				t.Errorf("%d readings, want one each 100 ms", n)
			}
		})
	}
}

// A sine at a quarter of the rate, 45 degrees off: samples reach 0.707 of its peak (EBU Tech 3341, case 15 and on).
func TestTruePeakBetweenSamples(t *testing.T) {
	path := clip(t, "between.wav", "-f lavfi -i aevalsrc=0.5*sin(2*PI*12000*t+PI/4):s=48000:d=2 -c:a pcm_f32le")
	_, _, peak := readings(t, path)
	if want := 20 * math.Log10(0.5); math.Abs(peak-want) > 0.1 {
		t.Errorf("%.2f dBTP, want %.2f", peak, want)
	}
}

// The peak is that of the interval, not of all before.
func TestTruePeakOfInterval(t *testing.T) {
	all, _, _ := readings(t, clip(t, "level.wav", "-f lavfi -i aevalsrc=0.9*sin(2*PI*440*t)*lt(t\\,2)+0.05*sin(2*PI*440*t):s=48000:d=6 -c:a pcm_s16le"))
	for i, want := range map[int]float64{10: 20 * math.Log10(0.95), 40: 20 * math.Log10(0.05)} {
		if got := all[i].TruePeak; math.Abs(got-want) > 0.1 {
			t.Errorf("reading %d: %.2f dBTP, want %.2f", i, got, want)
		}
	}
}

// Silence is measured as silence.
func TestLoudnessOfSilence(t *testing.T) {
	all, _, peak := readings(t, clip(t, "silent.wav", "-f lavfi -i anullsrc=r=48000:cl=stereo -t 2 -c:a pcm_s16le"))
	if !math.IsInf(peak, -1) || all[len(all)-1].Momentary > -100 {
		t.Errorf("peak %v, momentary %v", peak, all[len(all)-1].Momentary)
	}
}
