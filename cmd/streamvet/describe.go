package main

import (
	"fmt"
	"time"

	"github.com/streamvet/streamvet/cmd/streamvet/report"
	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/media"
)

// describe says what a source holds, a line each.
func describe(s engine.Summary) []string {
	var lines []string
	for _, t := range s.Info.Tracks {
		lines = append(lines, report.Describe(t)+decoder(t, s.Uploads))
	}
	return lines
}

// decoder says where a track was decoded, if a GPU had to do with it.
func decoder(t media.TrackInfo, uploads int64) string {
	switch {
	case t.Decoder == media.NVDEC && uploads > 0:
		return fmt.Sprintf(", decoded by NVDEC, but for %d pictures", uploads)
	case t.Decoder == media.NVDEC:
		return ", decoded by NVDEC"
	case t.DecoderReason != "":
		return ", decoded in software: " + t.DecoderReason
	}
	return ""
}

// seconds is a length of time as people say it.
func seconds(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return report.Clock(d)
}
