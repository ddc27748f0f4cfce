package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/streamvet/streamvet/engine/media"
)

// Describe says in one line what a track is.
func Describe(t media.TrackInfo) string {
	words := []string{fmt.Sprintf("track %d: %s", t.Index, t.Kind)}
	add := func(ok bool, format string, args ...any) {
		if ok {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(t.Codec != "", "%s", t.Codec)
	add(t.Profile != "", "(%s)", t.Profile)
	switch t.Kind {
	case media.KindVideo:
		add(t.Width > 0, "%dx%d", t.Width, t.Height)
		add(t.PixelFormat != "", "%s", t.PixelFormat)
		add(t.FrameRateDen > 0, "%.4g frames/s", float64(t.FrameRateNum)/float64(max(t.FrameRateDen, 1)))
		add(t.Interlaced, "interlaced")
		add(t.Rotation != 0, "turned by %d degrees", t.Rotation)
		add(t.Cover, "cover art")
	case media.KindAudio:
		add(t.SampleRate > 0, "%d Hz", t.SampleRate)
		add(t.Layout != "", "%s", t.Layout)
	}
	add(t.BitRate > 0, "%d kb/s", t.BitRate/1000)
	add(t.Language != "" && t.Language != "und", "language %s", t.Language)
	return Legible(strings.Join(words, " "))
}

// Legible is text from outside, such as a name or a tag of a file, without what
// a terminal would obey or a reader would be misled by.
func Legible(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) || c == '\n' {
			return c
		}
		return unicode.ReplacementChar
	}, text)
}

// facts lists what is known of the input.
func (r *Recorder) facts() []fact {
	s := r.summary
	fs := []fact{{"input", Legible(r.url)}}
	if s.Info.Container != "" {
		fs = append(fs, fact{"container", Legible(s.Info.Container)})
	}
	for _, t := range s.Info.Tracks {
		name, text, _ := strings.Cut(Describe(t), ": ")
		fs = append(fs, fact{name, text})
	}
	if s.Position > 0 {
		fs = append(fs, fact{"vetted", Clock(s.Position)})
	}
	if s.Frames > 0 {
		fs = append(fs, fact{"frames", fmt.Sprint(s.Frames)})
	}
	if e := s.Elapsed.Seconds(); e > 0 && s.Position > 0 {
		speed := fmt.Sprintf("%.1f times real time", s.Position.Seconds()/e)
		if s.Frames > 0 {
			speed += fmt.Sprintf(", %.0f frames/s", float64(s.Frames)/e)
		}
		fs = append(fs, fact{"speed", speed})
	}
	return fs
}

// Reading is a detector's number in its unit, as people say it: a share as per cent.
func Reading(value float64, unit string) string {
	if whole, ok := strings.CutPrefix(unit, "share of "); ok {
		return fmt.Sprintf("%.3g %% of %s", 100*value, Legible(whole))
	}
	return fmt.Sprintf("%.4g %s", value, Legible(unit))
}

// Clock is a time as h:mm:ss.mmm without leading zeros that say nothing.
func Clock(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	d = d.Round(time.Millisecond)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, d%time.Minute
	if h > 0 {
		return fmt.Sprintf("%s%d:%02d:%06.3f", sign, h, m, s.Seconds())
	}
	return fmt.Sprintf("%s%d:%06.3f", sign, m, s.Seconds())
}
