package main

import (
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/media"
)

func TestDescribeTellsTheDecoder(t *testing.T) {
	for want, c := range map[string]struct {
		track   media.TrackInfo
		uploads int64
	}{
		"":                                       {media.TrackInfo{Decoder: media.Software}, 0},
		", decoded by NVDEC":                     {media.TrackInfo{Decoder: media.NVDEC}, 0},
		", decoded by NVDEC, but for 7 pictures": {media.TrackInfo{Decoder: media.NVDEC}, 7},
		", decoded in software: odd size":        {media.TrackInfo{Decoder: media.Software, DecoderReason: "odd size"}, 9},
	} {
		c.track.Kind = media.KindVideo
		s := engine.Summary{Uploads: c.uploads}
		s.Info.Tracks = []media.TrackInfo{c.track}
		got := describe(s)[0]
		if !strings.HasSuffix(got, want) || want == "" && strings.Contains(got, "decoded") {
			t.Errorf("%q, want it to end with %q", got, want)
		}
	}
}

func TestEveryStateHasItsMark(t *testing.T) {
	for state, want := range map[string]string{"raised": "! raised ", "updated": "~ updated", "cleared": "- cleared"} {
		if got := paint(false).mark(state, "minor"); got != want {
			t.Errorf("%s is marked %q, want %q", state, got, want)
		}
	}
}
