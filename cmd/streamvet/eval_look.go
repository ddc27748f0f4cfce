package main

import (
	"context"

	"github.com/streamvet/streamvet/cmd/streamvet/evalpage"
	"github.com/streamvet/streamvet/engine/eval"
	"github.com/streamvet/streamvet/engine/inject"
)

// lookWidth is how wide and high pictures on the page are at most.
const lookWidth = 360

// lookAt takes the picture in the middle of an example, or draws its sound with
// a little of what is around it.
func lookAt(ctx context.Context, tools inject.Tools, x eval.Example) (evalpage.Look, error) {
	if inject.OfPictures(x.What) {
		jpeg, err := tools.Still(ctx, x.Media, (x.Start+x.End)/2, lookWidth)
		return evalpage.Look{JPEG: jpeg}, err
	}
	around := max((x.End-x.Start)/2, 0.25)
	start := max(x.Start-around, 0)
	peaks, err := tools.SoundPeaks(ctx, x.Media, start, x.End+around-start, 360)
	return evalpage.Look{Wave: peaks, WaveStart: start, WaveLength: x.End + around - start}, err
}
