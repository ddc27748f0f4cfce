package inject

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Media is what ffprobe says of a clip.
type Media struct {
	Duration float64 // seconds; 0: not known
	Start    float64 // seconds: the earliest timestamp
	Bare     bool    // it has no container: nothing can be sought in it
	Picture  *PictureTrack
	Sound    *SoundTrack
}

// PictureTrack is the first picture track of a clip that is no cover art.
type PictureTrack struct {
	Codec                string
	Width, Height        int
	Rate                 Rate
	Start                float64 // seconds
	ColorSpace, ColorTRC string  // FFmpeg's names; "" where not said
	ColorPrimaries       string
}

// SoundTrack is the first sound track of a clip.
type SoundTrack struct {
	Codec            string
	Channels, RateHz int
	Start            float64 // seconds
}

type probeStream struct {
	CodecType      string `json:"codec_type"`
	CodecName      string `json:"codec_name"`
	Width          int    `json:"width"`
	Height         int    `json:"height"`
	RFrameRate     string `json:"r_frame_rate"`
	AvgFrameRate   string `json:"avg_frame_rate"`
	StartTime      string `json:"start_time"`
	Duration       string `json:"duration"`
	SampleRate     string `json:"sample_rate"`
	Channels       int    `json:"channels"`
	ColorSpace     string `json:"color_space"`
	ColorTransfer  string `json:"color_transfer"`
	ColorPrimaries string `json:"color_primaries"`
	Disposition    struct {
		AttachedPic int `json:"attached_pic"`
	} `json:"disposition"`
}

// Probe looks into a clip.
func (t Tools) probe(ctx context.Context, path string) (Media, error) {
	if info, err := os.Stat(path); err != nil {
		return Media{}, err
	} else if info.IsDir() {
		return Media{}, fmt.Errorf("%s is a directory: name one clip in it", path)
	}
	out, err := runQuiet(ctx, t.Probe, "-v", "error", "-show_entries",
		"format=duration,start_time:stream=codec_type,codec_name,width,height,r_frame_rate,avg_frame_rate,start_time,duration,sample_rate,channels,color_space,color_transfer,color_primaries:stream_disposition=attached_pic",
		"-of", "json", fileURL(path))
	if err != nil {
		return Media{}, fmt.Errorf("look into %s: %w", path, err)
	}
	m, err := parseProbe(out)
	if err == nil && m.Duration <= 0 && m.Picture != nil {
		err = t.countPictures(ctx, path, &m)
	}
	return m, err
}

// countPictures finds the duration of files that do not tell it, such as bare
// coded pictures without a container.
func (t Tools) countPictures(ctx context.Context, path string, m *Media) error {
	out, err := runQuiet(ctx, t.Probe, "-v", "error", "-select_streams", "V:0", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", fileURL(path))
	if err != nil {
		return fmt.Errorf("count the pictures of %s: %w", path, err)
	}
	n := number(strings.Trim(strings.TrimSpace(string(out)), ","))
	m.Duration, m.Bare = n/m.Picture.Rate.FPS(), true
	return nil
}

// fileURL keeps ffmpeg from taking a colon in a name for a protocol.
func fileURL(path string) string { return "file:" + path }

func parseProbe(out []byte) (Media, error) {
	var doc struct {
		Streams []probeStream `json:"streams"`
		Format  struct {
			Duration  string `json:"duration"`
			StartTime string `json:"start_time"`
		} `json:"format"`
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		return Media{}, fmt.Errorf("read what ffprobe says: %w", err)
	}
	m := Media{Duration: number(doc.Format.Duration), Start: number(doc.Format.StartTime)}
	for _, s := range doc.Streams {
		switch {
		case s.CodecType == "video" && m.Picture == nil && s.Disposition.AttachedPic == 0 && s.Width > 0:
			rate, err := s.rate()
			if err != nil {
				return Media{}, err
			}
			m.Picture = &PictureTrack{Codec: s.CodecName, Width: s.Width, Height: s.Height, Rate: rate, Start: number(s.StartTime),
				ColorSpace: s.ColorSpace, ColorTRC: s.ColorTransfer, ColorPrimaries: s.ColorPrimaries}
		case s.CodecType == "audio" && m.Sound == nil && s.Channels > 0:
			m.Sound = &SoundTrack{Codec: s.CodecName, Channels: s.Channels, RateHz: int(number(s.SampleRate)), Start: number(s.StartTime)}
		}
	}
	if m.Picture == nil && m.Sound == nil {
		return Media{}, errors.New("it has neither pictures nor sound that can be read")
	}
	return m, nil
}

// rate chooses the constant rate that pictures are decoded at: the declared one,
// or the average where the two disagree (variable rate, fields counted as pictures).
func (s probeStream) rate() (Rate, error) {
	declared, average := parseRate(s.RFrameRate), parseRate(s.AvgFrameRate)
	switch {
	case !average.Valid() && !declared.Valid():
		return Rate{}, fmt.Errorf("its picture rate is not known (%s)", s.RFrameRate)
	case !average.Valid():
		return declared, nil
	case declared.Valid() && math.Abs(declared.FPS()/average.FPS()-1) < 0.01:
		return declared, nil
	}
	usual := slices.MinFunc([]Rate{{24000, 1001}, {24, 1}, {25, 1}, {30000, 1001}, {30, 1}, {50, 1}, {60000, 1001}, {60, 1}}, func(a, b Rate) int {
		return cmp.Compare(math.Abs(a.FPS()-average.FPS()), math.Abs(b.FPS()-average.FPS()))
	})
	if math.Abs(usual.FPS()/average.FPS()-1) < 0.01 {
		return usual, nil
	}
	if average.Num > 1e6 || average.Den > 1e6 {
		average = Rate{int64(math.Round(average.FPS() * 1000)), 1000}
	}
	return average, nil
}

func parseRate(s string) Rate {
	num, den, _ := strings.Cut(s, "/")
	n, _ := strconv.ParseInt(num, 10, 64)
	d, _ := strconv.ParseInt(den, 10, 64)
	return Rate{n, d}
}

// number reads ffprobe's numbers; what is not said counts as 0.
func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
